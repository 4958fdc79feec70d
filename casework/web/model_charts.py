"""Which charts show how far a model's suggestions can be relied on."""

from __future__ import annotations

from casework.service.model_card import Measures
from casework.service.watch import Share
from casework.web.charts import Chart, Series
from casework.web.quality_charts import share_in_words

_FLOORS = (0.8, 0.6, 0.2, 0.0)


def charts(measures: Measures) -> list[Chart]:
    """Coverage and reliability."""
    return [_coverage(measures), _reliability(measures)]


def _coverage(measures: Measures) -> Chart:
    accuracies = [accuracy for _, accuracy in measures.coverage]
    floor = next(one for one in _FLOORS if one <= min(accuracies))
    return Chart(
        "coverage",
        "取多少，对多少",
        f"按把握从大到小取件：横轴是取了多少，纵轴是取的里面建议对的占多少。横线是要求的准确率 {measures.alone_accuracy:.0%}。",
        [f"{share:.0%}" for share, _ in measures.coverage],
        [Series("建议正确", accuracies, [f"{one:.1%}" for one in accuracies])],
        (1 - floor) / 4,
        "{:.0%}".format,
        (measures.alone_accuracy,),
        "取把握最大的",
        floor,
    )


def _reliability(measures: Measures) -> Chart:
    """Bins without a row part the lines."""
    bins = measures.reliability
    right = [Share(round(accuracy * rows), rows) for rows, _, accuracy in bins]
    said = [confidence if rows else None for rows, confidence, _ in bins]
    return Chart(
        "reliability",
        "说的把握可信吗",
        "把件按模型说的把握分成十档：两条线越近，说的把握越可信；“实际正确”在下面，就是说大了。竖线是 95 % 区间。",
        [f"{i / len(bins):.0%}–{(i + 1) / len(bins):.0%}" for i in range(len(bins))],
        [
            Series("模型说的", said, ["—" if one is None else f"{one:.1%}" for one in said]),
            Series(
                "实际正确", [one.value for one in right], [*map(share_in_words, right)], [one.interval for one in right]
            ),
        ],
        0.25,
        "{:.0%}".format,
        (),
        "把握",
    )
