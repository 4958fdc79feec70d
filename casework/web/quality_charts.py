"""The charts of the model's quality, and how each figure reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from casework.service.shift import Shift
from casework.service.watch import Share, Watch, Week
from casework.web.charts import Chart, Series


def charts(watch: Watch) -> list[Chart]:
    """The charts of the page, a point for each week."""
    weeks = watch.weeks
    labels = [f"{week.monday:%m-%d}" if week.complete else "本周" for week in weeks]
    return [
        Chart(
            "agreement",
            "与建议一致的比例",
            "看过建议后分办的件里、以及盲测的件里，决定的部门与建议相同的各占多少；盲测时看不到建议，更能说明模型有多准。",
            labels,
            [
                _shares("看过建议", weeks, lambda week: week.figures.agreement),
                _shares("盲测", weeks, lambda week: week.figures.blind_accuracy),
            ],
            0.25,
            _percent,
        ),
        Chart(
            "review",
            "请人工复核的比例",
            "模型给出的建议里，自己说没有把握、请人细看的占多少。",
            labels,
            [_shares("请复核", weeks, lambda week: week.figures.review)],
            0.25,
            _percent,
        ),
        Chart(
            "shift",
            "与训练时相比的变化（PSI）",
            "每周的建议里各部门所占比例、文字里学过的词所占比例，与训练时差多少；0.1 以下算相近，0.25 以上算变化明显。",
            labels,
            [
                _shifts("部门比例", [week.department_shift for week in weeks]),
                _shifts("学过的词", [week.word_shift for week in weeks]),
            ],
            0.1,
            "{:g}".format,
            (0.1, 0.25),
        ),
    ]


def share_in_words(share: Share) -> str:
    """A share with its rows and interval, as staff read it.

    >>> share_in_words(Share(8, 10)), share_in_words(Share(0, 0))
    ('80%（8/10，49–94%）', '—')
    """
    if share.value is None or share.interval is None:
        return "—"
    low, high = share.interval
    return f"{_percent(share.value)}（{share.count}/{share.rows}，{100 * low:.0f}–{_percent(high)}）"


def _shares(name: str, weeks: Sequence[Week], of: Callable[[Week], Share]) -> Series:
    found = [of(week) for week in weeks]
    texts = [share_in_words(one) for one in found]
    return Series(name, [one.value for one in found], texts, [one.interval for one in found])


def _shifts(name: str, shifts: Sequence[Shift]) -> Series:
    texts = [one.words if one.value is None else f"{one.value:.2f}，{one.words}" for one in shifts]
    return Series(name, [one.value for one in shifts], texts)


def _percent(value: float) -> str:
    return f"{value:.0%}"
