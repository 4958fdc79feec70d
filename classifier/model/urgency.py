"""From probabilities of the levels of urgency, as learned, to the level to suggest for what comes in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from classifier.compiled import compiled
from classifier.model.found import Floats, Ints


def as_incoming(levels: Floats, departments: Floats, urgent_log_odds: Sequence[float]) -> Floats:
    """Probabilities of the levels of urgency where they are as frequent as among incoming complaints.

    The correction for a changed base rate of Saerens, Latinne and Decaestecker 2002, "Adjusting
    the Outputs of a Classifier to New a Priori Probabilities", averaged over the departments.

    Parameters
    ----------
    levels : ndarray of shape (n, levels)
        From the mildest level to the gravest, as in the training data.
    departments : ndarray of shape (n, departments)
    urgent_log_odds : sequence of float, length departments

    Returns
    -------
    ndarray of shape (n, levels)

    >>> as_incoming(np.array([[0.5, 0.4, 0.1]]), np.array([[1.0, 0.0]]), (np.log(3), 0.0)).round(3)
    array([[0.25, 0.6 , 0.15]])
    """
    return with_odds(levels, departments, np.asarray(urgent_log_odds, dtype=np.float64))


def graded(probabilities: Floats, cuts: Sequence[float]) -> Ints:
    """The level to suggest for each row: the gravest whose cut the probability of it or worse reaches.

    Parameters
    ----------
    probabilities : ndarray of shape (n, levels)
        From the mildest level to the gravest.
    cuts : sequence of float, length levels - 1

    Returns
    -------
    ndarray of int, shape (n,)

    >>> graded(np.array([[0.6, 0.3, 0.1], [0.8, 0.1, 0.1], [0.7, 0.1, 0.2]]), (0.35, 0.2))
    array([1, 0, 2])
    """
    return grade(probabilities, np.asarray(cuts, dtype=np.float64))


@compiled
def with_odds(levels: Floats, departments: Floats, urgent_log_odds: Floats) -> Floats:
    """:func:`as_incoming` on arrays."""
    adjusted = np.empty(levels.shape)
    for i in range(len(levels)):
        log_odds = 0.0
        for k in range(len(urgent_log_odds)):
            log_odds += departments[i, k] * urgent_log_odds[k]
        for level in range(levels.shape[1]):
            adjusted[i, level] = levels[i, level] * (np.exp(log_odds) if level else 1.0)
        adjusted[i] /= adjusted[i].sum()
    return adjusted


@compiled
def grade(probabilities: Floats, cuts: Floats) -> Ints:
    """:func:`graded` on arrays."""
    levels = np.zeros(len(probabilities), np.int64)
    for i in range(len(probabilities)):
        for level in range(1, len(cuts) + 1):
            if probabilities[i, level:].sum() >= cuts[level - 1]:
                levels[i] = level
    return levels
