"""All a model reads out of complaints in one compiled call: one alone would take longer to call a dozen loops than to run them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from classifier.compiled import compiled
from classifier.model.found import Floats, Ints, Ints32, greatest_sum, probabilities, shares
from classifier.model.reasons import loudest
from classifier.model.urgency import grade, with_odds
from classifier.model.weights import Weights, find
from classifier.text.prepare import Prepared
from classifier.text.trie import Bytes


class Reading(NamedTuple):
    """What a model says of some complaints, in few arrays: to hand over one takes as long as to fill it.

    Attributes
    ----------
    numbers : ndarray of shape (complaints, classes of all heads + 2)
        Probabilities in the order of the model's stack, those of urgency as among incoming complaints. Then how much more,
        in log odds, the passage that does so most speaks for the second department than for the lead. Then the part in known
        words, as in :class:`classifier.model.found.Found`.
    choices : ndarray of int, shape (complaints, departments + 3)
        The departments, best first. Then the level of urgency to suggest, 0 where the model knows none. Then where in ``loud``
        the words about the lead end, and those about the level, which follow them.
    loud : ndarray of int, shape (2, words)
        Where the words that spoke loudest stand: begin and end in characters of their complaint's punctuated text.
    loud_share : ndarray of shape (words,)
        How much more than the average label their own owes to each.
    column, value : ndarray
        The cells of the matrix, as in :class:`classifier.model.found.Found`.
    """

    numbers: Floats
    choices: Ints
    loud: Ints
    loud_share: Floats
    column: Ints32
    value: Floats


class Reader:
    """Reads complaints by a model's weights.

    Parameters
    ----------
    weights : Weights
    urgency_cuts, urgent_log_odds : sequence of float
        As in :class:`classifier.model.classifier.Thresholds`.
    """

    def __init__(self, weights: Weights, urgency_cuts: Sequence[float], urgent_log_odds: Sequence[float]) -> None:
        self._weights, stack = weights, weights.stack
        self._tables = (
            np.array([stack.span("department"), stack.span("urgency")]),
            np.array(urgency_cuts, dtype=np.float64),
            np.array(urgent_log_odds, dtype=np.float64),
            stack.by_column,
            stack.intercept,
            stack.first_classes,
            stack.exclusive,
        )

    def read(self, prepared: Prepared, levels_asked: Ints) -> Reading:
        """Read prepared complaints.

        Parameters
        ----------
        levels_asked : ndarray of int, shape (complaints,)
            The level of urgency that rules ask for. They raise it by one at most: a rule sees a phrase, the model the whole
            text, and both have been wrong.
        """
        return _read(
            prepared.places, prepared.place_offsets, levels_asked, *self._tables,
            prepared.codes, prepared.offsets, *self._weights.tables,
        )  # fmt: skip


@compiled
def _read(
    places: Ints, place_offsets: Ints, levels_asked: Ints, spans: Ints, urgency_cuts: Floats, urgent_log_odds: Floats,
    by_column: Floats, intercept: Floats, first_classes: Ints, exclusive: NDArray[np.bool_],
    codes: Ints, offsets: Ints,
    dictionary_first: Ints32, dictionary_keys: Ints, dictionary_known: Bytes,
    log_p: Floats, unknown: float, letters: NDArray[np.bool_], column_at: Ints32,
    first: Ints32, keys: Ints, known: Bytes, columns: Ints32,
    idf: Floats, block_ends: Ints, block_weights: Floats,
) -> Reading:  # fmt: skip
    found = find(
        codes, offsets, dictionary_first, dictionary_keys, dictionary_known, log_p, unknown, letters, column_at,
        first, keys, known, columns, idf, block_ends, block_weights,
    )  # fmt: skip
    p = probabilities(found, by_column, intercept, first_classes, exclusive)
    departments = p[:, spans[0, 0] : spans[0, 1]]
    level = _graded(p[:, spans[1, 0] : spans[1, 1]], departments, levels_asked, urgency_cuts, urgent_log_odds)
    n_classes, n_departments = p.shape[1], departments.shape[1]
    numbers, choices = np.empty((len(p), n_classes + 2)), np.empty((len(p), n_departments + 3), np.int64)
    most = 2 * len(found.word_start)
    loud, loud_share, n_loud = np.empty((2, most), np.int64), np.empty(most), 0
    for document in range(len(p)):
        best_first = np.argsort(-departments[document], kind="mergesort")
        lead, second, urgency = spans[0, 0] + best_first[0], spans[0, 0] + best_first[1], spans[1, 0] + level[document]
        # The mildest level is the absence of reasons for another, so nothing speaks for it more than for itself.
        average = spans[1, 2] if level[document] else urgency
        own = shares(found, document, by_column, (second, lead, urgency), (lead, spans[0, 2], average))
        numbers[document, :n_classes] = p[document]
        numbers[document, n_classes], numbers[document, n_classes + 1] = (
            greatest_sum(own[0]),
            found.known_share[document],
        )
        choices[document, :n_departments], choices[document, n_departments] = best_first, level[document]
        for about in range(2):
            for i in loudest(own[1 + about]):
                word = found.first_word[document] + i
                start, end = found.word_start[word], found.word_start[word] + found.word_length[word]
                loud[0, n_loud] = places[start] - place_offsets[document]
                loud[1, n_loud] = places[end - 1] + 1 - place_offsets[document]
                loud_share[n_loud] = own[1 + about, i]
                n_loud += 1
            choices[document, n_departments + 1 + about] = n_loud
    return Reading(numbers, choices, loud[:, :n_loud], loud_share[:n_loud], found.column, found.value)


@compiled
def _graded(levels: Floats, departments: Floats, asked: Ints, cuts: Floats, urgent_log_odds: Floats) -> Ints:
    """The level of each complaint; ``levels``, the probabilities as learned, become those among incoming complaints."""
    if levels.shape[1] == 0:
        return np.zeros(len(levels), np.int64)
    levels[:] = with_odds(levels, departments, urgent_log_odds)
    learned = grade(levels, cuts)
    raised: Ints = np.maximum(learned, np.minimum(asked, learned + 1))
    return raised
