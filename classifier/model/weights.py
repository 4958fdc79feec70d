"""A trained model as plain arrays, and the arithmetic that equals scikit-learn's on them.

The service scores with this module alone, so it starts without importing scikit-learn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, repeat

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.special import expit, softmax

from classifier.text.normalise import SEPARATOR
from classifier.text.prepare import Prepared
from classifier.text.segment import default_segmenter

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Block:
    """One TF-IDF vectorizer: its terms in column order, their IDF, its weight in the union."""

    terms: tuple[str, ...]
    idf: Floats
    weight: float


@dataclass(frozen=True)
class Head:
    """One calibrated linear classifier over all columns.

    Attributes
    ----------
    classes : tuple of str, length k
    coef : ndarray of shape (k, columns)
    intercept : ndarray of shape (k,)
    exclusive : bool
        Whether exactly one class holds (softmax), or any number of them (a sigmoid each).
    """

    classes: tuple[str, ...]
    coef: Floats
    intercept: Floats
    exclusive: bool = True

    @cached_property
    def by_column(self) -> Floats:
        """Weights with a column's classes side by side, shape (columns, k)."""
        return np.ascontiguousarray(self.coef.T)

    @cached_property
    def mean_coef(self) -> Floats:
        """Average weight over the classes by column, shape (columns,)."""
        mean: Floats = self.coef.mean(axis=0)
        return mean

    def probabilities(self, features: sp.csr_matrix) -> Floats:
        """Probabilities of the classes, shape (n, k), as the fitted classifier's ``predict_proba``."""
        scores: Floats = features @ self.by_column + self.intercept
        probabilities: Floats = softmax(scores, axis=1) if self.exclusive else expit(scores)
        return probabilities


@dataclass(frozen=True)
class Found:
    """Every place in some texts where a known term stands, and the matrix they add up to.

    Attributes
    ----------
    offsets, first_word : ndarray of shape (documents + 1,)
        Where each document starts, in characters of the documents set one after the other, and
        the index of its first jieba word.
    word_start, word_length, word_known : ndarray of shape (words,)
        Where each word of each document stands, joined they give the documents; and whether it
        is a term.
    start, length, cell : ndarray, one entry for each occurrence
        Where it stands, in characters of the documents set one after the other; the cell of
        the matrix it counts for.
    document, column, value, count : ndarray, one entry for each cell that is not zero
        In the order of the matrix's rows and columns; ``value`` as the fitted ``FeatureUnion``
        gives it, ``count`` the number of occurrences.
    n_columns : int
    """

    offsets: Ints
    first_word: Ints
    word_start: Ints
    word_length: Ints
    word_known: NDArray[np.bool_]
    start: Ints
    length: Ints
    cell: Ints
    document: Ints
    column: Ints
    value: Floats
    count: Ints
    n_columns: int

    @cached_property
    def matrix(self) -> sp.csr_matrix:
        """TF-IDF values, shape (documents, columns)."""
        n = len(self.first_word) - 1
        starts = np.searchsorted(self.document, np.arange(n + 1))
        return sp.csr_matrix((self.value, self.column, starts), (n, self.n_columns))

    @cached_property
    def word_document(self) -> Ints:
        """The document of each word."""
        return np.repeat(np.arange(len(self.first_word) - 1), np.diff(self.first_word))

    @cached_property
    def known_share(self) -> Floats:
        """The part of each document, by characters, in words that are terms; shape (documents,)."""
        known = np.add.reduceat(self.word_length * self.word_known, self.first_word[:-1])
        share: Floats = known / np.maximum(np.diff(self.offsets) - len(SEPARATOR), 1)
        return share

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
        return self._by_word(head.by_column[self.column, labels[self.document]] - head.mean_coef[self.column])

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
        weight = head.by_column[self.column, others[self.document]] - head.by_column[self.column, labels[self.document]]
        shares = self._by_word(weight)
        upto = np.cumsum(shares, dtype=np.float64)
        first = self.first_word[:-1]
        # Each document starts so much lower than the one before that no passage can reach into it.
        upto -= ((upto - shares)[first] + _FAR * np.arange(len(first)))[self.word_document]
        passage: Floats = np.maximum.reduceat(upto - np.minimum.accumulate(upto - shares), first)
        return passage

    def _by_word(self, weight: Floats) -> Floats:
        """Share out each cell's value times ``weight`` (one for each cell) over the words it comes from."""
        share = (self.value * weight / self.count)[self.cell] / self.length
        size = int(self.offsets[-1]) + 1
        steps = np.bincount(self.start, share, size) - np.bincount(self.start + self.length, share, size)
        by_character: Floats = np.cumsum(steps)
        return np.add.reduceat(by_character, self.word_start)


_FAR = 1e4
"""Far more than any document's score."""

_NO_BLOCK = Block((), np.empty(0), 0.0)

