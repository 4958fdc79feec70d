"""Chooses on held-out rows where answers change."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.special import logit
from sklearn.metrics import precision_recall_curve

from classifier.model.classifier import Thresholds
from classifier.model.found import Floats
from classifier.model.urgency import as_incoming
from training.metrics import answered_alone
from training.targets import ASSISTS, Target

TOO_MILD_COST = 30.0
"""How many times worse it is to suggest a level too mild than one too grave."""

GRAVEST_RECALL = 0.95
"""Share of the held-out complaints of the gravest level that must be suggested as such."""

_UNFAMILIAR = 0.005
"""Share of held-out rows that may be called unlike anything seen."""


def choose_thresholds(
    targets: Mapping[str, Target],
    held_out: Mapping[str, Floats],
    known_share: Floats,
    accept_accuracy: float,
    urgent_shares: Mapping[str, float | None],
) -> Thresholds:
    """All thresholds of a model.

    Parameters
    ----------
    targets, held_out : mapping of head to labels and to calibrated held-out probabilities
    known_share : ndarray of shape (n,)
        The part of each held-out text that its fold's words knew.
    accept_accuracy : float
        Asked of suggestions that need no review, and of prediction sets.
    urgent_shares : mapping of department to float or None
        As in the taxonomy.
    """
    department, p = targets["department"], held_out["department"]
    lead = np.array(department.classes)[p.argmax(axis=1)]
    _, accept = answered_alone(p.max(axis=1), lead == department.y, accept_accuracy)
    log_odds, cuts = (0.0,) * len(department.classes), tuple[float, ...]()
    if "urgency" in targets:
        log_odds = _urgent_log_odds(department, targets["urgency"], urgent_shares)
        cuts = _urgency_cuts(targets["urgency"], p, held_out["urgency"], log_odds)
    return Thresholds(
        accept_accuracy,
        accept,
        _assist_threshold(lead, targets, held_out) if "assist" in targets else 1.0,
        float(np.quantile(known_share, _UNFAMILIAR)),
        cuts,
        _plausible(department, p, accept_accuracy),
        log_odds,
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
    beside = np.where(np.array(department.classes) == lead[:, None], -1.0, held_out["assist"])
    second = beside.argmax(axis=1)
    rows = np.arange(len(lead))
    right = (targets["assist"].y[rows, second] == ASSISTS) & (lead == department.y)
    if not right.any():
        return 1.0
    precision, recall, cuts = precision_recall_curve(right, beside[rows, second])
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    return float(cuts[f1[:-1].argmax()])


def _urgent_log_odds(department: Target, urgency: Target, shares: Mapping[str, float | None]) -> tuple[float, ...]:
    urgent = urgency.ranks > 0
    differences = []
    for label in department.classes:
        own, share = urgent[department.y[urgency.labelled] == label], shares[label]
        seen = own.mean() if len(own) else 0.0
        differences.append(float(logit(share) - logit(seen)) if share and 0 < seen < 1 else 0.0)
    return tuple(differences)


def _urgency_cuts(urgency: Target, department: Floats, p: Floats, log_odds: tuple[float, ...]) -> tuple[float, ...]:
    """The cut of least expected cost for each level, but for the gravest the one that finds enough of it."""
    incoming = as_incoming(p[urgency.labelled], department[urgency.labelled], log_odds)
    gravest = np.sort(incoming[urgency.ranks == len(urgency.classes) - 1, -1])
    missed = int(len(gravest) * (1 - GRAVEST_RECALL))
    # Suggesting the graver level costs less from this probability on (Elkan 2001, equation 2).
    cut = 1 / (1 + TOO_MILD_COST)
    return (*[cut] * (len(urgency.classes) - 2), float(gravest[missed]))
