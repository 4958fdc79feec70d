"""What a model knows of some texts: which of its terms stand where, and what each says for a label."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from classifier.compiled import compiled, indices

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Ints32 = NDArray[np.int32]
Three = tuple[int, int, int]


class Found(NamedTuple):
    """Every place in some texts where a known term stands, and the matrix they add up to, in parts as scipy's ``csr_matrix``.

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
    column, value, times : ndarray, one entry for each cell that is not zero
        By documents, in the order in which terms first stand in them; ``value`` as the fitted
        ``FeatureUnion`` gives it, ``times`` the number of places.
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
    times: Ints32


@compiled
def probabilities(
    found: Found, by_column: Floats, intercept: Floats, first_classes: Ints, exclusive: NDArray[np.bool_]
) -> Floats:
    """Probabilities of the classes of all heads, shape (documents, classes), as the fitted classifiers' ``predict_proba``."""
    p = np.empty((len(found.first_cell) - 1, len(intercept)))
    for document in range(len(p)):
        sums = p[document]
        sums[:] = intercept
        for cell in indices(found.first_cell[document], found.first_cell[document + 1]):
            weights = by_column[found.column[cell]]
            for k in range(len(sums)):
                sums[k] += found.value[cell] * weights[k]
        for head in range(len(exclusive)):
            own = sums[first_classes[head] : first_classes[head + 1]]
            if exclusive[head]:
                own[:] = np.exp(own - own.max())
                own /= own.sum()
            else:
                own[:] = 1 / (1 + np.exp(-own))
    return p


@compiled
def shares(found: Found, document: int, by_column: Floats, labels: Three, others: Three) -> Floats:
    """How much more each word of a document spoke for one column of ``by_column`` than for another; shape (3, words of the document).

    A term's exact contribution to a linear score (its value times its weight) is shared out equally over the
    places where it stands and over their characters, so the shares of a document add up to the difference of
    the two scores, less the intercepts. Three such questions are answered in one pass, as most of it is common.
    """
    offset, first_cell, last_cell = found.offsets[document], found.first_cell[document], found.first_cell[document + 1]
    of_cell = np.empty((last_cell - first_cell, 3))
    for i in range(len(of_cell)):
        weights = by_column[found.column[first_cell + i]]
        each = found.value[first_cell + i] / found.times[first_cell + i]
        for k in range(3):
            of_cell[i, k] = each * (weights[labels[k]] - weights[others[k]])
    by_character = np.zeros((found.offsets[document + 1] - offset, 3))
    for i in indices(found.first_place[document], found.first_place[document + 1]):
        start, cell, part = found.start[i] - offset, found.cell[i] - first_cell, 1 / found.length[i]
        for character in indices(start, start + found.length[i]):
            for k in range(3):
                by_character[character, k] += of_cell[cell, k] * part
    first_word = found.first_word[document]
    by_word, character = np.zeros((3, found.first_word[document + 1] - first_word)), 0
    for word in range(by_word.shape[1]):
        for _ in range(found.word_length[first_word + word]):
            for k in range(3):
                by_word[k, word] += by_character[character, k]
            character += 1
    return by_word


@compiled
def greatest_sum(shares: Floats) -> float:
    """The greatest sum of neighbours (Kadane's maximum subarray; Bentley 1984): what the strongest passage says."""
    best = ending_here = -np.inf
    for share in shares:
        # Not by max(), which also has to think of numbers that are none.
        ending_here = share + (ending_here if ending_here > 0 else 0.0)
        best = ending_here if ending_here > best else best
    return best
