"""Every format that offices and data platforms hand on is recognised by its content, read whole and written whole."""

from __future__ import annotations

import datetime
import gzip
import io
import os
import re
import sys
import tracemalloc
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backlog.tables import new_table, open_table, write_extended
from classifier.errors import InvalidTableError

HEADER = ["编号", "内容"]
ROWS = [["0012", "楼下烧烤店的油烟\n天天往家里灌"], ["0013", "村口的路塌了半边"]]
ODS = "application/vnd.oasis.opendocument.spreadsheet"
NAMES = ["a.csv", "a.tsv", "a.xlsx", "a.jsonl", "a.parquet", "a.csv.gz", "a.tsv.gz", "a.jsonl.gz"]


def written(path: Path) -> Path:
    """Header and rows in the format the name asks for."""
    with new_table(path) as out:
        out.writerows([HEADER, *ROWS])
    return path


def zipped(path: Path, **files: bytes) -> Path:
    """A .zip file with these entries."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def ods(path: Path, rows: list[list[str]], title: str = "", encrypted: str = "") -> Path:
    """A spreadsheet as LibreOffice writes it, the last row repeated to the end of the sheet."""
    lines = ["".join(f'<table:table-cell office:value-type="string"><text:p>{c}</text:p></table:table-cell>' for c in row) for row in rows]  # fmt: skip
    if title:
        lines.insert(0, f'<table:table-cell table:number-columns-spanned="2" table:number-rows-spanned="1" office:value-type="string"><text:p>{title}</text:p></table:table-cell><table:covered-table-cell/>')  # fmt: skip
    body = "".join(f"<table:table-row>{line}</table:table-row>" for line in lines)
    body += '<table:table-row table:number-rows-repeated="1048570"><table:table-cell table:number-columns-repeated="1024"/></table:table-row>'
    spaces = " ".join(f'xmlns:{one}="urn:oasis:names:tc:opendocument:xmlns:{one}:1.0"' for one in ("office", "table", "text", "manifest"))  # fmt: skip
    content = f'<office:document-content {spaces}><office:body><office:spreadsheet><table:table table:name="数据">{body}</table:table></office:spreadsheet></office:body></office:document-content>'
    manifest = f'<manifest:manifest {spaces}><manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml">{encrypted}</manifest:file-entry></manifest:manifest>'
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in {"mimetype": ODS, "content.xml": content, "META-INF/manifest.xml": manifest}.items():
            archive.writestr(name, text)
    return path


def parquet(path: Path, table: pa.Table) -> Path:
    """A Parquet file in several row groups."""
    pq.write_table(table, path, row_group_size=2)
    return path


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("how", ["as it is", "renamed", "in a .zip file", "on standard input"])
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


def _cut(name: str) -> Callable[[Path], Path]:
    def make(path: Path) -> Path:
        content = written(path.with_name(name)).read_bytes()
        path.write_bytes(content[: len(content) * 2 // 3])
        return path

    return make


def _locked(path: Path) -> Path:
    zipped(path, **{"a.csv": b"a,b\n"})
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    return path


REFUSED = [
    (_cut("b.csv.gz"), "a.csv.gz", "不完整或已损坏"),
    (_cut("b.parquet"), "a.parquet", "不是完整的 Parquet 文件"),
    (lambda path: zipped(path, a=b"a,b\n" * 99) and path.write_bytes(path.read_bytes()[:50]) and path, "a.zip", "不完整或已损坏"),
    (lambda path: zipped(path, **{"a.csv": b"a", "b.csv": b"b"}), "a.zip", "2 个表格文件（a.csv、b.csv），请解压"),
    (lambda path: zipped(path, **{"a.doc": b"a", "b.doc": b"b"}), "a.zip", "表格文件以外的内容"),
    (zipped, "a.zip", "表格文件以外的内容"),
    (_locked, "a.zip", "设有密码，请先用密码解压"),
    (lambda path: zipped(path, a=gzip.compress(b"a")), "a.zip", "压缩包里还有压缩包"),
    (lambda path: path.write_bytes(b"Rar!\x1a\x07") and path, "a.rar", "请解压后再试"),
    (lambda path: path.write_bytes(gzip.compress(b"")) and path, "a.csv.gz", "空文件"),
    (lambda path: path.write_text('[\n {"a": 1}]') and path, "a.json", "整个 JSON 数组，请改存为 JSON Lines"),
    (lambda path: path.write_text('{\n "a": 1\n}') and path, "a.json", "没有一行是 JSON 对象"),
    (lambda path: path.write_text('{"a": 1, "a ": 1}') and path, "a.jsonl", "列名“a”出现了不止一次"),
    (lambda path: parquet(path, pa.table([[1], [2]], ["a", "a"])), "a.parquet", "列名“a”出现了不止一次"),
    (lambda path: path.mkdir() or path, "a", "这是目录"),
    (lambda path: path, "missing", "没有这个文件或目录"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "name", "message"), REFUSED)
def test_unreadable_files_are_refused(tmp_path: Path, make: Callable[[Path], Path], name: str, message: str) -> None:
    """The message names the file and what to do."""
    path = make(tmp_path / name)
    with pytest.raises(InvalidTableError, match=message) as caught:
        open_table(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("name", ["a.ods", "a.xlsx.gz", "a.parquet.gz", "a", "a.zip"])
def test_formats_that_are_not_written_are_named(tmp_path: Path, name: str) -> None:
    """With those that are."""
    with pytest.raises(
        InvalidTableError, match=r"只能写 \.csv、\.tsv、\.jsonl（都可再加 \.gz 压缩）、\.xlsx 或 \.parquet"
    ):
        new_table(tmp_path / name)


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
