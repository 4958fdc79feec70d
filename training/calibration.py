"""Turns held-out scores into probabilities, by numbers that fold into a head's own weights."""

from __future__ import annotations

from functools import partial

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_softmax, softmax
from sklearn.linear_model import LogisticRegression

from classifier.model.found import Floats
from training.targets import ASSISTS, LEADS, Target


def calibration(scores: Floats, target: Target) -> tuple[Floats, Floats]:
    """Slope and shift for each class that make held-out scores probabilities.

    Exclusive labels share one slope, the inverse temperature of Guo et al. 2017; assisting
    departments get a slope and a shift each, as in Platt 1999, from the rows they do not lead.
    Both are linear in the scores, so they fold into the classifier's own weights.
    """
    k = len(target.classes)
    if target.exclusive:
        loss = partial(_temperature_loss, scores, target.ranks)
        slope = np.exp(minimize_scalar(loss, bounds=(-5, 5), method="bounded").x)
        return np.full(k, slope), np.zeros(k)
    slope, shift = np.ones(k), np.zeros(k)
    for i in range(k):
        rows = target.y[:, i] != LEADS
        assists = target.y[rows, i] == ASSISTS
        if assists.any() and not assists.all():
            fitted = LogisticRegression(C=np.inf).fit(scores[rows][:, [i]], assists)
            slope[i], shift[i] = fitted.coef_[0, 0], fitted.intercept_[0]
    return slope, shift


def _temperature_loss(scores: Floats, truth: np.ndarray, log_slope: float) -> float:
    return -float(log_softmax(np.exp(log_slope) * scores, axis=1)[np.arange(len(truth)), truth].mean())


def probabilities(scores: Floats, target: Target) -> Floats:
    """Of calibrated scores: each row's add to 1 where its labels exclude each other."""
    result: Floats = softmax(scores, axis=1) if target.exclusive else expit(scores)
    return result
