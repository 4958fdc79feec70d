"""Complaints the model learned from that resemble another one, with what was decided for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from classifier.compiled import compiled, indices
from classifier.model.found import Floats, Ints, Ints32
from classifier.records import Complaint
from classifier.text.mask import mask

_EXCERPT_CHARS = 160
_MOST_HOLDERS = 0.1
"""Words that stand in more than this part of the cases tell how complaints are worded, not what a case is about."""

_FEW_CASES = 20
"""But a word in so few of them counts however few there are."""

_SAME = 0.999
"""Cosine from which two texts may be the same."""

_LEAST_SIMILARITY = 0.12
"""Cosine below which two complaints share little more than how complaints are worded."""


Singles = NDArray[np.float32]


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

    def shows(self, complaint: Complaint) -> bool:
        """Whether this is what would be kept of a complaint."""
        own = self.of(complaint, "", "", "")
        return (own.title, own.excerpt) == (self.title, self.excerpt)


class Rows(NamedTuple):
    """A sparse matrix by rows, as scipy's ``csr_matrix`` names its parts."""

    data: Singles
    indices: Ints32
    indptr: Ints32
    shape: tuple[int, int]


class Precedents:
    """All complaints a model learned from, found again by the words they share.

    Parameters
    ----------
    cases : sequence of Precedent, length n
    words : Rows or csr_matrix of shape (n, words), float32
        TF-IDF values of the block "words", each row of unit length.
    """

    def __init__(self, cases: Sequence[Precedent], words: Rows) -> None:
        self.cases, self.words = tuple(cases), words
        self._index = _by_word(
            words.indptr, words.indices, words.data, words.shape[1], max(_MOST_HOLDERS * len(cases), _FEW_CASES)
        )

    def nearest(self, column: Ints32, value: Floats, complaint: Complaint, n: int) -> list[tuple[Precedent, float]]:
        """Up to ``n`` cases by cosine similarity of their words, from 0 to 1, most similar first.

        Cases that share little are left out, and so is the complaint itself, so that none is
        shown as its own precedent.

        Parameters
        ----------
        column, value : ndarray
            The terms of the complaint, as in :class:`classifier.model.found.Found`.
        complaint : Complaint
        n : int
        """
        similar, similarity = _most_similar(column, value, len(self.cases), *self._index)
        nearest: list[tuple[Precedent, float]] = []
        for i, cosine in zip(similar, similarity, strict=True):
            if len(nearest) == n:
                break
            if cosine < _SAME or not self.cases[i].shows(complaint):
                nearest.append((self.cases[i], min(float(cosine), 1.0)))
        return nearest


@compiled
def _by_word(
    first_word: Ints32, word: Ints32, value: Singles, n_words: int, most_holders: float
) -> tuple[Ints, Ints32, Singles]:
    """The words of all cases but those in too many, by word: where each starts, its cases, and its part of their unit length."""
    holders, squares = np.zeros(n_words, np.int64), np.zeros(len(first_word) - 1)
    for i in range(len(word)):
        holders[word[i]] += 1
    for case in range(len(squares)):
        for i in range(first_word[case], first_word[case + 1]):
            if holders[word[i]] <= most_holders:
                squares[case] += value[i] * value[i]
    first = np.zeros(n_words + 1, np.int64)
    for one in range(n_words):
        first[one + 1] = first[one] + (holders[one] if holders[one] <= most_holders else 0)
    cases, parts, filled = np.empty(first[-1], np.int32), np.empty(first[-1], np.float32), first.copy()
    for case in range(len(squares)):
        for i in range(first_word[case], first_word[case + 1]):
            if holders[word[i]] <= most_holders:
                cases[filled[word[i]]], parts[filled[word[i]]] = case, value[i] / np.sqrt(squares[case])
                filled[word[i]] += 1
    return first, cases, parts


@compiled
def _most_similar(
    column: Ints32, value: Floats, n_cases: int, first: Ints, cases: Ints32, parts: Singles
) -> tuple[Ints, Floats]:
    """The cases that share enough with one complaint, and their cosines, the greatest first; words are the first columns.

    In single precision, for most of the time goes by fetching the parts from memory.
    """
    similarity, squares = np.zeros(n_cases, np.float32), 0.0
    for cell in range(len(column)):
        word = column[cell]
        # A word without cases stands in too many.
        if word < len(first) - 1 and first[word] < first[word + 1]:
            squares += value[cell] * value[cell]
            own = np.float32(value[cell])
            for i in indices(first[word], first[word + 1]):
                similarity[np.uint64(cases[i])] += own * parts[i]
    unit = np.sqrt(squares)
    # Where no word counts, no case is similar.
    similar = np.flatnonzero(similarity >= np.float32(_LEAST_SIMILARITY * unit if squares else np.inf))
    cosines = similarity[similar] / unit
    nearest_first = np.argsort(-cosines, kind="mergesort")  # which is stable
    return similar[nearest_first], cosines[nearest_first]
