"""Table files are read as a person sees them, whatever program wrote them, and written so that nothing in them runs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest
import xlsxwriter

from backlog.tables import CsvTable, encoding_fault, new_table, open_table, workbook
from classifier.errors import InvalidLabelsError, InvalidTableError
from classifier.taxonomy import Taxonomy
from tests.table_files import HEADER, ROWS, write_csv, write_xls, write_xlsx
from training.labelled import read_labelled


@pytest.mark.parametrize("name", ["a.xlsx", "a.xls", "a.csv", "a"])
@pytest.mark.parametrize("write", [lambda path, rows: write_xlsx(path, ("数据", rows)), write_xls, write_csv])
def test_the_content_says_what_a_file_is(tmp_path: Path, name: str, write: Callable[..., Path]) -> None:
    """Every kind of file is read alike, under any name, as often as wanted."""
    table = open_table(write(tmp_path / name, [HEADER, *ROWS]))
    assert table.header == HEADER
    assert list(table) == list(table) == ROWS
    assert table.column("text", "内容") == table.require("内容") == 1
    assert table.column("text") is None
    assert [(table.row_number, table.share_read) for _ in table][-1] == (3, 1)


@pytest.mark.parametrize(
    ("cell", "number_format", "seen"),
    [
        ("00123", "", "00123"),
        ("  两边有空格 ", "", "  两边有空格 "),
        (3, "", "3"),
        (-5, "", "-5"),
        (0.1, "", "0.1"),
        (0.1 + 0.2, "", "0.3"),
        (202603010000123, "", "202603010000123"),
        (110101199001010000, "", "110101199001010000"),
        (True, "", "TRUE"),
        (False, "", "FALSE"),
        (date(2026, 3, 1), "yyyy/m/d", "2026-03-01"),
        (date(2026, 3, 1), '[$-804]yyyy"年"m"月"d"日";@', "2026-03-01"),
        (datetime(2026, 3, 1, 8, 30), "yyyy-m-d h:mm", "2026-03-01 08:30:00"),
        (time(8, 30), "h:mm", "08:30:00"),
        (timedelta(hours=36, seconds=5), "[h]:mm:ss", "36:00:05"),
    ],
)
def test_cells_are_read_as_a_person_sees_them(tmp_path: Path, cell: object, number_format: str, seen: str) -> None:
    """Long numbers keep their digits, dates are dates."""
    book = xlsxwriter.Workbook(str(tmp_path / "a.xlsx"))
    sheet = book.add_worksheet()
    sheet.write(0, 0, "甲")
    sheet.write(1, 0, cell, book.add_format({"num_format": number_format}) if number_format else None)
    book.close()
    assert list(open_table(tmp_path / "a.xlsx")) == [[seen]]


def test_a_sheet_is_trimmed_to_its_table(tmp_path: Path) -> None:
    """Title, blank rows and blank columns at the end are no part of it; cells beyond the header are."""
    rows: list[list[object]] = [
        ["甲", "乙", "", " "],
        ["1", "", "", ""],
        [],
        ["", "2", "", "多的"],
        ["", " ", "", ""],
        ["", "3"],
    ]
    table = open_table(write_xlsx(tmp_path / "a.xlsx", ("数据", rows), title="二〇二六年台账"))
    assert table.header == ["甲", "乙"]
    assert [(table.row_number, row) for row in table] == [
        (5, ["1", ""]),
        (7, ["", "2", "", "多的"]),
        (9, ["", "3"]),
    ]


def test_the_first_visible_sheet_with_content_is_read_unless_one_is_named(tmp_path: Path) -> None:
    """Empty and hidden sheets are passed over, but can be named."""
    sheets = [("选项", [["类别"], ["甲"]]), ("空", []), ("数据", [HEADER, *ROWS]), ("备用", [["丙"], ["丁"]])]
    path = write_xlsx(tmp_path / "a.xlsx", *sheets, hidden="选项")  # type: ignore[arg-type]
    assert open_table(path).header == HEADER
    assert open_table(path, sheet="备用").header == ["丙"]
    assert open_table(path, sheet="选项").header == ["类别"]
    with pytest.raises(InvalidTableError, match="没有“别的”工作表；现有的工作表：选项、空、数据、备用"):
        open_table(path, sheet="别的")
    with pytest.raises(InvalidTableError, match="没有表头"):
        open_table(path, sheet="空")


def test_a_csv_file_has_no_sheets(tmp_path: Path) -> None:
    """Asking for one is a mistake that is told."""
    with pytest.raises(InvalidTableError, match="没有“数据”工作表"):
        open_table(write_csv(tmp_path / "a.csv", [HEADER]), sheet="数据")


@pytest.mark.parametrize("most", ["utf-8", "gb18030"])
def test_rows_in_another_encoding_are_told_from_the_others(tmp_path: Path, most: str) -> None:
    """In files pasted together, the strangers are never taken for text, and go back byte for byte."""
    other = {"utf-8": "gb18030", "gb18030": "utf-8"}[most]
    lines = [f"{number},第{number}次反映污水直排，臭气熏天，没有人管" for number in range(40)]
    content = "编号,内容\r\n".encode(most)
    content += b"".join(f"{line}\r\n".encode(other if i == 20 else most) for i, line in enumerate(lines))
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    table = open_table(path)
    assert isinstance(table, CsvTable)
    assert table.encoding == most
    [(number, fault)] = [(table.row_number, fault) for row in table if (fault := encoding_fault(row))]
    assert number == 22
    assert "编码与文件其余各行不同" in fault
    _, *records = content.splitlines(keepends=True)
    assert [table.encode(line.raw) for line in table.lines()] == records


def test_a_header_in_another_encoding_is_refused(tmp_path: Path) -> None:
    """It could not be matched, nor shown."""
    path = tmp_path / "a.csv"
    path.write_bytes("编号,内容\n".encode() + ("1,污水直排，臭气熏天，没有人管\n" * 40).encode("gb18030"))
    with pytest.raises(InvalidTableError, match="表头与其余各行编码不同"):
        open_table(path)


def test_labelled_files_may_be_workbooks(tmp_path: Path) -> None:
    """They are read as CSV files are; a row with broken bytes is named."""
    rows = [["text", "department"], ["污水直排", "environment"], ["校门口太堵", "教育"]]
    for path in (write_csv(tmp_path / "a.csv", rows), write_xlsx(tmp_path / "a.xlsx", ("数据", rows))):  # type: ignore[arg-type]
        examples, _ = read_labelled([path], Taxonomy.read())
        assert [(one.complaint.text, one.department) for one in examples] == [
            ("污水直排", "environment"),
            ("校门口太堵", "education"),
        ]
    path = tmp_path / "a.csv"
    path.write_bytes(path.read_bytes().replace(b"environment", b"\xff"))
    with pytest.raises(InvalidLabelsError, match=r"第 1 条：.*编码与文件其余各行不同"):
        read_labelled([path], Taxonomy.read())


def test_a_full_sheet_goes_on_upon_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each sheet has the header."""
    monkeypatch.setattr(workbook, "MOST_ROWS", 3)
    path = tmp_path / "a.xlsx"
    with new_table(path) as out:
        out.writerow(["甲"])
        out.writerows([str(number)] for number in range(5))
    tables = [open_table(path, sheet=name) for name in ("数据", "数据2", "数据3")]
    assert [table.header for table in tables] == [["甲"]] * 3
    assert [list(table) for table in tables] == [[["0"], ["1"]], [["2"], ["3"]], [["4"]]]


@pytest.mark.parametrize("name", ["a.csv", "a.xlsx"])
def test_an_interrupted_export_leaves_an_old_file_as_it_was(tmp_path: Path, name: str) -> None:
    """The file appears under its name only when it is complete."""
    path = tmp_path / name
    path.write_text("old", encoding="utf-8")

    def stop() -> None:
        with new_table(path) as out:
            out.writerow(["甲"])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop()
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]