BLOCKS = ("words", "characters", "titles")
"""Words and character n-grams of title and text together; character n-grams of the title alone."""


class Weights:
    """All arrays of a model.

    Parameters
    ----------
    blocks : dict of str to Block
        Some or all of BLOCKS; a model of complaints without titles has no block of titles.
    heads : dict of str to Head
    """

    def __init__(self, blocks: dict[str, Block], heads: dict[str, Head]) -> None:
        self.blocks, self.heads = blocks, heads
        ordered = [blocks.get(name, _NO_BLOCK) for name in BLOCKS]
        firsts = np.cumsum([0, *(len(block.terms) for block in ordered)])
        self.n_columns = int(firsts[-1])
        self._word_columns = {term: column for column, term in enumerate(ordered[0].terms)}
        self._characters = _Grams(ordered[1].terms, int(firsts[1]))
        self._titles = _Grams(ordered[2].terms, int(firsts[2]))
        self._idf = np.concatenate([block.idf for block in ordered])
        self._block_of_column = np.repeat(np.arange(len(ordered)), np.diff(firsts))
        self._block_weights = np.array([block.weight for block in ordered])

    def find(self, prepared: Prepared) -> Found:
        """Find all known terms in prepared complaints and weigh them."""
        cut = default_segmenter()
        cuts = [cut(text) for text in prepared.texts]
        words = list(chain.from_iterable(cuts))
        word_length = np.fromiter(map(len, words), np.int64, len(words))
        word_start = np.cumsum(word_length) - word_length
        codes, offsets = prepared.codes, prepared.offsets
        document_of = np.repeat(np.arange(len(cuts)), np.diff(offsets))
        separators = np.flatnonzero(codes == ord(SEPARATOR))
        in_title = np.flatnonzero(np.arange(len(codes)) < separators[document_of])
        word_column = np.fromiter(map(self._word_columns.get, words, repeat(-1)), np.int64, len(words))
        word_known = word_column >= 0
        found = [
            (word_column[word_known], word_start[word_known], word_length[word_known]),
            self._characters.find(codes, document_of, np.arange(len(codes))),
            self._titles.find(codes, document_of, in_title),
        ]
        column, start, length = (np.concatenate(parts) for parts in zip(*found, strict=True))
        keys = document_of[start] * self.n_columns + column
        # Half as wide where they fit, which sorts in two thirds of the time.
        if len(cuts) * self.n_columns < np.iinfo(np.int32).max:
            keys = keys.astype(np.int32)
        keys, cell, count = np.unique(keys, return_inverse=True, return_counts=True)
        document, column = np.divmod(keys.astype(np.int64), self.n_columns)
        first_word = np.cumsum([0, *map(len, cuts)])
        return Found(
            offsets, first_word, word_start, word_length, word_known, start, length, cell,
            document, column, self._weigh(document, column, count), count, self.n_columns,
        )  # fmt: skip

    def _weigh(self, document: Ints, column: Ints, count: Ints) -> Floats:
        """TF-IDF with sublinear TF; each block has unit length in each document, then its weight."""
        value: Floats = (1 + np.log(count)) * self._idf[column]
        block = self._block_of_column[column]
        group = len(BLOCKS) * document + block
        norm = np.sqrt(np.bincount(group, value * value))
        value *= self._block_weights[block] / norm[group]
        return value


class _Grams:
    """Finds the single characters and pairs of a block in running text."""

    def __init__(self, terms: Sequence[str], first_column: int) -> None:
        self._single_columns = np.full(1 << 16, -1, dtype=np.int64)
        pairs = []
        for column, term in enumerate(terms, first_column):
            if len(term) == 1:
                self._single_columns[ord(term)] = column
            else:
                pairs.append((ord(term[0]) << 16 | ord(term[1]), column))
        # A last key that nothing equals, so that every search ends on one.
        pairs.append((1 << 32, -1))
        self._pair_keys, self._pair_columns = np.array(sorted(pairs), dtype=np.int64).T

    def find(self, codes: Ints, document_of: Ints, at: Ints) -> tuple[Ints, Ints, Ints]:
        """Column, start and length of each known gram that starts at one of the places ``at``."""
        single = self._single_columns[codes[at]]
        known = np.flatnonzero(single >= 0)
        # The separator is in no gram, so none crosses it; nor may one cross from text to text.
        pair_at = at[:-1] if len(at) and at[-1] == len(codes) - 1 else at
        keys = codes[pair_at] << 16 | codes[pair_at + 1]
        index = np.searchsorted(self._pair_keys, keys)
        both = np.flatnonzero((self._pair_keys[index] == keys) & (document_of[pair_at] == document_of[pair_at + 1]))
        return (
            np.concatenate([single[known], self._pair_columns[index[both]]]),
            np.concatenate([at[known], pair_at[both]]),
            np.repeat([1, 2], [len(known), len(both)]),
        )
