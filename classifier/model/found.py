"""What a model knows of some texts: which of its terms stand where, and what each says for a label."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from classifier.compiled import compiled, indices

if TYPE_CHECKING:
    import scipy.sparse as sp

    from classifier.model.weights import Stack

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
    known_share : ndarray of shape (documents,)
        The part of each document, by characters, in words that are terms.
    start, length, cell : ndarray, one entry for each place of a term
        Where it stands, in characters of the documents set one after the other; the cell of the matrix it counts for.
    column, value, count : ndarray, one entry for each cell that is not zero
        By documents, in the order in which terms first stand in them; ``value`` as the fitted
        ``FeatureUnion`` gives it, ``count`` the number of places.
    stack : Stack
        The weights by which they speak.
    """

    offsets: Ints
    first_word: Ints
    word_start: Ints
    word_length: Ints
    known_share: Floats
    first_place: Ints
    start: Ints32
    length: Ints32
    cell: Ints32
    first_cell: Ints
    column: Ints32
    value: Floats
    count: Ints32
    stack: Stack

    @cached_property
    def matrix(self) -> sp.csr_matrix:
        """TF-IDF values, shape (documents, columns)."""
        # A tenth of a second to import, which serving need not wait.
        import scipy.sparse as sp

        return sp.csr_matrix(
            (self.value, self.column, self.first_cell), (len(self.first_cell) - 1, len(self.stack.by_column))
        )

    def probabilities(self) -> dict[str, Floats]:
        """Probabilities of each head's classes, shape (documents, k), as the fitted classifier's ``predict_proba``."""
        stack = self.stack
        p = _scores(self.first_cell, self.column, self.value, stack.by_column, stack.intercept)
        _to_probabilities(p, stack.first_classes, stack.exclusive)
        return {name: p[:, first : first + len(stack.heads[name].classes)] for name, first in stack.firsts.items()}

    def shares(self, *questions: tuple[Ints, Ints]) -> Floats:
        """How much more each word spoke for one thing than for another.

        A term's exact contribution to a linear score (its value times its weight) is shared out equally over the
        places where it stands and over their characters, so the shares of a document add up to the difference of
        the two scores, less the intercepts.

        Parameters
        ----------
        questions : tuples of two ndarrays of int, shape (documents,)
            For each document the two columns of the stack that are compared; where they are the same, nothing is asked.

        Returns
        -------
        ndarray of shape (questions, words)
        """
        return _shares(
            self.offsets, self.first_word, self.word_start, self.word_length,
            self.first_place, self.start, self.length, self.cell,
            self.first_cell, self.column, self.value, self.count,
            self.stack.by_column, np.array(questions, dtype=np.int64),
        )  # fmt: skip

    def strongest_passages(self, shares: Floats) -> Floats:
        """The greatest sum of neighbouring words' shares in each document (Kadane's maximum subarray; Bentley 1984).

        Parameters
        ----------
        shares : ndarray of shape (words,)

        Returns
        -------
        ndarray of shape (documents,), in log odds
        """
        return _greatest_sums(shares, self.first_word)


@compiled
def _scores(first_cell: Ints, column: Ints32, value: Floats, by_column: Floats, intercept: Floats) -> Floats:
    scores, sums = np.empty((len(first_cell) - 1, len(intercept))), np.empty(len(intercept))
    for document in range(len(scores)):
        sums[:] = intercept
        for cell in indices(first_cell[document], first_cell[document + 1]):
            weights = by_column[column[cell]]
            for k in range(len(sums)):
                sums[k] += value[cell] * weights[k]
        scores[document] = sums
    return scores


@compiled
def _to_probabilities(scores: Floats, first_classes: Ints, exclusive: NDArray[np.bool_]) -> None:
    for document in range(len(scores)):
        for head in range(len(exclusive)):
            own = scores[document, first_classes[head] : first_classes[head + 1]]
            if exclusive[head]:
                own[:] = np.exp(own - own.max())
                own /= own.sum()
            else:
                own[:] = 1 / (1 + np.exp(-own))


@compiled
def _shares(
    offsets: Ints, first_word: Ints, word_start: Ints, word_length: Ints,
    first_place: Ints, start: Ints32, length: Ints32, cell: Ints32,
    first_cell: Ints, column: Ints32, value: Floats, count: Ints32,
    by_column: Floats, questions: Ints,
) -> Floats:  # fmt: skip
    by_word = np.zeros((len(questions), len(word_start)))
    one_place, of_cell, by_character = np.empty(len(column)), np.empty(len(column)), np.empty(offsets[-1])
    for document in range(len(offsets) - 1):
        cells = indices(first_cell[document], first_cell[document + 1])
        for i in cells:
            one_place[i] = value[i] / count[i]
        for q in range(len(questions)):
            a, b = questions[q, 0, document], questions[q, 1, document]
            if a == b:
                continue
            for i in cells:
                of_cell[i] = one_place[i] * (by_column[column[i], a] - by_column[column[i], b])
            by_character[offsets[document] : offsets[document + 1]] = 0
            for i in indices(first_place[document], first_place[document + 1]):
                share = of_cell[cell[i]] / length[i]
                for character in indices(start[i], start[i] + length[i]):
                    by_character[character] += share
            for word in indices(first_word[document], first_word[document + 1]):
                for character in indices(word_start[word], word_start[word] + word_length[word]):
                    by_word[q, word] += by_character[character]
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
