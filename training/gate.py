"""Decides whether a challenger may replace the model in service, and says why in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from classifier.taxonomy import Taxonomy
from training.answers import Answers
from training.labelled import Example
from training.metrics import expected_calibration_error, macro_f1, paired_difference

_LEAST_OF_A_DEPARTMENT = 20
_LEAST_TO_CALIBRATE = 100
_CALIBRATED = 0.03
_DRAWS = 1000


@dataclass(frozen=True)
class Gate:
    """What a challenger may not lose.

    Attributes
    ----------
    recall_floor : float
        A department's recall may fall by at most this, on a set with twenty rows of it or more.
    calibration_slack : float
        The calibration error may rise by at most this, on a set of a hundred rows or more,
        unless it stays within 0.03.
    """

    recall_floor: float = 0.05
    calibration_slack: float = 0.02


@dataclass(frozen=True)
class Verdict:
    """Whether a challenger should go live.

    Attributes
    ----------
    promoted : bool
    reasons : tuple of str
        In Chinese words with figures: what fails, or what became of each set.
    comparisons : dict
        By name of a frozen set, figures of both models; JSON-able.
    """

    promoted: bool
    reasons: tuple[str, ...]
    comparisons: dict[str, Any]


@dataclass(frozen=True)
class FrozenSet:
    """Rows the challenger was not trained on, with both models' answers.

    Attributes
    ----------
    own : bool
        Whether they are the office's own, and not held-out rows of the corpus.
    """

    examples: Sequence[Example]
    champion: Answers
    challenger: Answers
    own: bool

    @property
    def departments(self) -> np.ndarray:
        """Each row's label."""
        return np.array([one.department for one in self.examples])

    @property
    def urgencies(self) -> np.ndarray:
        """Each row's label, empty where there is none."""
        return np.array([one.urgency for one in self.examples])


def judge(sets: Mapping[str, FrozenSet | None], taxonomy: Taxonomy, gate: Gate) -> Verdict:
    """Compare two models on frozen sets, by their names; None for one that has no row to compare on.

    Where none has any, nothing says that the challenger is better, so it stays out.
    """
    gravest = taxonomy.urgencies[-1].id if taxonomy.urgencies else ""
    names = {one.id: one.name for one in taxonomy.departments}
    filled = {name: one for name, one in sets.items() if one is not None}
    comparisons = {name: compare(one, gravest) for name, one in filled.items()}
    absent = tuple(f"{name}：没有两个模型都可比的行。" for name in sets if name not in filled)
    if not filled:
        return Verdict(False, (*absent, "没有任何数据可以比较，不能说明新模型更好。"), {})
    failures = [
        *(reason for name, figures in comparisons.items() for reason in _failures(name, figures, names, gate)),
        *_graver_missed(list(filled.values()), gravest),
    ]
    reasons = failures or [_gain(name, figures) for name, figures in comparisons.items()]
    return Verdict(not failures, (*reasons, *absent), comparisons)


def compare(frozen: FrozenSet, gravest: str) -> dict[str, Any]:
    """Figures of both models on one set."""
    true = frozen.departments
    labels, rows = np.unique(true, return_counts=True)
    before, after = frozen.champion, frozen.challenger
    figures: dict[str, Any] = {
        "rows": len(true),
        "macro_f1": {"champion": macro_f1(true, before.departments), "challenger": macro_f1(true, after.departments)},
        "difference_interval": paired_difference(true, before.departments, after.departments),
        "recall": {
            str(label): {
                "rows": int(n),
                "champion": float((before.departments[true == label] == label).mean()),
                "challenger": float((after.departments[true == label] == label).mean()),
            }
            for label, n in zip(labels, rows, strict=True)
        },
        "calibration_error": {
            "champion": expected_calibration_error(before.confidence, before.departments == true),
            "challenger": expected_calibration_error(after.confidence, after.departments == true),
        },
    }
    figures["difference"] = figures["macro_f1"]["challenger"] - figures["macro_f1"]["champion"]
    grave = frozen.urgencies == gravest
    if gravest and grave.any():
        found = {"champion": before.urgencies[grave] == gravest, "challenger": after.urgencies[grave] == gravest}
        figures["gravest"] = {"rows": int(grave.sum())} | {name: float(one.mean()) for name, one in found.items()}
    return figures


def _failures(name: str, figures: dict[str, Any], names: dict[str, str], gate: Gate) -> Iterator[str]:
    low, high = figures["difference_interval"]
    if high < 0:
        before, after = figures["macro_f1"].values()
        yield f"{name}：宏平均 F1 从 {before:.3f} 降到 {after:.3f}，超出偶然（差的 95 % 区间 {low:+.3f}～{high:+.3f}）。"
    for label, recall in figures["recall"].items():
        fall = recall["champion"] - recall["challenger"]
        if recall["rows"] >= _LEAST_OF_A_DEPARTMENT and fall > gate.recall_floor:
            yield (
                f"{name}：{names.get(label, label)}的召回率从 {recall['champion']:.3f} 降到 {recall['challenger']:.3f}"
                f"（{recall['rows']} 件），最多只许降 {gate.recall_floor:g}。"
            )
    before, after = figures["calibration_error"].values()
    if figures["rows"] >= _LEAST_TO_CALIBRATE and after > max(before + gate.calibration_slack, _CALIBRATED):
        yield f"{name}：校准误差从 {before:.3f} 升到 {after:.3f}，最多只许升 {gate.calibration_slack:g}。"


def _graver_missed(sets: Sequence[FrozenSet], gravest: str) -> Iterator[str]:
    """The office's own rows count one by one; those of the corpus are many, so there chance is allowed for."""
    for own, name in ((True, "本单位的件"), (False, "语料")):
        before, after = [np.zeros(0, dtype=int)], [np.zeros(0, dtype=int)]
        for one in sets:
            if one.own == own:
                rows = one.urgencies == gravest
                before.append((one.champion.urgencies[rows] == gravest).astype(int))
                after.append((one.challenger.urgencies[rows] == gravest).astype(int))
        gains = np.concatenate(after) - np.concatenate(before)
        if gravest and (gains.sum() < 0 if own else _falls(gains)):
            found = sum(map(np.sum, before))
            yield (
                f"{name}：最急一级 {len(gains)} 件，现用模型认出 {found} 件，新模型认出 {found + gains.sum()} 件，"
                "不许变少。"
            )


def _falls(differences: np.ndarray) -> bool:
    """Whether the 95 % bootstrap interval of the mean lies entirely below 0."""
    if not len(differences):
        return False
    shares = np.array([np.mean(differences == value) for value in (-1, 0, 1)])
    drawn = np.random.default_rng(0).multinomial(len(differences), shares, _DRAWS)
    return bool(np.quantile(drawn[:, 2] - drawn[:, 0], 0.975) < 0)


def _gain(name: str, figures: dict[str, Any]) -> str:
    before, after = figures["macro_f1"].values()
    low, high = figures["difference_interval"]
    word = "提高" if low > 0 else "持平（差别在偶然之内）"
    return (
        f"{name} {figures['rows']} 件：宏平均 F1 从 {before:.3f} 到 {after:.3f}，{word}"
        f"（差的 95 % 区间 {low:+.3f}～{high:+.3f}）。"
    )
