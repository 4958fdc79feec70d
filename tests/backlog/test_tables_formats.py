"""Every format that offices and data platforms hand on is recognised by its content, read whole and written whole."""

from __future__ import annotations

import datetime
import io
import os
import re
import sys
import tracemalloc
import zipfile
from decimal import Decimal
from pathlib import Path
from threading import Thread

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backlog.tables import new_table, open_table, write_extended
from classifier.errors import InvalidTableError
from tests.table_files import HEADER, NAMES, ROWS, ods, parquet, written, zipped


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("how", ["as it is", "renamed", "in a .zip file", "on standard input", "through a pipe"])
def test_a_table_is_read_whole_however_it_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, how: str
) -> None:
    """What was written is read back, twice, under any name."""
    path = written(tmp_path / name)
    if how == "renamed":
        path = path.rename(tmp_path / "a.dat")
    if how == "in a .zip file" and not name.endswith(".gz"):
        path = zipped(tmp_path / "a.zip", **{"附件/a": path.read_bytes(), "__MACOSX/._a": b"x"})
    if how == "on standard input":
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(path.read_bytes())))
        path = Path("-")
    if how == "through a pipe":
        content, path = path.read_bytes(), tmp_path / "pipe"
        os.mkfifo(path)
        Thread(target=path.write_bytes, args=[content], daemon=True).start()
    table = open_table(path)
    assert table.header == HEADER
    assert list(table) == list(table) == ROWS
    assert table.share_read == 1


