"""Text files are read however a program separated, quoted and encoded them, and given columns without touching the rest."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from backlog.tables import CsvTable, TextFile, encoding_fault, open_table, write_extended
from classifier.errors import InvalidTableError

HEADER = ["编号", "标题", "内容"]
ROWS = [["0012", "油烟", "楼下烧烤店的油烟\n天天,往家里灌"], ["0013", "", '说是"征地"；一分钱|没见到']]
CHARACTERS = st.characters(exclude_categories=("Cs",))


def opened(path: Path, content: bytes, encoding: str | None = None) -> TextFile:
    """The table that a text file with this content is."""
    path.write_bytes(content)
    table = open_table(path, encoding)
    assert isinstance(table, TextFile)
    return table


def csv_text(**form: object) -> str:
    """Header and rows as a csv.writer of that form writes them."""
    out = io.StringIO(newline="")
    csv.writer(out, **form).writerows([HEADER, *ROWS])  # type: ignore[arg-type]
    return out.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(
    "form",
    [
        {"delimiter": ","},
        {"delimiter": "\t"},
        {"delimiter": ";"},
        {"delimiter": "|"},
        {"quoting": csv.QUOTE_ALL},
        {"lineterminator": "\n"},
        {"lineterminator": "\r"},
        {"escapechar": "\\", "doublequote": False},
    ],
)
def test_forms_and_encodings_are_found_out(tmp_path: Path, form: dict[str, object], encoding: str) -> None:
    """Excel, WPS, databases and scripts each write tables in their own way."""
    content = csv_text(**form).encode(encoding)
    table = opened(tmp_path / "a.csv", content)
    assert isinstance(table, CsvTable)
    assert [table.header, *table] == [HEADER, *ROWS]
    assert table.encode(table.mark + "".join(line.raw for line in table.records())) == content


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_excels_line_about_the_separator_is_no_row(tmp_path: Path, mark: str) -> None:
    """It decides, is not read as the header, and stays where it was."""
    table = opened(tmp_path / "a.csv", f"{mark}sep=;\r\n编号;内容,正文\r\n1;污水\r\n".encode())
    assert [table.header, *table] == [["编号", "内容,正文"], ["1", "污水"]]
    assert table.extended_header(["新"]) == f"{mark}sep=;\r\n编号;内容,正文;新\r\n"


def test_quotes_of_a_database_mean_nothing(tmp_path: Path) -> None:
    """Tab-separated text with a quote that nothing closes is split at its tabs."""
    table = opened(tmp_path / "a.tsv", '编号\t内容\n1\t"油烟太大\n2\t污水\n'.encode())
    assert list(table) == [["1", '"油烟太大'], ["2", "污水"]]
    [first, _] = table.lines()
    assert table.extended(first, ['a\tb\nc"']) == '1\t"油烟太大\ta b c"\n'


def test_the_delimiter_can_be_told(tmp_path: Path) -> None:
    """What looks like another is then no delimiter."""
    path = tmp_path / "a.csv"
    path.write_text("编号;甲,内容\n1;2,污水\n", encoding="utf-8")
    assert CsvTable(path, delimiter=",").header == ["编号;甲", "内容"]
    assert CsvTable(path, delimiter=";").header == ["编号", "甲,内容"]


@pytest.mark.parametrize("separator", ["，", "；", "^", "\x01"])
def test_a_separator_that_was_not_recognised_is_named(tmp_path: Path, separator: str) -> None:
    """Staff see at once why the columns are not found."""
    table = opened(tmp_path / "a.csv", f"编号{separator}内容\n1{separator}污水\n".encode())
    with pytest.raises(InvalidTableError, match=f"其中的“{re.escape(separator)}”若是分隔符"):
        table.require("内容")


def test_a_cell_of_ten_megabytes_is_read(tmp_path: Path) -> None:
    """Whether it is too long for a complaint is for those to say who read complaints."""
    table = opened(tmp_path / "a.csv", b"text\n" + b"a" * 10_485_760 + b"\nb\n")
    assert [len(cell) for [cell] in table] == [10_485_760, 1]


def test_a_replacement_character_is_no_broken_byte(tmp_path: Path) -> None:
    """Files that were once read in the wrong encoding are full of them."""
    table = opened(tmp_path / "a.csv", "编号,内容\n1,\ufffd\ufffd污水\n".encode())
    assert list(table) == [["1", "\ufffd\ufffd污水"]]


def test_half_a_character_spoils_only_its_row(tmp_path: Path) -> None:
    """In UTF-16 too, where Excel cuts a cell in the middle of an emoji."""
    content = "编号,内容\r\n1,好🙂".encode("utf-16-le")[:-2] + "\r\n2,污水\r\n".encode("utf-16-le")
    table = opened(tmp_path / "a.csv", content)
    lines = list(table.lines())
    assert [bool(encoding_fault(line.cells)) for line in lines] == [True, False]
    assert table.encode("".join(line.raw for line in lines)) in content


@pytest.mark.parametrize(
    ("line", "cells", "extended"),
    [
        ('{"a": "甲", "b": 1.50}\n', ["甲", "1.50", ""], '{"a": "甲", "b": 1.50, "新": "=1"}\n'),
        ('  {"b":12345678901234567890 , "c":null }\r\n', ["", "12345678901234567890", ""], None),
        ('{"a": [1, "二"], "b": true, "c": {"d": 1.5}}\n', ['[1, "二"]', "true", '{"d": 1.5}'], None),
        ("{}\n", ["", "", ""], '{"新": "=1"}\n'),
        ('{"a": "}"}', ["}", "", ""], '{"a": "}", "新": "=1"}'),
        ('{"\\ud83d": "甲"}\n', ["", "", "", '不是完好的 JSON 对象：{"\\ud83d": "甲"}'], '{"新": "=1"}\n'),
        ("[1]\n", ["", "", "", "不是完好的 JSON 对象：[1]"], '{"新": "=1"}\n'),
        ('{"a": "甲\n', ["", "", "", '不是完好的 JSON 对象：{"a": "甲'], '{"新": "=1"}\n'),
    ],
)
def test_json_lines_are_rows(tmp_path: Path, line: str, cells: list[str], extended: str | None) -> None:
    """Keys are columns; what is no object is kept behind them, and keys are added without writing the rest anew."""
    table = opened(tmp_path / "a.jsonl", ('{"a": "", "b": "", "c": ""}\n\n' + line).encode())
    assert table.header == ["a", "b", "c"]
    [_, read] = table.lines()
    assert read.cells == cells
    assert table.extended_header(["新"]) == ""
    written = table.extended(read, ["=1"])
    assert json.loads(written)["新"] == "=1"
    if extended:
        assert written == extended
    else:
        assert written.startswith(line[: line.rindex("}")])


def test_columns_of_json_lines_come_in_the_order_they_first_appear(tmp_path: Path) -> None:
    """However late in the file."""
    table = opened(tmp_path / "a", b'\xef\xbb\xbf{"b": "1"}\n{"a": "2", "b": "3"}\n')
    assert [table.header, *table] == [["b", "a"], ["1", ""], ["3", "2"]]
    assert table.extended_header(["c"]) == "\ufeff"


@pytest.mark.parametrize(
    ("content", "target", "alike"),
    [
        (b"a,b\n1,2\n", "out.csv", True),
        (b"a,b\n1,2\n", "out.tsv", False),
        (b"a\tb\n1\t2\n", "out.tsv", True),
        (b"a;b\n1;2\n", "out.csv", True),
        (b"a,b\n1,2\n", "out.csv.gz", False),
        (b"a,b\n1,2\n", "out.xlsx", False),
        (b"a,b\n1,2\n", "out.jsonl", False),
        (b'{"a": "1"}\n', "out.ndjson", True),
        (b'{"a": "1"}\n', "out.csv", False),
    ],
)
def test_a_table_knows_which_file_holds_its_records_as_they_are(
    tmp_path: Path, content: bytes, target: str, alike: bool
) -> None:
    """There they can be appended; anywhere else they are written anew."""
    assert opened(tmp_path / "in.csv", content).continues_in(Path(target)) is alike


PIECES = st.text(CHARACTERS, max_size=5) | st.sampled_from(
    ['"', '""', "\\", '\\"', ",", "\t", ";", "|", "\r\n", "\n", "\r", '",', ',"', "甲,乙"]
)
ADDED = st.text(CHARACTERS, max_size=5) | st.sampled_from(["=1+1", '[["land", 0.9]]', "一；二"])


@given(
    st.lists(PIECES, max_size=30).map("".join),
    st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-be"]),
    st.sampled_from([",", "\t", ";", "|"]),
    st.lists(ADDED, min_size=2, max_size=2),
)
@example('\\\r\n\\"0', "utf-8", ",", ["", ""])  # a backslash before the end of a line
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_added_columns_leave_the_record_as_it_was(
    tmp_path: Path, text: str, encoding: str, delimiter: str, added: list[str]
) -> None:
    """Whatever its quoting, a record keeps its bytes, and a reader finds its cells with the added ones behind them."""
    path = tmp_path / f"{os.getpid()}.csv"
    content = f"甲{delimiter}乙\n{text}".encode(encoding)
    path.write_bytes(content)
    table = CsvTable(path, encoding, delimiter)
    lines = list(table.lines())
    records = [table.extended(line, added) for line in lines]
    at = 0
    for line, record in list(zip(lines, records, strict=True))[:-1]:
        at = content.index(table.encode(line.raw), at)
        if len(line.cells) <= 2:
            assert record.startswith(line.raw.rstrip("\r\n"))
    written = io.StringIO(table.extended_header(["丙", "丁"]) + "".join(records), newline="")
    found = [row for row in csv.reader(written, table.dialect) if row]
    if table.dialect.quoting == csv.QUOTE_NONE:
        added = [re.sub("[\t\r\n]+", " ", cell) for cell in added]
    safe = [f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell for cell in added]
    assert found[1:] == [[*line.cells, "", ""][:2] + safe for line in lines]


@given(
    st.dictionaries(st.text(CHARACTERS, max_size=3).filter(lambda key: key and key == key.strip()), st.recursive(st.none() | st.text(CHARACTERS) | st.integers() | st.floats(allow_nan=False) | st.booleans(), st.lists, max_leaves=3), max_size=4),
    st.booleans(),
    ADDED,
)  # fmt: skip
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_added_keys_leave_the_object_as_it_was(
    tmp_path: Path, found: dict[str, object], ascii_only: bool, added: str
) -> None:
    """A reader finds every value as before, and the added one."""
    table = opened(
        tmp_path / f"{os.getpid()}", (json.dumps(found | {"键": 0}, ensure_ascii=ascii_only) + "\n").encode()
    )
    table.extended_header(["新"])
    [line] = table.lines()
    assert json.loads(table.extended(line, [added])) == found | {"键": 0, "新": added}
    assert table.extended(line, [added]).startswith(line.raw.rstrip()[:-1])


def test_text_files_are_copied_byte_for_byte(tmp_path: Path) -> None:
    """Bytes of another encoding, blank cells and odd quotes included; only what is added is new, compressed or not."""
    content = b'a;b\n"1" ;=2\n\xd2\xbb;x;y\nz'
    table = opened(tmp_path / "a.csv", content, "utf-8")
    write_extended(table, tmp_path / "b.csv", ["c"], [["+1"], ["二"], [""]])
    expected = b'a;b;c\n"1" ;=2;\'+1\n\xd2\xbb;x;' + "二\nz;;".encode()
    assert (tmp_path / "b.csv").read_bytes() == expected
    write_extended(table, tmp_path / "b.csv.gz", ["c"], [["+1"], ["二"], [""]])
    assert gzip.decompress((tmp_path / "b.csv.gz").read_bytes()) == expected
