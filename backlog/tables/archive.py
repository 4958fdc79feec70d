"""Finds the one table in a .zip file, however its names were written."""

from __future__ import annotations

import zipfile
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from classifier.errors import InvalidTableError

_ZIP_MAGIC = b"PK"
_UTF8_NAME = 0x800
_ENCRYPTED = 0x1
# Workbooks are zip files too; these entries are theirs.
_OF_WORKBOOKS = {"[Content_Types].xml", "mimetype"}
_TABLES = {".csv", ".tsv", ".xlsx", ".xlsm", ".xlsb", ".xls", ".et", ".ods", ".jsonl", ".ndjson", ".parquet"}


def table_in(disk: BinaryIO, path: Path) -> zipfile.ZipInfo | None:
    """The entry of a .zip file that is its table; None where the file is none, or a workbook.

    Raises
    ------
    InvalidTableError
        It is damaged or encrypted, or has no table or several; the message lists them.
    """
    disk.seek(0)
    if disk.read(2) != _ZIP_MAGIC:
        return None
    if not zipfile.is_zipfile(disk):
        if path.suffix.lower() == ".zip":
            raise zipfile.BadZipFile
        return None
    with zipfile.ZipFile(disk) as archive:
        entries = {_name(entry): entry for entry in archive.infolist() if not entry.is_dir()}
    if _OF_WORKBOOKS & entries.keys():
        return None
    return _only_table(path, {name: entry for name, entry in entries.items() if not _is_of_the_system(name)})


def _only_table(path: Path, entries: dict[str, zipfile.ZipInfo]) -> zipfile.ZipInfo:
    tables = [name for name in entries if PurePosixPath(name).suffix.lower() in _TABLES]
    if len(entries) == 1:
        tables = list(entries)
    if len(tables) != 1:
        found = f"{len(tables)} 个表格文件（{'、'.join(tables)}）" if tables else "表格文件以外的内容"
        raise InvalidTableError(f"{path} 里应当只有一个表格文件，现在有{found}，请解压后选定一个再试。")
    entry = entries[tables[0]]
    if entry.flag_bits & _ENCRYPTED:
        raise InvalidTableError(f"{path} 设有密码，请先用密码解压，再用解压出的 {tables[0]}。")
    entry.filename = tables[0]
    return entry


def _is_of_the_system(name: str) -> bool:
    """Whether macOS or the like put it there unasked."""
    return name.startswith("__MACOSX/") or PurePosixPath(name).name.startswith(".")


def _name(entry: zipfile.ZipInfo) -> str:
    """Its name; Windows in Chinese writes it in GBK, which the format knows nothing of."""
    if entry.flag_bits & _UTF8_NAME:
        return entry.filename
    return entry.filename.encode("cp437").decode("gb18030", "replace")
