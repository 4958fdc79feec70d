"""What a model knows of some texts: which of its terms stand where, and what each says for a label."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from classifier.compiled import compiled
from classifier.text.normalise import SEPARATOR

if TYPE_CHECKING:
    from classifier.model.weights import Head

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Ints32 = NDArray[np.int32]


@dataclass(frozen=True)
class Found:
    """Every place in some texts where a known term stands, and the matrix they add up to.

    Attributes
    ----------
    offsets, first_word, first_place, first_cell : ndarray of shape (documents + 1,)
        Where each document starts: in characters of the documents set one after the other, and
        among the words, the places and the cells.
    word_start, word_length : ndarray of shape (words,)
        Where each word of each document stands; joined they give the documents.
    word_known : ndarray of bool, shape (words,)
        Whether it is a term.
    start, length, cell : ndarray, one entry for each place of a term
        Where it stands, in characters of the documents set one after the other; the cell of the matrix it counts for.
    column, value, count : ndarray, one entry for each cell that is not zero
        By documents, in the order in which terms first stand in them; ``value`` as the fitted
        ``FeatureUnion`` gives it, ``count`` the number of places.
    n_columns : int
    """

    offsets: Ints
    first_word: Ints
    word_start: Ints
    word_length: Ints
    word_known: NDArray[np.bool_]
    first_place: Ints
    start: Ints32
    length: Ints32
    cell: Ints32
    first_cell: Ints
    column: Ints32
    value: Floats
    count: Ints32
    n_columns: int

    @cached_property
    def matrix(self) -> sp.csr_matrix:
        """TF-IDF values, shape (documents, columns)."""
        return sp.csr_matrix((self.value, self.column, self.first_cell), (len(self.first_cell) - 1, self.n_columns))

    @cached_property
    def known_share(self) -> Floats:
        """The part of each document, by characters, in words that are terms; shape (documents,)."""
        known = np.add.reduceat(self.word_length * self.word_known, self.first_word[:-1])
        share: Floats = known / np.maximum(np.diff(self.offsets) - len(SEPARATOR), 1)
        return share

    def probabilities(self, head: Head) -> Floats:
        """Probabilities of a head's classes, shape (documents, k), as the fitted classifier's ``predict_proba``."""
        return _probabilities(self.first_cell, self.column, self.value, head.by_column, head.intercept, head.exclusive)

    def above_average(self, head: Head, labels: Ints) -> Floats:
        """How much more each word spoke for its document's label than for the average of the head's labels.

        A term's exact contribution to the linear score (its value times its weight) is shared
        out equally over the places where it stands and over their characters, so the shares
        of a document add up to its score above the average, less the intercepts.

        Parameters
        ----------
        head : Head
        labels : ndarray of int, shape (documents,)
            Index in ``head.classes`` of the label in question, for each document.

        Returns
        -------
        ndarray of shape (words,)
        """
        return self._by_word(head.by_column, labels, head.mean_by_column, np.zeros_like(labels))

    def strongest_passage(self, head: Head, labels: Ints, others: Ints) -> Floats:
        """How much one passage of each document speaks for another label rather than for its own.

        The greatest sum of neighbouring words' shares (Kadane's maximum subarray; Bentley 1984).

        Parameters
        ----------
        head : Head
        labels, others : ndarray of int, shape (documents,)

        Returns
        -------
        ndarray of shape (documents,), in log odds
        """
        return _greatest_sums(self._by_word(head.by_column, others, head.by_column, labels), self.first_word)

    def ranked(self, shares: Floats, least: float) -> list[list[int]]:
        """For each document the words that spoke loudest, as indices: those for the label, then those against it.

        Parameters
        ----------
        shares : ndarray of shape (words,)
        least : float
            Words that spoke less than this part of what the strongest of their document did are left out.
        """
        order, first = _ranked(shares, self.first_word, least)
        indices = order.tolist()
        return [indices[a:b] for a, b in pairwise(first.tolist())]

    def _by_word(self, plus: Floats, plus_label: Ints, minus: Floats, minus_label: Ints) -> Floats:
        """Each word's share in the difference of two scores, the weights of which stand in columns of two tables."""
        return _by_word(
            self.offsets, self.first_word, self.word_start, self.word_length,
            self.first_place, self.start, self.length, self.cell,
            self.first_cell, self.column, self.value, self.count,
            plus, plus_label, minus, minus_label,
        )  # fmt: skip


@compiled
def _probabilities(
    first_cell: Ints, column: Ints32, value: Floats, by_column: Floats, intercept: Floats, exclusive: bool
) -> Floats:
    n_classes = len(intercept)
    p = np.empty((len(first_cell) - 1, n_classes))
    for document in range(len(p)):
        score = p[document]
        score[:] = intercept
        for cell in range(first_cell[document], first_cell[document + 1]):
            for k in range(n_classes):
                score[k] += value[cell] * by_column[column[cell], k]
        if exclusive:
            score[:] = np.exp(score - score.max())
            score /= score.sum()
        else:
            score[:] = 1 / (1 + np.exp(-score))
    return p


@compiled
def _by_word(
    offsets: Ints, first_word: Ints, word_start: Ints, word_length: Ints,
    first_place: Ints, start: Ints32, length: Ints32, cell: Ints32,
    first_cell: Ints, column: Ints32, value: Floats, count: Ints32,
    plus: Floats, plus_label: Ints, minus: Floats, minus_label: Ints,
) -> Floats:  # fmt: skip
    share = np.empty(len(column))
    by_character = np.zeros(offsets[-1])
    by_word = np.zeros(len(word_start))
    for document in range(len(offsets) - 1):
        a, b = plus_label[document], minus_label[document]
        for i in range(first_cell[document], first_cell[document + 1]):
            share[i] = value[i] * (plus[column[i], a] - minus[column[i], b]) / count[i]
        for i in range(first_place[document], first_place[document + 1]):
            for character in range(start[i], start[i] + length[i]):
                by_character[character] += share[cell[i]] / length[i]
        for word in range(first_word[document], first_word[document + 1]):
            for character in range(word_start[word], word_start[word] + word_length[word]):
                by_word[word] += by_character[character]
    return by_word


@compiled
def _greatest_sums(shares: Floats, first_word: Ints) -> Floats:
    greatest = np.empty(len(first_word) - 1)
    for document in range(len(greatest)):
        best = ending_here = -np.inf
        for word in range(first_word[document], first_word[document + 1]):
            ending_here = max(ending_here, 0.0) + shares[word]
            best = max(best, ending_here)
        greatest[document] = best
    return greatest


@compiled
def _ranked(shares: Floats, first_word: Ints, least: float) -> tuple[Ints, Ints]:
    order, first, n = np.empty(len(shares), np.int64), np.zeros(len(first_word), np.int64), 0
    for document in range(len(first_word) - 1):
        own = shares[first_word[document] : first_word[document + 1]]
        threshold = least * np.abs(own).max()
        loud = np.flatnonzero((own != 0) & (np.abs(own) >= threshold))
        # Merge sort is stable: of equal words the first comes first. Whatever spoke against comes behind the strongest.
        loud = loud[np.argsort(np.where(own[loud] > 0, -own[loud], np.inf), kind="mergesort")]
        against = int((own[loud] > 0).sum())
        loud[against:] = loud[against:][np.argsort(own[loud[against:]], kind="mergesort")]
        order[n : n + len(loud)] = loud + first_word[document]
        n += len(loud)
        first[document + 1] = n
    return order[:n], first
