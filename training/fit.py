"""Fits a model and measures it by cross-validation; nothing here knows about files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from joblib import Parallel, delayed
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits

from classifier.errors import InvalidLabelsError
from classifier.model.classifier import Thresholds
from classifier.model.found import Floats
from classifier.model.pipeline import (
    FEATURE_WEIGHTS,
    REGULARISATION,
    SMOOTHING,
    BlendedClassifier,
    a_row_for_each_class,
    build_classifier,
)
from classifier.model.weights import Head, Weights
from classifier.taxonomy import Taxonomy
from classifier.text.prepare import Prepared
from training.calibration import calibration, probabilities
from training.counts import Weighed, count
from training.duplicates import groups
from training.labelled import Example
from training.targets import ASSISTS, Target, find_targets
from training.thresholds import choose_thresholds

FOLDS, FEWER_FOLDS = 5, 3
SEED = 20261122
_NEVER = 50.0
_FEW = 300
"""Below this many examples, or titles, features are chosen more modestly."""
_MANY = 15_000
"""From this many examples on fewer folds measure as well: each still learns from more than the corpus holds."""
_SLOWEST_FIRST = ("department", "assist", "urgency")


Linear: TypeAlias = LogisticRegression | BlendedClassifier


@dataclass(frozen=True)
class Validation:
    """What cross-validation says of a model yet to be fitted to all examples.

    Attributes
    ----------
    targets : dict of head to Target
    scores : dict of head to ndarray of shape (n, classes)
        Of every example, not calibrated, by models that had not seen it or anything near it.
    held_out : dict of head to ndarray of shape (n, classes)
        The same as calibrated probabilities.
    known_share : ndarray of shape (n,)
        The part of each text, by characters, in words that its fold knew.
    folds : int
    """

    targets: dict[str, Target]
    scores: dict[str, Floats]
    held_out: dict[str, Floats]
    known_share: Floats
    folds: int


@dataclass(frozen=True)
class Fitted(Validation):
    """A model with what cross-validation said of it.

    ``words`` are the TF-IDF values, in the block of that name, of the examples it was fitted to,
    rows of unit length.
    """

    weights: Weights
    thresholds: Thresholds
    words: csr_matrix
    parameters: dict[str, Any]


def fit(examples: Sequence[Example], taxonomy: Taxonomy, accept_accuracy: float, jobs: int = -1) -> Fitted:
    """Train on all examples; calibrate and choose thresholds on held-out folds.

    The same examples give the same numbers, whatever ``jobs``.

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
    trainer = Trainer(examples, prepared, groups(prepared), taxonomy, jobs)
    return trainer.finish(trainer.validate(), np.arange(len(examples)), accept_accuracy)


class Trainer:
    """Counts the terms of some examples once, then validates and fits.

    Parameters
    ----------
    examples : sequence of Example, length n
    prepared : sequence of str, length n
    group : ndarray of int, shape (n,)
        Examples of one group are never parted by folds.
    taxonomy : Taxonomy
    jobs : int
        Threads, as joblib counts them: scipy's products let others run beside them.

    Raises
    ------
    InvalidLabelsError
        There are fewer than two departments, or a department has a single example.
    """

    def __init__(
        self, examples: Sequence[Example], prepared: Sequence[str], group: np.ndarray, taxonomy: Taxonomy, jobs: int
    ) -> None:
        self.taxonomy = taxonomy
        self.targets = find_targets(examples, taxonomy)
        self._folds = _split(self.targets["department"].y, group)
        self._counts = count(prepared, **feature_settings(examples))
        self._importance = np.array([example.weight for example in examples])
        self._parallel = Parallel(n_jobs=jobs, prefer="threads")

    def validate(self) -> Validation:
        """Held-out scores of every example."""
        parts = self._fit(self._folds)
        in_order = np.argsort(np.concatenate([test for _, test in self._folds]))
        scores = {
            name: np.concatenate(
                [part.weighed.test @ part.heads[name].coef.T + part.heads[name].intercept for part in parts]
            )[in_order]
            for name in self.targets
        }
        known_share = np.concatenate([part.weighed.known_share for part in parts])[in_order]
        held_out = {}
        for name, target in self.targets.items():
            slope, shift = calibration(scores[name][target.labelled], target)
            held_out[name] = probabilities(scores[name] * slope + shift, target)
        return Validation(self.targets, scores, held_out, known_share, len(parts))

    def finish(self, validation: Validation, rows: np.ndarray, accept_accuracy: float) -> Fitted:
        """Fit to ``rows``; calibrate and choose thresholds by what was held out of them."""
        (whole,) = self._fit([(rows, rows[:0])])
        targets = {name: target.take(rows) for name, target in self.targets.items()}
        heads, held_out = {}, {}
        for name, target in targets.items():
            scores = validation.scores[name][rows]
            slope, shift = calibration(scores[target.labelled], target)
            raw = whole.heads[name]
            heads[name] = Head(
                target.classes, raw.coef * slope[:, None], raw.intercept * slope + shift, target.exclusive
            )
            held_out[name] = probabilities(scores * slope + shift, target)
        blocks = self._counts.blocks(whole.weighed)
        parameters = {
            "folds": validation.folds,
            "seed": SEED,
            "min_df": self._counts.min_df,
            "terms": {name: len(block.terms) for name, block in blocks.items()},
            "C": REGULARISATION,
            "alpha": SMOOTHING,
        }
        shares = {one.id: one.urgent_share for one in self.taxonomy.departments}
        known_share = validation.known_share[rows]
        thresholds = choose_thresholds(targets, held_out, known_share, accept_accuracy, shares)
        words = whole.weighed.train[:, : len(blocks["words"].terms)] / blocks["words"].weight
        scores = {name: values[rows] for name, values in validation.scores.items()}
        return Fitted(
            targets, scores, held_out, known_share, validation.folds, Weights(blocks, heads), thresholds, words, parameters
        )  # fmt: skip

    def _fit(self, splits: Sequence[tuple[np.ndarray, np.ndarray]]) -> list[_Part]:
        """Weigh each split's terms and fit its heads, the slowest first, so that no thread is left waiting."""
        # One thread within each, so that sums come out alike whatever their number.
        with threadpool_limits(1):
            weighed = self._parallel(delayed(self._counts.weigh)(train, test) for train, test in splits)
            tasks = [(name, i) for name in sorted(self.targets, key=_SLOWEST_FIRST.index) for i in range(len(splits))]
            fitted = self._parallel(
                delayed(_fit_head)(name, self.targets[name], weighed[i], splits[i][0], self._importance)
                for name, i in tasks
            )
        heads = dict(zip(tasks, fitted, strict=True))
        return [_Part(weighed[i], {name: heads[name, i] for name in self.targets}) for i in range(len(splits))]


