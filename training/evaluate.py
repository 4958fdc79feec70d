"""Measures a released model on a labelled file it was not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from classifier.errors import InvalidLabelsError
from classifier.model.classifier import Classifier
from classifier.records import Suggestion
from training.labelled import Example
from training.metrics import assist_report, single_label_report, urgency_report


def evaluate(classifier: Classifier, examples: Sequence[Example]) -> dict[str, Any]:
    """All measures of ``classifier`` on ``examples``.

    Raises
    ------
    InvalidLabelsError
        An example's department is none the model can suggest.
    """
    classes = classifier.weights.heads["department"].classes
    if unknown := sorted({example.department for example in examples} - set(classes)):
        raise InvalidLabelsError(f"模型没有学过这些部门：{'、'.join(unknown)}，无法评估，请先用含有它们的数据训练。")
    suggestions = classifier.suggest_many([example.complaint for example in examples])
    labels = np.array([example.department for example in examples])
    report: dict[str, Any] = {
        "model_version": classifier.version,
        "department": _department(classifier, labels, suggestions),
    }
    urgencies = np.array([example.urgency for example in examples])
    if (urgencies != "").any() and "urgency" in classifier.weights.heads:
        order = [level.id for level in classifier.taxonomy.urgencies]
        report["urgency"] = _urgency(urgencies, order, suggestions)
    if any(example.assist for example in examples):
        report["assist"] = assist_report(
            np.array([example.assist for example in examples]),
            np.array([one.assist.department.id if one.assist else "" for one in suggestions]),
        )
    report["needs_review_share"] = float(np.mean([one.needs_review for one in suggestions]))
    return report


def _department(classifier: Classifier, labels: np.ndarray, suggestions: Sequence[Suggestion]) -> dict[str, Any]:
    classes = classifier.weights.heads["department"].classes
    probabilities = np.zeros((len(labels), len(classes)))
    for row, suggestion in enumerate(suggestions):
        for candidate in suggestion.candidates:
            probabilities[row, classes.index(candidate.department.id)] = candidate.confidence
    return single_label_report(labels, classes, probabilities, classifier.thresholds.accept_accuracy)


def _urgency(labels: np.ndarray, order: Sequence[str], suggestions: Sequence[Suggestion]) -> dict[str, Any]:
    labelled = [
        (str(label), one.urgency.level.id)
        for label, one in zip(labels, suggestions, strict=True)
        if label and one.urgency
    ]
    true, predicted = (np.array(column) for column in zip(*labelled, strict=True))
    return urgency_report(true, predicted, order)
