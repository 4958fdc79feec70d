"""Complaints the model learned from that resemble another one, with what was decided for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from classifier.compiled import compiled
from classifier.model.found import Floats, Found, Ints32
from classifier.records import Complaint
from classifier.text.mask import mask

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
        self._by_word = words.tocsc()

    def nearest(self, found: Found, complaint: Complaint, n: int) -> list[tuple[Precedent, float]]:
        """Up to ``n`` cases by cosine similarity of their words, from 0 to 1, most similar first.

        Cases that share little are left out, and so is the complaint itself, so that none is
        shown as its own precedent.

        Parameters
        ----------
        found : Found
            The terms of the complaint alone.
        complaint : Complaint
        n : int
        """
        index = self._by_word
        similarity = _similarity(found.column, found.value, len(self.cases), index.indptr, index.indices, index.data)
        own = Precedent.of(complaint, "", "", "")
        nearest: list[tuple[Precedent, float]] = []
        similar = np.flatnonzero(similarity >= _LEAST_SIMILARITY)
        for i in similar[np.argsort(-similarity[similar], kind="stable")].tolist():
            if len(nearest) == n:
                break
            if (self.cases[i].title, self.cases[i].excerpt) != (own.title, own.excerpt):
                nearest.append((self.cases[i], min(float(similarity[i]), 1.0)))
        return nearest


@compiled
def _similarity(
    column: Ints32, value: Floats, n_cases: int, first: Ints32, case: Ints32, weight: NDArray[np.float32]
) -> Floats:
    """Cosine of the words of one complaint and of each case; words are the first columns."""
    n_words = len(first) - 1
    similarity, squares = np.zeros(n_cases), 0.0
    for cell in range(len(column)):
        if column[cell] < n_words:
            squares += value[cell] * value[cell]
            for i in range(first[column[cell]], first[column[cell] + 1]):
                similarity[case[i]] += value[cell] * weight[i]
    return similarity / np.sqrt(squares) if squares else similarity
