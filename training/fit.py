"""Fits a model and measures it by cross-validation; nothing here knows about files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_matrix
from scipy.special import expit, log_softmax, softmax
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import precision_recall_curve
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import FeatureUnion
from threadpoolctl import threadpool_limits

from classifier.errors import InvalidLabelsError
from classifier.model.classifier import Thresholds, graded
from classifier.model.pipeline import FEATURE_WEIGHTS, REGULARISATION, build_classifier, build_features, extract_weights
from classifier.model.weights import Floats, Head, Weights
from classifier.taxonomy import Taxonomy
from classifier.text.prepare import Prepared
from training.duplicates import groups
from training.labelled import Example
from training.metrics import answered_alone

FOLDS = 5
SEED = 20261122
TOO_MILD_COST = 5.0
"""How many times worse it is to suggest a level too mild than one too grave."""

_NEVER = 50.0
_FEW = 300
"""Below this many examples, or titles, features are chosen more modestly."""

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
    prepared = Prepared([example.complaint for example in examples]).texts
    targets = _targets(examples, taxonomy)
    department = targets["department"].y
    group = groups(prepared)
    splitter = StratifiedGroupKFold(_n_folds(department, group), shuffle=True, random_state=SEED)
    folds = list(splitter.split(prepared, department, group))
    settings = _feature_settings(examples)
    everything = np.arange(len(prepared))
    *parts, whole = Parallel(n_jobs=jobs)(
        delayed(_fit_rows)(prepared, targets, settings, train, test)
        for train, test in [*folds, (everything, everything[:0])]
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
    """What one fold gives: fitted features, uncalibrated heads, scores of the rows left out."""

    features: FeatureUnion
    heads: dict[str, Head]
    scores: dict[str, Floats]


def _fit_rows(
    prepared: list[str], targets: dict[str, _Target], settings: dict[str, Any], train: np.ndarray, test: np.ndarray
) -> _Part:
    # One thread, so that sums come out alike whatever the number of processes.
    with threadpool_limits(1):
        return _fit_rows_on_one_thread(prepared, targets, settings, train, test)


def _fit_rows_on_one_thread(
    prepared: list[str], targets: dict[str, _Target], settings: dict[str, Any], train: np.ndarray, test: np.ndarray
) -> _Part:
    features = build_features(**settings)
    matrix = features.fit_transform([prepared[i] for i in train])
    left_out = features.transform([prepared[i] for i in test]) if len(test) else matrix[:0]
    heads, scores = {}, {}
    for name, target in targets.items():
        rows = target.labelled[train]
        y = target.y[train][rows]
        heads[name] = (
            _fit_exclusive(matrix[rows], y, target) if target.exclusive else _fit_independent(matrix, y, target)
        )
        scores[name] = left_out @ heads[name].by_column + heads[name].intercept
    return _Part(features, heads, scores)


def _fit_exclusive(matrix: csr_matrix, y: np.ndarray, target: _Target) -> Head:
    """One multinomial classifier, its rows in the target's order."""
    classifier = build_classifier().fit(matrix, y)
    coef, intercept = classifier.coef_, classifier.intercept_
    if len(classifier.classes_) == 2:
        coef, intercept = np.vstack([-coef, coef]) / 2, np.concatenate([-intercept, intercept]) / 2
    # A level that no row of this fold carries can never be the answer.
    all_coef = np.zeros((len(target.classes), matrix.shape[1]))
    all_intercept = np.full(len(target.classes), intercept.min() - _NEVER)
    rows = [target.classes.index(label) for label in classifier.classes_]
    all_coef[rows], all_intercept[rows] = coef, intercept
    return Head(target.classes, all_coef, all_intercept)


def _fit_independent(matrix: csr_matrix, y: np.ndarray, target: _Target) -> Head:
    """A binary classifier for each column of ``y``; one that never or always holds needs none."""
    coef = np.zeros((len(target.classes), matrix.shape[1]))
    intercept = np.where(y.all(axis=0), _NEVER, -_NEVER).astype(float)
    for column in np.flatnonzero(y.any(axis=0) & ~y.all(axis=0)):
        classifier = build_classifier().fit(matrix, y[:, column])
        coef[column], intercept[column] = classifier.coef_[0], classifier.intercept_[0]
    return Head(target.classes, coef, intercept, exclusive=False)


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
    slope, shift = np.ones(k), np.zeros(k)
    for i in range(k):
        if len(np.unique(target.y[:, i])) == 2:
            fitted = LogisticRegression(C=np.inf).fit(scores[:, [i]], target.y[:, i])
            slope[i], shift[i] = fitted.coef_[0, 0], fitted.intercept_[0]
    return slope, shift


def _temperature_loss(scores: Floats, truth: np.ndarray, log_slope: float) -> float:
    return -float(log_softmax(np.exp(log_slope) * scores, axis=1)[np.arange(len(truth)), truth].mean())


def _thresholds(targets: dict[str, _Target], held_out: dict[str, Floats]) -> Thresholds:
    department, p = targets["department"], held_out["department"]
    lead = np.array(department.classes)[p.argmax(axis=1)]
    _, accept = answered_alone(p.max(axis=1), lead == department.y, ACCEPT_ACCURACY)
    return Thresholds(
        accept,
        _assist_threshold(lead, targets, held_out) if "involved" in targets else 1.0,
        _urgency_cuts(targets["urgency"], held_out["urgency"]) if "urgency" in targets else (),
        _plausible(department, p),
    )


def _plausible(department: _Target, p: Floats) -> tuple[float, ...]:
    """The least probability of each department's own held-out rows but the lowest few.

    Split conformal prediction by class (Sadinle, Lei and Wasserman 2019, "Least Ambiguous
    Set-Valued Classifiers with Bounded Error Levels"): a set of the departments that reach
    theirs holds the right one with probability ACCEPT_ACCURACY, whichever that is.
    """
    least = []
    for k, label in enumerate(department.classes):
        own = np.sort(p[department.y == label, k])
        # Of n own rows, floor((n + 1) * error) may lie below.
        below = int((len(own) + 1) * (1 - ACCEPT_ACCURACY))
        least.append(float(own[below - 1]) if below else 0.0)
    return tuple(least)


def _assist_threshold(lead: np.ndarray, targets: dict[str, _Target], held_out: dict[str, Floats]) -> float:
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


def _urgency_cuts(target: _Target, p: Floats) -> tuple[float, ...]:
    """The cuts of least cost on held-out rows: squared distance of levels, more where too mild."""
    true = np.array([target.classes.index(label) for label in target.y[target.labelled]])
    p = p[target.labelled]

    def cost(cuts: tuple[float, ...]) -> float:
        gap = true - graded(p, cuts)
        return float((gap * gap * np.where(gap > 0, TOO_MILD_COST, 1)).mean())

    grid = np.arange(0.05, 0.65, 0.025).tolist()
    return min(product(grid, repeat=len(target.classes) - 1), key=cost)


def _plain(features: FeatureUnion) -> dict[str, Any]:
    """The features' settings in words for a manifest."""
    return {
        name: {key: getattr(vectorizer, key) for key in ("min_df", "sublinear_tf")}
        | {"terms": len(vectorizer.vocabulary_)}
        for name, vectorizer in features.transformer_list
    }
