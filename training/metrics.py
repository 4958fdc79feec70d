"""Measures of suggestions against labels that people gave."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import cohen_kappa_score, confusion_matrix, f1_score, precision_recall_fscore_support

_BOOTSTRAPS = 1000
_BINS = 10

Labels = NDArray[np.str_]
Floats = NDArray[np.float64]


def macro_f1(true: Labels, predicted: Labels) -> float:
    """Mean F1 over the labels that occur in ``true``."""
    return float(f1_score(true, predicted, labels=np.unique(true), average="macro", zero_division=0))


def bootstrap_intervals(true: Labels, predicted: Labels) -> dict[str, tuple[float, float]]:
    """95 % percentile bootstrap intervals (Efron 1979) of "accuracy" and "macro_f1".

    Both depend on the confusion matrix alone, and drawing rows anew draws its cells from a
    multinomial distribution, so whole matrices are drawn.
    """
    counts = confusion_matrix(true, predicted)
    n, k = len(true), len(counts)
    drawn = np.random.default_rng(0).multinomial(n, counts.ravel() / n, _BOOTSTRAPS).reshape(-1, k, k)
    hits = drawn.diagonal(axis1=1, axis2=2)
    draws = {"accuracy": hits.sum(axis=1) / n, "macro_f1": _macro_f1s(drawn, np.ones(k, dtype=bool))}
    return {name: tuple(np.quantile(values, [0.025, 0.975]).tolist()) for name, values in draws.items()}


def paired_difference(true: Labels, before: Labels, after: Labels) -> tuple[float, float]:
    """95 % bootstrap interval of how much greater the macro-F1 of ``after`` is than that of ``before`` on the same rows.

    Rows are drawn with both answers (a paired bootstrap; Berg-Kirkpatrick, Burkett and Klein
    2012, "An Empirical Investigation of Statistical Significance in NLP").
    """
    labels, codes = np.unique(np.concatenate([true, before, after]), return_inverse=True)
    k = len(labels)
    cells = np.ravel_multi_index(tuple(codes.reshape(3, -1)), (k, k, k))
    counts = np.bincount(cells, minlength=k**3)
    draws = np.random.default_rng(0).multinomial(len(true), counts / len(true), _BOOTSTRAPS).reshape(-1, k, k, k)
    present = np.isin(labels, true)
    low, high = np.quantile(
        _macro_f1s(draws.sum(axis=2), present) - _macro_f1s(draws.sum(axis=3), present), [0.025, 0.975]
    )
    return float(low), float(high)


def _macro_f1s(drawn: NDArray[np.int64], present: NDArray[np.bool_]) -> Floats:
    """Macro-F1 of confusion matrices, shape (draws, k, k), over the labels that occur in each draw."""
    hits, rows, columns = drawn.diagonal(axis1=1, axis2=2), drawn.sum(axis=2), drawn.sum(axis=1)
    f1 = np.where((rows > 0) & present, 2 * hits / np.maximum(rows + columns, 1), np.nan)
    means: Floats = np.nanmean(f1, axis=1)
    return means


def reliability(confidence: Floats, correct: NDArray[np.bool_]) -> list[dict[str, float]]:
    """Rows, mean confidence and accuracy of ten bins of equal width, from the least confident."""
    bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    rows, total, right = (np.bincount(bins, weights, _BINS) for weights in (None, confidence, correct))
    return [
        {"rows": int(n), "confidence": float(c / max(n, 1)), "accuracy": float(r / max(n, 1))}
        for n, c, r in zip(rows, total, right, strict=True)
    ]


def expected_calibration_error(confidence: Floats, correct: NDArray[np.bool_]) -> float:
    """Mean gap between confidence and accuracy over ten bins of equal width, weighted by rows.

    Guo et al. 2017, "On Calibration of Modern Neural Networks", equation 3.
    """
    bins = reliability(confidence, correct)
    return sum(one["rows"] * abs(one["confidence"] - one["accuracy"]) for one in bins) / len(confidence)


def coverage(confidence: Floats, correct: NDArray[np.bool_]) -> list[dict[str, float]]:
    """Accuracy of the surest 5 %, 10 % … 100 % of rows, and the least confidence among them."""
    order = np.argsort(-confidence, kind="stable")
    points = []
    for share in np.linspace(0.05, 1, 20):
        chosen = order[: max(round(share * len(order)), 1)]
        points.append(
            {
                "share": float(share),
                "accuracy": float(correct[chosen].mean()),
                "threshold": float(confidence[chosen[-1]]),
            }
        )
    return points


def answered_alone(confidence: Floats, correct: NDArray[np.bool_], accuracy: float) -> tuple[float, float]:
    """Largest share of rows, surest first, that are right often enough.

    Returns
    -------
    share : float
        Of all rows; 0 where not even the surest reach ``accuracy``.
    threshold : float
        Least confidence among them; 1 where there are none.
    """
    order = np.argsort(-confidence, kind="stable")
    running = np.cumsum(correct[order]) / np.arange(1, len(order) + 1)
    # A threshold cannot part rows of equal confidence.
    last_of_equal = np.append(np.diff(confidence[order]) != 0, True)
    enough = np.flatnonzero((running >= accuracy) & last_of_equal)
    if not len(enough):
        return 0.0, 1.0
    return float((enough[-1] + 1) / len(order)), float(confidence[order][enough[-1]])


def single_label_report(true: Labels, classes: Sequence[str], probabilities: Floats, accuracy: float) -> dict[str, Any]:
    """All measures of one head with exclusive labels.

    Parameters
    ----------
    true : ndarray of str, shape (n,)
    classes : sequence of str, length k
    probabilities : ndarray of shape (n, k)
    accuracy : float
        Accuracy asked of suggestions that are followed without review.
    """
    predicted = np.array(classes)[probabilities.argmax(axis=1)]
    confidence, correct = probabilities.max(axis=1), predicted == true
    second = np.array(classes)[np.argsort(-probabilities, axis=1, kind="stable")[:, :2]]
    precision, recall, f1, support = precision_recall_fscore_support(
        true, predicted, labels=list(classes), zero_division=0
    )
    intervals = bootstrap_intervals(true, predicted)
    share, threshold = answered_alone(confidence, correct, accuracy)
    return {
        "rows": len(true),
        "accuracy": float(correct.mean()),
        "accuracy_interval": intervals["accuracy"],
        "macro_f1": macro_f1(true, predicted),
        "macro_f1_interval": intervals["macro_f1"],
        "among_first_two": float((second == true[:, None]).any(axis=1).mean()),
        "expected_calibration_error": expected_calibration_error(confidence, correct),
        "answered_alone": {"accuracy": accuracy, "share": share, "threshold": threshold},
        "coverage": coverage(confidence, correct),
        "reliability": reliability(confidence, correct),
        "per_class": {
            label: {
                "precision": float(precision[i]),
                "recall": float(recall[i]),
                "f1": float(f1[i]),
                "rows": int(support[i]),
            }
            for i, label in enumerate(classes)
        },
        "confusion": {
            "labels": list(classes),
            "true_by_predicted": confusion_matrix(true, predicted, labels=list(classes)).tolist(),
        },
    }


def quadratic_kappa(true: Labels, predicted: Labels, order: Sequence[str]) -> float:
    """Cohen's kappa with quadratic weights over ordered levels (Cohen 1968)."""
    rank = {label: i for i, label in enumerate(order)}
    ranks = [[rank[label] for label in labels] for labels in (true, predicted)]
    return float(cohen_kappa_score(*ranks, labels=range(len(order)), weights="quadratic"))


def urgency_report(true: Labels, predicted: Labels, order: Sequence[str]) -> dict[str, Any]:
    """Measures of suggested levels, ``order`` from the mildest to the gravest."""
    counts = confusion_matrix(true, predicted, labels=list(order))
    return {
        "rows": len(true),
        "accuracy": float((predicted == true).mean()),
        "quadratic_kappa": quadratic_kappa(true, predicted, order),
        "gravest_shown_as_mildest": int(counts[-1, 0]),
        "gravest_recall": float(counts[-1, -1] / max(counts[-1].sum(), 1)),
        "gravest_precision": float(counts[-1, -1] / max(counts[:, -1].sum(), 1)),
        "confusion": {"labels": list(order), "true_by_predicted": counts.tolist()},
    }


def assist_report(true: Labels, suggested: Labels) -> dict[str, float | int]:
    """Precision and recall of suggested assisting departments; the empty label means none."""
    right = int(((true == suggested) & (true != "")).sum())
    return {
        "suggested": int((suggested != "").sum()),
        "labelled": int((true != "").sum()),
        "precision": right / max(int((suggested != "").sum()), 1),
        "recall": right / max(int((true != "").sum()), 1),
    }
