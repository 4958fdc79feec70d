"""Fits a model and measures it by cross-validation; nothing here knows about files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_softmax, softmax
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import precision_recall_curve
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import FeatureUnion

from classifier.errors import InvalidLabelsError
from classifier.model.classifier import Thresholds
from classifier.model.pipeline import build_classifier, build_features, extract_weights
from classifier.model.weights import Floats, Head, Weights
from classifier.taxonomy import Taxonomy
from classifier.text.prepare import Prepared
from training.duplicates import groups
from training.labelled import Example
from training.metrics import answered_alone

FOLDS = 5
SEED = 20261122
REGULARISATION = 5.0
"""Inverse strength of the L2 penalty, scikit-learn's C."""

_NEVER = 50.0

ACCEPT_ACCURACY = 0.95
"""Accuracy asked of suggestions that need no review; the threshold is chosen to reach it."""


@dataclass(frozen=True)
class Fitted:
    """A model with what cross-validation said of it.

    ``held_out`` holds for each head the calibrated probabilities of every example, made by
    models that had not seen it or anything near it; shape (n, classes of the head).
    """

    weights: Weights
    thresholds: Thresholds
    held_out: dict[str, Floats]
    parameters: dict[str, Any]


@dataclass(frozen=True)
class _Target:
    """What one head learns: labels or an indicator matrix, and which rows carry one."""

    y: np.ndarray
    labelled: np.ndarray
    classes: tuple[str, ...]

    @property
    def exclusive(self) -> bool:
        return self.y.ndim == 1


def fit(examples: Sequence[Example], taxonomy: Taxonomy, jobs: int = -1) -> Fitted:
    """Train on all examples; calibrate and choose thresholds on held-out folds.

    The same examples give the same numbers.

    Raises
    ------
    InvalidLabelsError
        There are fewer than two departments, or a department has a single example.
    """
    prepared = [Prepared(example.complaint).text for example in examples]
    targets = _targets(examples, taxonomy)
    department = targets["department"].y
    splitter = StratifiedGroupKFold(_n_folds(department), shuffle=True, random_state=SEED)
    folds = list(splitter.split(prepared, department, groups(prepared)))
    everything = np.arange(len(prepared))
    *parts, whole = Parallel(n_jobs=jobs)(
        delayed(_fit_rows)(prepared, targets, train, test) for train, test in [*folds, (everything, everything[:0])]
    )
    heads, held_out = {}, {}
    for name, target in targets.items():
        scores = np.empty((len(prepared), len(target.classes)))
        for (_, test), part in zip(folds, parts, strict=True):
            scores[test] = part.scores[name]
        slope, shift = _calibration(scores[target.labelled], target)
        raw = whole.heads[name]
        heads[name] = Head(target.classes, raw.coef * slope[:, None], raw.intercept * slope + shift, target.exclusive)
        calibrated = scores * slope + shift
        held_out[name] = softmax(calibrated, axis=1) if target.exclusive else expit(calibrated)
    parameters = {"folds": len(folds), "seed": SEED, "features": _plain(whole.features), "C": REGULARISATION}
    return Fitted(extract_weights(whole.features, heads), _thresholds(targets, held_out), held_out, parameters)


def _targets(examples: Sequence[Example], taxonomy: Taxonomy) -> dict[str, _Target]:
    """The heads there are labels for."""
    departments = np.array([example.department for example in examples])
    everywhere = np.ones(len(examples), dtype=bool)
    present = tuple(one.id for one in taxonomy.departments if one.id in departments)
    targets = {"department": _Target(departments, everywhere, present)}
    urgencies = np.array([example.urgency for example in examples])
    levels = tuple(level.id for level in taxonomy.urgencies if level.id in urgencies)
    if len(levels) > 1:
        targets["urgency"] = _Target(urgencies, urgencies != "", levels)
    if any(example.assist for example in examples):
        involved = [[one in (example.department, example.assist) for one in present] for example in examples]
        targets["involved"] = _Target(np.array(involved, dtype=int), everywhere, present)
    return targets


def _n_folds(departments: np.ndarray) -> int:
    labels, counts = np.unique(departments, return_counts=True)
    if len(labels) < 2:
        raise InvalidLabelsError(f"标注里只有一个部门（{labels[0]}），至少要有两个才能训练。")
    if counts.min() < 2:
        raise InvalidLabelsError(f"部门 {labels[counts.argmin()]} 只有一条标注，请至少再补一条。")
    return int(min(FOLDS, counts.min()))


