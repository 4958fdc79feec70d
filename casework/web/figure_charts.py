"""The charts of the flow of cases, and how a time of waiting reads."""

from __future__ import annotations

from datetime import timedelta

from casework.service.figures import Flow, Row
from casework.service.periods import UNITS, Span
from casework.service.watch import Share
from casework.web.charts import Chart, Series
from casework.web.pages.shell import percent
from casework.web.quality_charts import share_in_words


def charts(flow: Flow) -> list[Chart]:
    """A point for each span of the period."""
    rows, unit = flow.spans, UNITS[flow.period.unit]
    labels = [span_in_words(row.span, flow.period.unit) for row in rows]
    agreement, punctuality = ([getattr(row, one) for row in rows] for one in ("agreement", "punctuality"))
    waits = [row.median_wait for row in rows]
    return [
        Chart(
            "cases",
            "受理、分办、超期",
            f"每{unit}受理了多少件、首次分办了多少件，到期的件里多少件超期。",
            labels,
            [
                _numbers("受理", rows, "received"),
                _numbers("分办", rows, "decided"),
                _numbers("超期", rows, "overdue"),
            ],
            1,
            "{:.0f}".format,
            column="",
        ),
        Chart(
            "shares",
            "及时率、与建议一致",
            "到期的件里按时办结的、看过建议后分办的件里与建议一致的，各占多少；竖线是 95 % 区间，件数少时很宽。",
            labels,
            [_shares("及时率", punctuality), _shares("与建议一致", agreement)],
            0.25,
            "{:.0%}".format,
            column="",
        ),
        Chart(
            "waits",
            "分办用时（小时）",
            "从受理到首次分办要多久，取中间的一件：一半的件更快，一半更慢。",
            labels,
            [
                Series(
                    "中位数",
                    [None if one is None else one / timedelta(hours=1) for one in waits],
                    [wait_in_words(one) for one in waits],
                )
            ],
            0.25,
            "{:g}".format,
            column="",
        ),
    ]


def span_in_words(span: Span, unit: str) -> str:
    """A span of a period as a short label.

    >>> from datetime import date
    >>> span_in_words(Span(date(2026, 3, 2), date(2026, 3, 8)), "week")
    '03-02'
    """
    return f"{span.first:%Y-%m}" if unit == "month" else f"{span.first:%m-%d}"


def wait_in_words(wait: timedelta | None) -> str:
    """How long cases wait, as staff say it.

    >>> [wait_in_words(timedelta(minutes=one)) for one in (0, 24, 192, 4500)], wait_in_words(None)
    (['不到 1 分钟', '24 分钟', '3.2 小时', '3.1 天'], '—')
    """
    if wait is None:
        return "—"
    minutes = wait // timedelta(minutes=1)
    if minutes < 60:
        return f"{minutes} 分钟" if minutes else "不到 1 分钟"
    return f"{minutes / 60:.1f} 小时" if minutes < 2880 else f"{minutes / 1440:.1f} 天"


def percent_counted(share: Share) -> str:
    """A share that was counted; nothing and everything only where it is so to the last case.

    >>> [percent_counted(Share(*one)) for one in ((0, 0), (0, 9), (1, 500), (499, 500), (9, 9))]
    ['—', '0%', '<1%', '>99%', '100%']
    """
    if share.value is None:
        return "—"
    return percent(share.value) if 0 < share.count < share.rows else f"{share.value:.0%}"


def _numbers(name: str, rows: list[Row], figure: str) -> Series:
    numbers = [row.counts[figure] for row in rows]
    return Series(name, numbers, [f"{one} 件" for one in numbers])


def _shares(name: str, shares: list[Share]) -> Series:
    return Series(
        name, [one.value for one in shares], [share_in_words(one) for one in shares], [one.interval for one in shares]
    )