def _split(departments: np.ndarray, group: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Folds with near-duplicates together and departments spread evenly.

    Whole groups are dealt out, each by the department of its first row: scikit-learn's
    StratifiedGroupKFold weighs every group against every fold, which takes seconds.
    """
    _, first, member = np.unique(group, return_index=True, return_inverse=True)
    leading = departments[first]
    splitter = StratifiedKFold(_n_folds(departments, leading), shuffle=True, random_state=SEED)
    held_out = [np.isin(member, test) for _, test in splitter.split(leading, leading)]
    return [(np.flatnonzero(~test), np.flatnonzero(test)) for test in held_out]


def _n_folds(departments: np.ndarray, leading: np.ndarray) -> int:
    """As many folds as every department can be spread over, fewer where there are very many rows."""
    labels = np.unique(departments)
    if len(labels) < 2:
        raise InvalidLabelsError(f"标注里只有一个部门（{labels[0]}），至少要有两个才能训练。")
    counts = np.array([np.count_nonzero(leading == label) for label in labels])
    if counts.min() < 2:
        raise InvalidLabelsError(f"部门 {labels[counts.argmin()]} 只有一条互不重复的标注，请至少再补一条。")
    return int(min(FOLDS if len(departments) < _MANY else FEWER_FOLDS, counts.min()))


def feature_settings(examples: Sequence[Example]) -> dict[str, Any]:
    """Rare terms count where there is little to learn from; titles only where there are enough."""
    titled = sum(bool(example.complaint.title.strip()) for example in examples)
    weights = {name: weight for name, weight in FEATURE_WEIGHTS.items() if name != "titles" or titled >= _FEW}
    return {"min_df": 3 if len(examples) >= _FEW else 1, "weights": weights}


@dataclass(frozen=True)
class _Part:
    """What one split gives: chosen features and uncalibrated heads."""

    weighed: Weighed
    heads: dict[str, Head]


def _fit_head(name: str, target: Target, weighed: Weighed, train: np.ndarray, importance: np.ndarray) -> Head:
    rows = target.labelled[train]
    # Frequent columns side by side, so that a processor keeps their weights at hand: a quarter less time.
    order = np.argsort(-np.bincount(weighed.train.indices, minlength=weighed.train.shape[1]), kind="stable")
    y, matrix, weight = target.y[train][rows], weighed.train[rows][:, order], importance[train][rows]
    # Naive Bayes lifts the departments; it blurs the gravest level of urgency, which few words tell.
    classifier = BlendedClassifier() if name == "department" else build_classifier()
    head = (_fit_exclusive if target.exclusive else _fit_parts)(classifier, matrix, y, weight, target)
    return replace(head, coef=head.coef[:, np.argsort(order)])


def _fit_exclusive(classifier: Linear, matrix: csr_matrix, y: np.ndarray, weight: np.ndarray, target: Target) -> Head:
    """One classifier of all classes, its rows in the target's order."""
    classifier.fit(matrix, y, weight)
    coef, intercept = a_row_for_each_class(classifier.coef_, classifier.intercept_)
    # A level that no row of this fold carries can never be the answer.
    all_coef = np.zeros((len(target.classes), matrix.shape[1]))
    all_intercept = np.full(len(target.classes), intercept.min() - _NEVER)
    rows = [target.classes.index(label) for label in classifier.classes_]
    all_coef[rows], all_intercept[rows] = coef, intercept
    return Head(target.classes, all_coef, all_intercept)


def _fit_parts(classifier: Linear, matrix: csr_matrix, y: np.ndarray, weight: np.ndarray, target: Target) -> Head:
    """For each department, whether it assists: two binary classifiers, their scores added.

    One learns whether it has any part in the matter, from many rows, the other whether it
    assists, from few. A part that no row has, or every row, needs no classifier.
    """
    coef = np.zeros((len(target.classes), matrix.shape[1]))
    intercept = np.zeros(len(target.classes))
    for column in range(len(target.classes)):
        for holds in (y[:, column] > 0, y[:, column] == ASSISTS):
            if holds.any() and not holds.all():
                classifier.fit(matrix, holds, weight)
                coef[column] += classifier.coef_[0]
                intercept[column] += classifier.intercept_[0]
            else:
                intercept[column] += _NEVER if holds.all() else -_NEVER
    return Head(target.classes, coef, intercept, exclusive=False)
