"""Fits a model and measures it by cross-validation; nothing here knows about files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from joblib import Parallel, delayed
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_matrix
from scipy.special import expit, log_softmax, softmax
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from threadpoolctl import threadpool_limits

from classifier.errors import InvalidLabelsError
from classifier.model.classifier import Thresholds
from classifier.model.pipeline import (
    FEATURE_WEIGHTS,
    REGULARISATION,
    SMOOTHING,
    BlendedClassifier,
    a_row_for_each_class,
    build_classifier,
)
from classifier.model.weights import Floats, Head, Weights
from classifier.taxonomy import Taxonomy
from classifier.text.prepare import Prepared
from training.counts import Counts, Weighed, count
from training.duplicates import groups
from training.labelled import Example
from training.targets import ASSISTS, LEADS, Target, find_targets
from training.thresholds import choose_thresholds

FOLDS = 5
SEED = 20261122
_NEVER = 50.0
_FEW = 300
"""Below this many examples, or titles, features are chosen more modestly."""


Linear: TypeAlias = LogisticRegression | BlendedClassifier


@dataclass(frozen=True)
class Fitted:
    """A model with what cross-validation said of it.

    ``held_out`` holds for each head the calibrated probabilities of every example, made by
    models that had not seen it or anything near it; shape (n, classes of the head).
    ``words`` are the examples' TF-IDF values in the block of that name, rows of unit length.
    ``known_share`` is the part of each example, by characters, in words that its fold knew.
    """

    weights: Weights
    thresholds: Thresholds
    held_out: dict[str, Floats]
    words: csr_matrix
    parameters: dict[str, Any]
    known_share: Floats


def fit(examples: Sequence[Example], taxonomy: Taxonomy, accept_accuracy: float, jobs: int = -1) -> Fitted:
    """Train on all examples; calibrate and choose thresholds on held-out folds.

    The same examples give the same numbers.

    Parameters
    ----------
    accept_accuracy : float
        Accuracy asked of suggestions that need no review, between 0 and 1.

    Raises
    ------
    InvalidLabelsError
        There are fewer than two departments, or a department has a single example.
    """
    prepared = Prepared([example.complaint for example in examples]).texts
    targets = find_targets(examples, taxonomy)
    department = targets["department"].y
    group = groups(prepared)
    splitter = StratifiedGroupKFold(_n_folds(department, group), shuffle=True, random_state=SEED)
    folds = list(splitter.split(prepared, department, group))
    counts = count(prepared, **_feature_settings(examples))
    everything = np.arange(len(prepared))
    *parts, whole = Parallel(n_jobs=jobs)(
        delayed(_fit_rows)(counts, targets, train, test) for train, test in [*folds, (everything, everything[:0])]
    )
    in_order = np.argsort(np.concatenate([test for _, test in folds]))
    known_share = np.concatenate([part.weighed.known_share for part in parts])[in_order]
    heads, held_out = {}, {}
    for name, target in targets.items():
        scores = np.concatenate([part.scores[name] for part in parts])[in_order]
        slope, shift = _calibration(scores[target.labelled], target)
        raw = whole.heads[name]
        heads[name] = Head(target.classes, raw.coef * slope[:, None], raw.intercept * slope + shift, target.exclusive)
        calibrated = scores * slope + shift
        held_out[name] = softmax(calibrated, axis=1) if target.exclusive else expit(calibrated)
    blocks = counts.blocks(whole.weighed)
    parameters = {
        "folds": len(folds),
        "seed": SEED,
        "min_df": counts.min_df,
        "terms": {name: len(block.terms) for name, block in blocks.items()},
        "C": REGULARISATION,
        "alpha": SMOOTHING,
    }
    shares = {one.id: one.urgent_share for one in taxonomy.departments}
    thresholds = choose_thresholds(targets, held_out, known_share, accept_accuracy, shares)
    words = whole.weighed.train[:, : len(blocks["words"].terms)] / blocks["words"].weight
    return Fitted(Weights(blocks, heads), thresholds, held_out, words, parameters, known_share)


def _n_folds(departments: np.ndarray, group: np.ndarray) -> int:
    """As many folds as every department can be spread over, near-duplicates together."""
    labels = np.unique(departments)
    if len(labels) < 2:
        raise InvalidLabelsError(f"标注里只有一个部门（{labels[0]}），至少要有两个才能训练。")
    counts = np.array([len(np.unique(group[departments == label])) for label in labels])
    if counts.min() < 2:
        raise InvalidLabelsError(f"部门 {labels[counts.argmin()]} 只有一条互不重复的标注，请至少再补一条。")
    return int(min(FOLDS, counts.min()))


def _feature_settings(examples: Sequence[Example]) -> dict[str, Any]:
    """Rare terms count where there is little to learn from; titles only where there are enough."""
    titled = sum(bool(example.complaint.title.strip()) for example in examples)
    weights = {name: weight for name, weight in FEATURE_WEIGHTS.items() if name != "titles" or titled >= _FEW}
    return {"min_df": 3 if len(examples) >= _FEW else 1, "weights": weights}


@dataclass(frozen=True)
class _Part:
    """What one fold gives: chosen features, uncalibrated heads, scores of the rows left out."""

    weighed: Weighed
    heads: dict[str, Head]
    scores: dict[str, Floats]


def _fit_rows(counts: Counts, targets: dict[str, Target], train: np.ndarray, test: np.ndarray) -> _Part:
    weighed = counts.weigh(train, test)
    heads, scores = {}, {}
    # One thread, so that sums come out alike whatever the number of processes.
    with threadpool_limits(1):
        for name, target in targets.items():
            rows = target.labelled[train]
            y, matrix = target.y[train][rows], weighed.train[rows]
            # Naive Bayes lifts the departments; it blurs the gravest level of urgency, which few words tell.
            classifier = BlendedClassifier() if name == "department" else build_classifier()
            heads[name] = (_fit_exclusive if target.exclusive else _fit_parts)(classifier, matrix, y, target)
            scores[name] = weighed.test @ heads[name].by_column + heads[name].intercept
    return _Part(weighed, heads, scores)


def _fit_exclusive(classifier: Linear, matrix: csr_matrix, y: np.ndarray, target: Target) -> Head:
    """One classifier of all classes, its rows in the target's order."""
    classifier.fit(matrix, y)
    coef, intercept = a_row_for_each_class(classifier.coef_, classifier.intercept_)
    # A level that no row of this fold carries can never be the answer.
    all_coef = np.zeros((len(target.classes), matrix.shape[1]))
    all_intercept = np.full(len(target.classes), intercept.min() - _NEVER)
    rows = [target.classes.index(label) for label in classifier.classes_]
    all_coef[rows], all_intercept[rows] = coef, intercept
    return Head(target.classes, all_coef, all_intercept)


def _fit_parts(classifier: Linear, matrix: csr_matrix, y: np.ndarray, target: Target) -> Head:
    """For each department, whether it assists: two binary classifiers, their scores added.

    One learns whether it has any part in the matter, from many rows, the other whether it
    assists, from few. A part that no row has, or every row, needs no classifier.
    """
    coef = np.zeros((len(target.classes), matrix.shape[1]))
    intercept = np.zeros(len(target.classes))
    for column in range(len(target.classes)):
        for holds in (y[:, column] > 0, y[:, column] == ASSISTS):
            if holds.any() and not holds.all():
                classifier.fit(matrix, holds)
                coef[column] += classifier.coef_[0]
                intercept[column] += classifier.intercept_[0]
            else:
                intercept[column] += _NEVER if holds.all() else -_NEVER
    return Head(target.classes, coef, intercept, exclusive=False)


def _calibration(scores: Floats, target: Target) -> tuple[Floats, Floats]:
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
