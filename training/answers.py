"""What a model answers on rows it never saw: of a loaded model, or kept from its folds."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from classifier.model.classifier import Classifier, Thresholds
from classifier.model.found import Floats
from classifier.model.urgency import as_incoming, graded
from classifier.text.prepare import Prepared
from training.labelled import Example

FOLDS_FILE = "folds.npz"


@dataclass(frozen=True)
class Answers:
    """Answers on some rows, without hazard rules.

    Attributes
    ----------
    departments : ndarray of str, shape (n,)
    confidence : ndarray of float, shape (n,)
    urgencies : ndarray of str, shape (n,)
        Empty for a model without levels.
    """

    departments: np.ndarray
    confidence: Floats
    urgencies: np.ndarray

    def take(self, rows: np.ndarray) -> Answers:
        """The same of some rows."""
        return Answers(self.departments[rows], self.confidence[rows], self.urgencies[rows])


@dataclass(frozen=True)
class Folds:
    """Calibrated held-out probabilities of the texts a model was trained on.

    Attributes
    ----------
    keys : ndarray of str, shape (n,)
        SHA-256 of title and text: the rows can be found again, not read.
    classes, probabilities : dict of head to ndarray
        Of "department" and, where it was learned, "urgency"; shapes (k,) and (n, k).
    """

    keys: np.ndarray
    classes: dict[str, np.ndarray]
    probabilities: dict[str, Floats]

    @classmethod
    def read(cls, folder: Path) -> Folds | None:
        """Those kept with a model that was checked when it was loaded; None for models from before they were."""
        path = folder / FOLDS_FILE
        if not path.exists():
            return None
        with np.load(path, allow_pickle=False) as arrays:
            heads = [name for name in ("department", "urgency") if name in arrays]
            return cls(
                arrays["keys"],
                {name: arrays[f"{name}_classes"] for name in heads},
                {name: arrays[name].astype(np.float64) for name in heads},
            )

    def packed(self) -> bytes:
        """As the content of FOLDS_FILE."""
        arrays = {f"{name}_classes": classes for name, classes in self.classes.items()}
        small = {name: p.astype(np.float32) for name, p in self.probabilities.items()}
        file = io.BytesIO()
        np.savez_compressed(file, allow_pickle=False, keys=self.keys, **arrays, **small)
        return file.getvalue()

    def answers(self, thresholds: Thresholds) -> Answers:
        """What they come to under a model's thresholds."""
        return _answers(self.classes, self.probabilities, thresholds)


def row_keys(examples: Sequence[Example]) -> np.ndarray:
    """SHA-256 of title and text of each, in hexadecimal."""
    joined = ("\x1f".join((one.complaint.title, one.complaint.text)) for one in examples)
    return np.array([hashlib.sha256(one.encode()).hexdigest() for one in joined], dtype="U64")


def ask(classifier: Classifier, prepared: Prepared) -> Answers:
    """What a model answers on prepared complaints."""
    found = classifier.weights.probabilities(prepared)
    heads = {name: head for name, head in classifier.weights.heads.items() if head.exclusive}
    classes = {name: np.array(head.classes) for name, head in heads.items()}
    probabilities = {name: found[name] for name in heads}
    return _answers(classes, probabilities, classifier.thresholds)


def _answers(classes: dict[str, np.ndarray], p: dict[str, Floats], thresholds: Thresholds) -> Answers:
    department = p["department"]
    urgencies = np.full(len(department), "", dtype="U1")
    if "urgency" in p:
        incoming = as_incoming(p["urgency"], department, thresholds.urgent_log_odds)
        urgencies = classes["urgency"][graded(incoming, thresholds.urgency)]
    return Answers(classes["department"][department.argmax(axis=1)], department.max(axis=1), urgencies)
