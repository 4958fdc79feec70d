"""What cannot be read or written is told to staff in words, with the file's name and the next step, and nothing is left."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
import xlsxwriter

from backlog.tables import new_table, open_table
from classifier.errors import InvalidTableError
from tests.table_files import HEADER, parquet, write_csv, write_xls, write_xlsx, written, zipped


def _ole(path: Path, stream: str) -> Path:
    """An OLE container that holds ``stream`` instead of a workbook, as encrypted files and Word's do."""
    content = bytearray(write_xls(path, [HEADER]).read_bytes())
    entry, name = content.index("Workbook".encode("utf-16-le")), stream.encode("utf-16-le")
    content[entry : entry + len(name)] = name
    content[entry + 64 : entry + 66] = (len(name) + 2).to_bytes(2, "little")
    path.write_bytes(content)
    return path


def _stray(path: Path) -> Path:
    """Calamine would hold every cell up to the last one: half a terabyte."""
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet()
    sheet.write(0, 0, "甲")
    sheet.write(1_048_575, 16_383, "乙")
    book.close()
    return path


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
    (lambda path: path, "a.xlsx", "没有这个文件或目录"),
    (lambda path: path.mkdir() or path, "a.xlsx", "这是目录"),
    (lambda path: path.touch() or path, "a.xlsx", "空文件"),
    (lambda path: path.write_text("<table><tr><td>甲") and path, "a.xls", "是网页格式，.*另存为 .xlsx"),
    (lambda path: path.write_bytes(b"PK\x03\x04nothing") and path, "a.xlsx", "不是 Excel 工作簿，或已损坏"),
    (_cut("b.xlsx"), "a.xlsx", "不是 Excel 工作簿，或已损坏"),
    (lambda path: _ole(path, "WordDocument"), "a.xls", "不是 Excel 工作簿"),
    (lambda path: _ole(path, "EncryptedPackage"), "a.xlsx", "设有打开密码"),
    (_stray, "a.xlsx", "有离表格很远的单元格"),
    (lambda path: write_xlsx(path, ("数据", [])), "a.xlsx", "没有内容"),
    (lambda path: write_xlsx(path, ("数据", [["甲", "乙", "甲 "]])), "a.xlsx", "列名“甲”出现了不止一次"),
    (lambda path: write_csv(path, [["甲", "乙", "甲"]]), "a.csv", "列名“甲”出现了不止一次"),
    (lambda path: path.write_bytes(b"\xff\xfe\x00") and path, "a.csv", "第 1 行读不下去"),
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


@pytest.mark.parametrize(
    ("name", "encoding", "row", "message"),
    [
        ("missing/a.csv", "utf-8", ["甲"], "没有这个文件或目录"),
        ("missing/a.csv.gz", "utf-8", ["甲"], "没有这个文件或目录"),
        ("missing/a.xlsx", "utf-8", ["甲"], "没有这个文件或目录"),
        ("missing/a.parquet", "utf-8", ["甲"], "没有这个文件或目录"),
        ("a.csv", "no-such", ["甲"], "没有 no-such 这种编码"),
        ("a.csv", "gbk", ["甲", "🙂"], "U\\+1F642 这个字符不能用 gbk 编码写出"),
        ("a.csv", "utf-8", ["\udce6"], "U\\+DCE6 这个字符不能用 utf-8 编码写出"),
        ("a.jsonl", "utf-8", ["\udce6"], "U\\+DCE6 这个字符不能用 utf-8 编码写出"),
        ("a.parquet", "utf-8", ["\udce6"], "U\\+DCE6 这个字符不能用 utf-8 编码写出"),
        ("a.xlsx", "utf-8", ["\udce6"], "U\\+DCE6 这个字符不能用 utf-8 编码写出"),
        ("a.xlsx", "utf-8", ["甲"] * 16_385, "第 2 行有 16385 列，而 Excel 每行最多 16384 列"),
    ],
)
def test_what_cannot_be_written_is_refused(
    tmp_path: Path, name: str, encoding: str, row: list[str], message: str
) -> None:
    """The message says why, and nothing is left behind."""
    with pytest.raises(InvalidTableError, match=message), new_table(tmp_path / name, encoding) as out:
        out.writerows([["甲"], row])
    assert not list(tmp_path.iterdir())