@dataclass(frozen=True)
class _Part:
    """What one fold gives: fitted features, uncalibrated heads, scores of the rows left out."""

    features: FeatureUnion
    heads: dict[str, Head]
    scores: dict[str, Floats]


def _fit_rows(prepared: list[str], targets: dict[str, _Target], train: np.ndarray, test: np.ndarray) -> _Part:
    features = build_features()
    matrix = features.fit_transform([prepared[i] for i in train])
    left_out = features.transform([prepared[i] for i in test]) if len(test) else matrix[:0]
    heads, scores = {}, {}
    for name, target in targets.items():
        rows = target.labelled[train]
        classifier = build_classifier(REGULARISATION)
        if not target.exclusive:
            classifier = OneVsRestClassifier(classifier)
        heads[name] = _uncalibrated(classifier.fit(matrix[rows], target.y[train][rows]), target)
        scores[name] = left_out @ heads[name].by_column + heads[name].intercept
    return _Part(features, heads, scores)


def _uncalibrated(classifier: LogisticRegression | OneVsRestClassifier, target: _Target) -> Head:
    """A fitted classifier's numbers, one row for each class in the target's order."""
    if not target.exclusive:
        fitted = classifier.estimators_
        return Head(
            target.classes,
            np.vstack([one.coef_ for one in fitted]),
            np.hstack([one.intercept_ for one in fitted]),
            False,
        )
    coef, intercept = classifier.coef_, classifier.intercept_
    if len(classifier.classes_) == 2:
        coef, intercept = np.vstack([-coef, coef]) / 2, np.concatenate([-intercept, intercept]) / 2
    # A level that no row of this fold carries can never be the answer.
    all_coef = np.zeros((len(target.classes), coef.shape[1]))
    all_intercept = np.full(len(target.classes), intercept.min() - _NEVER)
    rows = [target.classes.index(label) for label in classifier.classes_]
    all_coef[rows], all_intercept[rows] = coef, intercept
    return Head(target.classes, all_coef, all_intercept)


def _calibration(scores: Floats, target: _Target) -> tuple[Floats, Floats]:
    """Slope and shift for each class that make held-out scores probabilities.

    Exclusive labels share one slope, the inverse temperature of Guo et al. 2017; independent
    ones get a slope and a shift each, as in Platt 1999. Both are linear in the scores, so they
    fold into the classifier's own weights.
    """
    k = len(target.classes)
    if target.exclusive:
        truth = np.array([target.classes.index(label) for label in target.y[target.labelled]])
        loss = partial(_temperature_loss, scores, truth)
        slope = np.exp(minimize_scalar(loss, bounds=(-5, 5), method="bounded").x)
        return np.full(k, slope), np.zeros(k)
    fitted = [LogisticRegression(C=np.inf).fit(scores[:, [i]], target.y[:, i]) for i in range(k)]
    return np.array([one.coef_[0, 0] for one in fitted]), np.array([one.intercept_[0] for one in fitted])


def _temperature_loss(scores: Floats, truth: np.ndarray, log_slope: float) -> float:
    return -float(log_softmax(np.exp(log_slope) * scores, axis=1)[np.arange(len(truth)), truth].mean())


def _thresholds(targets: dict[str, _Target], held_out: dict[str, Floats]) -> Thresholds:
    department, p = targets["department"], held_out["department"]
    lead = np.array(department.classes)[p.argmax(axis=1)]
    _, accept = answered_alone(p.max(axis=1), lead == department.y, ACCEPT_ACCURACY)
    if "involved" not in targets:
        return Thresholds(accept, assist=1.0)
    # The second department is the likeliest beside the lead; it is right where one is labelled.
    beside = np.where(np.array(department.classes) == lead[:, None], -1.0, held_out["involved"])
    second = beside.argmax(axis=1)
    rows = np.arange(len(lead))
    right = (targets["involved"].y[rows, second] == 1) & (lead == department.y)
    precision, recall, cuts = precision_recall_curve(right, beside[rows, second])
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    return Thresholds(accept, float(cuts[f1[:-1].argmax()]))


def _plain(features: FeatureUnion) -> dict[str, Any]:
    """The features' settings in words for a manifest."""
    return {
        name: {key: getattr(vectorizer, key) for key in ("min_df", "sublinear_tf")}
        | {"terms": len(vectorizer.vocabulary_)}
        for name, vectorizer in features.transformer_list
    }
