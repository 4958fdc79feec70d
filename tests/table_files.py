"""Makes table files as offices, their programs and data platforms do, for the tests that read them."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter
import xlwt

from backlog.tables import new_table

HEADER = ["编号", "内容"]
ROWS = [["0012", "楼下烧烤店的油烟\n天天往家里灌"], ["0013", "村口的路塌了半边"]]
_ODS = "application/vnd.oasis.opendocument.spreadsheet"
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


def ods(path: Path, rows: list[list[str]], title: str = "") -> Path:
    """A spreadsheet as LibreOffice writes it, the last row repeated to the end of the sheet."""
    lines = ["".join(f'<table:table-cell office:value-type="string"><text:p>{c}</text:p></table:table-cell>' for c in row) for row in rows]  # fmt: skip
    if title:
        lines.insert(0, f'<table:table-cell table:number-columns-spanned="2" table:number-rows-spanned="1" office:value-type="string"><text:p>{title}</text:p></table:table-cell><table:covered-table-cell/>')  # fmt: skip
    body = "".join(f"<table:table-row>{line}</table:table-row>" for line in lines)
    body += '<table:table-row table:number-rows-repeated="1048570"><table:table-cell table:number-columns-repeated="1024"/></table:table-row>'
    spaces = " ".join(f'xmlns:{one}="urn:oasis:names:tc:opendocument:xmlns:{one}:1.0"' for one in ("office", "table", "text", "manifest"))  # fmt: skip
    content = f'<office:document-content {spaces}><office:body><office:spreadsheet><table:table table:name="数据">{body}</table:table></office:spreadsheet></office:body></office:document-content>'
    manifest = f'<manifest:manifest {spaces}><manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"></manifest:file-entry></manifest:manifest>'
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in {"mimetype": _ODS, "content.xml": content, "META-INF/manifest.xml": manifest}.items():
            archive.writestr(name, text)
    return path


def parquet(path: Path, table: pa.Table) -> Path:
    """A Parquet file in several row groups."""
    pq.write_table(table, path, row_group_size=2)
    return path


def write_xlsx(path: Path, *sheets: tuple[str, list[list[object]]], hidden: str = "", title: str = "") -> Path:
    """Write a workbook as Excel would, with ``title`` merged above the first row of each sheet."""
    book = xlsxwriter.Workbook(str(path))
    for name, rows in sheets:
        sheet = book.add_worksheet(name)
        if name == hidden:
            sheet.hide()
        elif hidden:
            sheet.activate()
        if title:
            sheet.merge_range(1, 0, 1, 3, title)
        for index, row in enumerate(rows):
            for column, cell in enumerate(row):
                sheet.write(index + (3 if title else 0), column, *(cell if isinstance(cell, tuple) else (cell,)))
    book.close()
    return path


def write_xls(path: Path, rows: list[list[object]]) -> Path:
    """Write a workbook as Excel 97 would."""
    book = xlwt.Workbook()
    sheet = book.add_sheet("数据")
    for index, row in enumerate(rows):
        for column, cell in enumerate(row):
            sheet.write(index, column, cell)
    book.save(str(path))
    return path


def write_csv(path: Path, rows: list[list[str]]) -> Path:
    """Write a CSV file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return path
