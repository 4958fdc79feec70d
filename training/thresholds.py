"""Chooses on held-out rows where answers change."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import numpy as np
from sklearn.metrics import precision_recall_curve

from classifier.model.classifier import Thresholds, graded
from classifier.model.weights import Floats
from training.metrics import answered_alone
from training.targets import Target

TOO_MILD_COST = 5.0
"""How many times worse it is to suggest a level too mild than one too grave."""

_UNFAMILIAR = 0.005
"""Share of held-out rows that may be called unlike anything seen."""


def choose_thresholds(
    targets: Mapping[str, Target], held_out: Mapping[str, Floats], known_share: Floats, accept_accuracy: float
) -> Thresholds:
    """All thresholds of a model.

    Parameters
    ----------
    targets, held_out : mapping of head to labels and to calibrated held-out probabilities
    known_share : ndarray of shape (n,)
        The part of each held-out text that its fold's words knew.
    accept_accuracy : float
        Asked of suggestions that need no review, and of prediction sets.
    """
    department, p = targets["department"], held_out["department"]
    lead = np.array(department.classes)[p.argmax(axis=1)]
    _, accept = answered_alone(p.max(axis=1), lead == department.y, accept_accuracy)
    return Thresholds(
        accept_accuracy,
        accept,
        _assist_threshold(lead, targets, held_out) if "involved" in targets else 1.0,
        float(np.quantile(known_share, _UNFAMILIAR)),
        _urgency_cuts(targets["urgency"], held_out["urgency"]) if "urgency" in targets else (),
        _plausible(department, p, accept_accuracy),
    )


def _plausible(department: Target, p: Floats, accuracy: float) -> tuple[float, ...]:
    """The least probability of each department's own held-out rows but the lowest few.

    Split conformal prediction by class (Sadinle, Lei and Wasserman 2019, "Least Ambiguous
    Set-Valued Classifiers with Bounded Error Levels"): a set of the departments that reach
    theirs holds the right one with probability ``accuracy``, whichever that is.
    """
    least = []
    for k, label in enumerate(department.classes):
        own = np.sort(p[department.y == label, k])
        # Of n own rows, floor((n + 1) * error) may lie below.
        below = int((len(own) + 1) * (1 - accuracy))
        least.append(float(own[below - 1]) if below else 0.0)
    return tuple(least)


def _assist_threshold(lead: np.ndarray, targets: Mapping[str, Target], held_out: Mapping[str, Floats]) -> float:
    """The threshold of the best F1; the second department is the likeliest beside the lead."""
    department = targets["department"]
    beside = np.where(np.array(department.classes) == lead[:, None], -1.0, held_out["involved"])
    second = beside.argmax(axis=1)
    rows = np.arange(len(lead))
    right = (targets["involved"].y[rows, second] == 1) & (lead == department.y)
    if not right.any():
        return 1.0
    precision, recall, cuts = precision_recall_curve(right, beside[rows, second])
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    return float(cuts[f1[:-1].argmax()])


def _urgency_cuts(target: Target, p: Floats) -> tuple[float, ...]:
    """The cuts of least cost on held-out rows: squared distance of levels, more where too mild."""
    true, p = target.ranks, p[target.labelled]

    def cost(cuts: tuple[float, ...]) -> float:
        gap = true - graded(p, cuts)
        return float((gap * gap * np.where(gap > 0, TOO_MILD_COST, 1)).mean())

    grid = np.arange(0.05, 0.65, 0.025).tolist()
    return min(product(grid, repeat=len(target.classes) - 1), key=cost)
