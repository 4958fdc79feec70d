"""The figures of a period as a workbook: what they are and of when first, then each table."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from backlog.tables.report import Cell, Column, Sheet, write_report
from casework.service.desk import Desk
from casework.service.figures import BY, FIGURES, MEDIAN_WORDS, Flow, Row, sampled_in_words
from casework.service.periods import UNITS

_SHARE, _HOURS = "0.0%", "0.0"


def write_figures(flow: Flow, desk: Desk, narrowed: Mapping[str, str], path: Path) -> None:
    """Write all tables of some figures to an .xlsx file.

    Parameters
    ----------
    narrowed : mapping
        What they are narrowed to, by "department", "channel" or "urgency", as staff call it.

    Raises
    ------
    InvalidTableError
        The file cannot be written; nothing is left behind.
    """
    unit, part = UNITS[flow.period.unit], BY[flow.by]
    spans = [[f"{row.span.first:%Y-%m-%d}", f"{row.span.last:%Y-%m-%d}", *_cells(row)] for row in flow.spans]
    parts = [[row.name, *_cells(row)] for row in flow.parts]
    together = _cells(flow.total)
    sheets = [
        Sheet("说明", [Column("统计", 18), Column("", 90)], _about(flow, desk, narrowed)),
        Sheet(f"按{unit}", [Column("从"), Column("到"), *_COLUMNS], [*spans, ["合计", None, *together]], True),
        Sheet(f"按{part}", [Column(part, 20), *_COLUMNS], [*parts, ["合计", *together]], True),
    ]
    write_report(path, sheets)


_COLUMNS = [
    *(Column(FIGURES[one].name, 10) for one in ("received", "decided", "shown", "agreed")),
    Column("一致率", 10, _SHARE),
    *(Column(FIGURES[one].name, 10) for one in ("handed_back", "due", "in_time", "overdue")),
    Column("及时率", 10, _SHARE),
    Column("分办用时中位数（小时）", 12, _HOURS),
]


def _cells(row: Row) -> list[Cell]:
    wait, counts = row.median_wait, row.counts
    return [
        *(counts[one] for one in ("received", "decided", "shown", "agreed")),
        row.agreement.value,
        *(counts[one] for one in ("handed_back", "due", "in_time", "overdue")),
        row.punctuality.value,
        None if wait is None else wait / timedelta(hours=1),
    ]


def _about(flow: Flow, desk: Desk, narrowed: Mapping[str, str]) -> list[list[Cell]]:
    whole = flow.period.whole
    made = datetime.now(UTC).astimezone(desk.office.zone)
    told = [
        ("时间", f"{whole.first} 到 {whole.last}，按{UNITS[flow.period.unit]}"),
        *((f"只统计{BY[by]}", name) for by, name in narrowed.items()),
        ("导出时间", f"{made:%Y-%m-%d %H:%M}（{desk.office.zone.key}）"),
        *((one.name, one.words) for one in FIGURES.values()),
        ("分办用时中位数", MEDIAN_WORDS + sampled_in_words(flow)),
        ("", "只统计件的流转，不统计任何工作人员，也不统计任何诉求人。"),
    ]
    return [[name, words] for name, words in told]
