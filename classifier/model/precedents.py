"""Complaints the model learned from that resemble another one, with what was decided for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from classifier.model.weights import Weights
from classifier.records import Complaint
from classifier.text.mask import mask
from classifier.text.prepare import Prepared

_EXCERPT_CHARS = 160
_LEAST_SIMILARITY = 0.12
"""Cosine below which two complaints share little more than how complaints are worded."""


@dataclass(frozen=True)
class Precedent:
    """A masked complaint and its decision, as ids of the taxonomy; ``assist`` and ``urgency`` may be empty."""

    title: str
    excerpt: str
    department: str
    assist: str
    urgency: str

    @classmethod
    def of(cls, complaint: Complaint, department: str, assist: str, urgency: str) -> Precedent:
        """Mask a complaint and keep as much of it as a reader needs to recognise the matter."""
        text = " ".join(mask(complaint.text).split())
        excerpt = text if len(text) <= _EXCERPT_CHARS else text[:_EXCERPT_CHARS] + "…"
        return cls(mask(complaint.title).strip(), excerpt, department, assist, urgency)


class Precedents:
    """All complaints a model learned from, found again by the words they share.

    Parameters
    ----------
    cases : sequence of Precedent, length n
    words : csr_matrix of shape (n, words), float32
        TF-IDF values of the block "words", each row of unit length.
    """

    def __init__(self, cases: Sequence[Precedent], words: sp.csr_matrix) -> None:
        self.cases, self.words = tuple(cases), words

    def nearest(self, weights: Weights, complaint: Complaint, n: int) -> list[tuple[Precedent, float]]:
        """Up to ``n`` cases by cosine similarity of their words, from 0 to 1, most similar first.

        Cases that share little are left out, and so is the complaint itself, so that none is
        shown as its own precedent.
        """
        block = weights.blocks["words"]
        row = weights.find(Prepared([complaint])).matrix[:, : len(block.terms)] / block.weight
        # A dense vector: the product of two sparse matrices would transpose and sort for nothing.
        similarity = self.words @ row.toarray().ravel().astype(np.float32)
        own = Precedent.of(complaint, "", "", "")
        found: list[tuple[Precedent, float]] = []
        for i in np.argsort(-similarity, kind="stable"):
            if similarity[i] < _LEAST_SIMILARITY or len(found) == n:
                break
            if (self.cases[i].title, self.cases[i].excerpt) != (own.title, own.excerpt):
                found.append((self.cases[i], min(float(similarity[i]), 1.0)))
        return found