@pytest.mark.parametrize("name", NAMES)
def test_equal_rows_make_equal_files(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whenever they are written, so that copies can be compared."""
    first = written(tmp_path / name).read_bytes()
    monkeypatch.setattr("time.time", lambda: 2e9)
    assert written(tmp_path / name).read_bytes() == first


CELLS = st.one_of(
    # The two characters that XML has no way to hold are not asked for.
    st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\ufffe\uffff"), max_size=12),
    st.sampled_from(["=1+1", "+8613800001234", "-5", "@a", "\t=1", "\r=1", "00123", "110101199001010015", "1e5", "TRUE"]),
    st.sampled_from(["http://a.b", "{=1}", "_x000D_", "a\r\nb", " ", "2026-03-01", "<b>&amp;", "\x00", "\x0b", "null"]),
)  # fmt: skip


@given(
    st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=6),
    st.sampled_from(NAMES),
    st.sampled_from(["utf-8-sig", "utf-8", "gb18030"]),
)
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_every_cell_is_kept(tmp_path: Path, rows: list[list[str]], name: str, encoding: str) -> None:
    """In text that spreadsheet programs open an apostrophe stands before what they would run; blank rows of a sheet are none."""
    path = tmp_path / f"{os.getpid()}{name}"
    with new_table(path, encoding) as out:
        out.writerows([["甲", "", "丙"], *rows])
    starts = ("=", "+", "-", "@", "\t", "\r") if ".csv" in name or ".tsv" in name else ()
    kept = [[f"'{cell}" if cell.startswith(starts) else cell for cell in row] for row in rows] if starts else rows
    if ".xlsx" in name:
        kept = [row for row in kept if any(map(str.strip, row))]
    table = open_table(path, encoding if starts else None)
    assert list(table) == kept
    assert table.header == ["甲", "第2列" if name.startswith(("a.jsonl", "a.parquet")) else "", "丙"]


@pytest.mark.parametrize("source", ["a.csv", "a.xlsx", "a.jsonl", "a.parquet"])
@pytest.mark.parametrize("target", NAMES)
def test_columns_are_added_from_any_format_to_any(tmp_path: Path, source: str, target: str) -> None:
    """Each row gets its own, in order."""
    table = open_table(written(tmp_path / source))
    write_extended(table, tmp_path / f"b{target}", ["建议", "error"], [["land", ""], ["", "内容过长"]])
    extended = open_table(tmp_path / f"b{target}")
    assert [extended.header, *extended] == [
        [*HEADER, "建议", "error"],
        [*ROWS[0], "land", ""],
        [*ROWS[1], "", "内容过长"],
    ]


@pytest.mark.parametrize("target", ["b.xlsx", "b.tsv", "b.jsonl", "b.parquet"])
def test_a_bad_row_does_not_spoil_the_others(tmp_path: Path, target: str) -> None:
    """What cannot be written elsewhere is marked in its place; what is missing is empty, what is too much is cut."""
    path = tmp_path / "a.csv"
    path.write_bytes("a,b\n\udcff污水直排臭气熏天没人管,2\n3\n4,5,6\n".encode(errors="surrogateescape"))
    write_extended(open_table(path, "utf-8"), tmp_path / target, ["error"], [["坏\udcff"], ["短"], ["长"]])
    assert list(open_table(tmp_path / target)) == [
        ["\ufffd污水直排臭气熏天没人管", "2", "坏\ufffd"],
        ["3", "", "短"],
        ["4", "5", "长"],
    ]


@pytest.mark.parametrize("target", ["b.csv", "b.xlsx", "b.parquet"])
def test_as_many_rows_are_added_to_as_there_are(tmp_path: Path, target: str) -> None:
    """Cells that belong to another file are a mistake, and nothing is written."""
    table = open_table(written(tmp_path / ("a.parquet" if "parquet" in target else "a.csv")))
    for added in ([["x"]], [["x"]] * 3):
        with pytest.raises(ValueError, match=r"zip\(\)|more rows|same length"):
            write_extended(table, tmp_path / target, ["新"], added)
    assert not (tmp_path / target).exists()


TYPED = pa.table(
    {
        "编号": pa.array([12, None, 10**18], pa.int64()),
        "内容": ["污水", None, "噪音"],
        "when": pa.array([datetime.datetime(2026, 3, 1, 8, 30), None, datetime.datetime(2026, 3, 1, 8, 30, 0, 5)]),
        "day": pa.array([datetime.date(2026, 3, 1)] * 3),
        "share": [0.1, 1.0, None],
        "money": pa.array([Decimal("1.10")] * 3),
        "open": [True, False, None],
        "kind": pa.array(["甲", "甲", "乙"]).dictionary_encode(),
        "tags": [["水", "气"], [], None],
        "old": pa.array(["旧".encode(), b"\xff", b""], pa.binary()),
    }
)


def test_values_of_parquet_files_become_texts(tmp_path: Path) -> None:
    """Numbers and dates as a person writes them, null as an empty cell, lists as JSON."""
    table = open_table(parquet(tmp_path / "a", TYPED))
    assert [table.header, *table] == [
        TYPED.schema.names,
        ["12", "污水", "2026-03-01 08:30:00", "2026-03-01", "0.1", "1.10", "true", "甲", '["水", "气"]', "旧"],
        ["", "", "", "2026-03-01", "1", "1.10", "false", "甲", "[]", "\udcff"],
        [str(10**18), "噪音", "2026-03-01 08:30:00.000005", "2026-03-01", "", "1.10", "", "乙", "", ""],
    ]


def test_columns_of_parquet_files_keep_their_types(tmp_path: Path) -> None:
    """Only the added ones are texts, even where there is no row."""
    for rows in (TYPED, TYPED.slice(0, 0)):
        table = open_table(parquet(tmp_path / "a.parquet", rows))
        write_extended(table, tmp_path / "b.parquet", ["新"], [[str(i)] for i in range(rows.num_rows)])
        texts = pa.array([str(i) for i in range(rows.num_rows)], pa.string())
        assert pq.read_table(tmp_path / "b.parquet").equals(rows.append_column("新", texts))


def test_titles_and_empty_rows_of_an_ods_sheet_are_passed_over(tmp_path: Path) -> None:
    """LibreOffice and WPS write such files, with rows repeated to the end of the sheet."""
    for title in ("", "二〇二六年台账"):
        table = open_table(ods(tmp_path / "a.xlsx", [HEADER, ["0012", "污水"]], title))
        assert [table.header, *table] == [HEADER, ["0012", "污水"]]


def test_names_in_an_archive_may_be_gbk(tmp_path: Path) -> None:
    """As Windows in Chinese writes them: read where there is one table, and shown rightly where there are two."""
    path = zipped(tmp_path / "a.zip", **{"AAAA.csv": b"a,b\n1,2\n", "read.me": b"x"})
    path.write_bytes(path.read_bytes().replace(b"AAAA", "台账".encode("gbk")))
    assert list(open_table(path)) == [["1", "2"]]
    zipped(path, **{"AAAA.csv": b"a", "b.xlsx": b""})
    path.write_bytes(path.read_bytes().replace(b"AAAA", "台账".encode("gbk")))
    with pytest.raises(InvalidTableError, match=r"2 个表格文件（台账\.csv、b\.xlsx）"):
        open_table(path)


def test_an_archive_that_unpacks_to_much_is_streamed(tmp_path: Path) -> None:
    """A row after the other, however many there are."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.csv", "w") as file:
        file.write(b"text\n")
        for _ in range(100):
            file.write(b"a\n" * 500_000)
    tracemalloc.start()
    rows = iter(open_table(path))
    assert next(rows) == ["a"]
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()


def test_excel_gets_as_much_of_a_cell_as_it_can_hold(tmp_path: Path) -> None:
    """With words in the cell that say so: an office that wants .xlsx is not helped by being refused all other rows."""
    path = tmp_path / "a.xlsx"
    cells = ["长" * 32_767, "长" * 32_768, "🙂" * 16_383, "🙂" * 20_000]
    with new_table(path) as out:
        out.writerows([["甲"], *([cell] for cell in cells)])
    whole, cut, faces, fewer = [cell for [cell] in open_table(path)]
    assert [whole, faces] == [cells[0], cells[2]]
    for cell, start in ((cut, "长长"), (fewer, "🙂🙂")):
        assert cell.startswith(start)
        assert re.search("原有 (32768|20000) 字，Excel 每格最多 32767 字，要全文请存为 .csv）$", cell)
        assert 32_765 <= len(cell.encode("utf-16-le")) // 2 <= 32_767
