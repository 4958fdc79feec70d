"""Workbooks to read: sheets by name, numbers as numbers, texts as texts."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

from backlog.tables.report import Column, Sheet, write_report
from classifier.errors import InvalidTableError

SHEETS = [
    Sheet(
        "说明", [Column("名称"), Column("内容", 60)], [["时间", "2026-03"], ["公式", "=1+1"], ["网址", "http://a.b"]]
    ),
    Sheet("按周", [Column("周"), Column("件"), Column("占比", 8, "0%")], [["一", 3, 0.5], ["二", 0, None]], True),
]


def test_cells_are_what_they_are(tmp_path: Path) -> None:
    """A text that looks like a formula or a link stays a text; an empty cell is empty."""
    write_report(tmp_path / "a.xlsx", SHEETS)
    book = CalamineWorkbook.from_path(tmp_path / "a.xlsx")
    assert book.sheet_names == ["说明", "按周"]
    assert book.get_sheet_by_name("说明").to_python()[1:] == SHEETS[0].rows
    assert book.get_sheet_by_name("按周").to_python() == [["周", "件", "占比"], ["一", 3.0, 0.5], ["二", 0.0, ""]]
    with zipfile.ZipFile(tmp_path / "a.xlsx") as packed:
        sheets = b"".join(packed.read(name) for name in packed.namelist() if "sheets/sheet" in name)
    assert b"<f>" not in sheets
    assert b"<hyperlink" not in sheets


def test_equal_figures_make_equal_files(tmp_path: Path) -> None:
    """Whenever they are written."""
    for name in ("a.xlsx", "b.xlsx"):
        write_report(tmp_path / name, SHEETS)
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()


def test_what_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    """Neither where it should be nor beside it."""
    with pytest.raises(InvalidTableError, match="写不了"):
        write_report(tmp_path / "none" / "a.xlsx", SHEETS)
    assert list(tmp_path.iterdir()) == []
