"""A trained model as plain arrays, and the arithmetic that equals scikit-learn's on them.

The service scores with this module alone, so it starts without importing scikit-learn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.compiled import compiled, empty_on_lines, indices
from classifier.model.found import Floats, Found, Ints, Ints32, probabilities
from classifier.text.normalise import SEPARATOR
from classifier.text.prepare import Prepared
from classifier.text.segment import cut, default_segmenter
from classifier.text.trie import Bytes, Trie, slot_of, step, walk


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


class Stack:
    """The weights of all heads side by side, and behind them each exclusive head's average weight and the IDF of the column.

    Parameters
    ----------
    heads : mapping of str to Head
    idf : ndarray of shape (columns,)

    Attributes
    ----------
    by_column : ndarray of shape (columns, classes of all heads + exclusive heads + 1)
        What is known of a column lies together, for looking for it in memory takes longer than reckoning with it.
    intercept : ndarray of shape (classes of all heads,)
    firsts, averages : dict of str to int
        Where each head's classes begin, and where its average stands.
    first_classes : ndarray of shape (heads + 1,)
        The former, and where the last one's end.
    exclusive : ndarray of bool, shape (heads,)
    """

    def __init__(self, heads: Mapping[str, Head], idf: Floats) -> None:
        ends = [0, *accumulate(len(head.classes) for head in heads.values())]
        self.firsts = dict(zip(heads, ends, strict=False))
        self.first_classes = np.array(ends)
        self.exclusive = np.array([head.exclusive for head in heads.values()])
        compared = {name: head.coef.mean(axis=0) for name, head in heads.items() if head.exclusive}
        self.averages = {name: ends[-1] + i for i, name in enumerate(compared)}
        columns = [head.coef.T for head in heads.values()]
        by_column = np.column_stack([*columns, *compared.values(), idf])
        self.by_column: Floats = empty_on_lines(by_column.shape, by_column.dtype)
        self.by_column[...] = by_column
        self.intercept: Floats = np.concatenate([head.intercept for head in heads.values()])

    @property
    def idf(self) -> Floats:
        """Of each column, shape (columns,)."""
        return self.by_column[:, -1]

    def span(self, head: str) -> tuple[int, int, int]:
        """Where a head's classes begin and end, and where its average stands; zeros where there is none."""
        if head not in self.firsts:
            return 0, 0, 0
        first = self.firsts[head]
        return first, min(end for end in self.first_classes.tolist() if end > first), self.averages.get(head, 0)


_NO_BLOCK = Block((), np.empty(0), 0.0)

_SEPARATOR = ord(SEPARATOR)
_WORDS = 0
BLOCKS = ("words", "characters", "titles")
"""Words and character n-grams of title and text together; character n-grams of the title alone."""


class Weights:
    """All arrays of a model.

    Parameters
    ----------
    blocks : dict of str to Block
        Some or all of BLOCKS; a model of complaints without titles has no block of titles.
    heads : dict of str to Head

    Attributes
    ----------
    tables : tuple
        What :func:`find` asks for behind the texts.
    """

    def __init__(self, blocks: dict[str, Block], heads: dict[str, Head]) -> None:
        self.blocks, self.heads = blocks, heads
        ordered = [blocks.get(name, _NO_BLOCK) for name in BLOCKS]
        firsts = np.cumsum([0, *(len(block.terms) for block in ordered)])
        self.n_columns = int(firsts[-1])
        self.stack = Stack(heads, np.concatenate([block.idf for block in ordered]))
        terms = Trie.of([term for block in ordered for term in block.terms])
        columns = np.full((terms.slots, len(ordered)), -1, dtype=np.int32)
        columns[terms.node_of, np.repeat(np.arange(len(ordered)), np.diff(firsts))] = np.arange(self.n_columns)
        keys, columns = terms.beside(columns)
        block_weights = np.array([block.weight for block in ordered])
        segmenter = default_segmenter()
        # Most words are found by their cut alone.
        column_at = np.full(len(segmenter.tables[1]), -1, dtype=np.int32)
        nodes = segmenter.nodes_of(ordered[_WORDS].terms)
        column_at[nodes[nodes >= 0]] = np.flatnonzero(nodes >= 0)
        self.tables: tuple[Any, ...] = (
            *segmenter.tables, column_at,
            terms.first, keys, terms.known, columns, self.stack.idf, firsts[1:], block_weights,
        )  # fmt: skip

    def find(self, prepared: Prepared) -> Found:
        """Find all known terms in prepared complaints and weigh them."""
        return find(prepared.codes, prepared.offsets, *self.tables)

    def probabilities(self, prepared: Prepared) -> dict[str, Floats]:
        """Probabilities of each head's classes, shape (documents, k), as the fitted classifier's ``predict_proba``."""
        stack = self.stack
        p = probabilities(self.find(prepared), stack.by_column, stack.intercept, stack.first_classes, stack.exclusive)
        return {name: p[:, first : first + len(self.heads[name].classes)] for name, first in stack.firsts.items()}


@compiled
def find(
    codes: Ints, offsets: Ints,
    dictionary_first: Ints32, dictionary_keys: Ints, dictionary_known: Bytes,
    log_p: Floats, unknown: float, letters: NDArray[np.bool_], column_at: Ints32,
    first: Ints32, keys: Ints, known: Bytes, columns: Ints32,
    idf: Floats, block_ends: Ints, block_weights: Floats,
) -> Found:  # fmt: skip
    """Cut prepared texts into words, find all known terms in them and weigh these."""
    first_word, word_start, word_length, word_node = cut(
        codes, offsets, dictionary_first, dictionary_keys, dictionary_known, log_p, unknown, letters
    )
    known_share, first_place, start, length, cell, first_cell, column, count = _find(
        codes, offsets, first_word, word_start, word_length, word_node, column_at, first, keys, known, columns
    )
    value = _weigh(first_cell, column, count, idf, block_ends, block_weights)
    return Found(
        offsets, first_word, word_start, word_length, known_share,
        first_place, start, length, cell, first_cell, column, value, count,
    )  # fmt: skip


@compiled
def _find(
    codes: Ints, offsets: Ints, first_word: Ints, word_start: Ints, word_length: Ints,
    word_node: Ints32, column_at: Ints32, first: Ints32, keys: Ints, known: Bytes, columns: Ints32,
) -> tuple[Floats, Ints, Ints32, Ints32, Ints32, Ints, Ints32, Ints32]:  # fmt: skip
    """The known part of each document, the places of all terms, and the cells they count for: see Found."""
    n, most = len(offsets) - 1, len(word_start) + 4 * len(codes)
    known_share = np.zeros(n)
    first_place, first_cell = np.zeros(n + 1, np.int64), np.zeros(n + 1, np.int64)
    start, length, cell = np.empty(most, np.int32), np.empty(most, np.int32), np.empty(most, np.int32)
    column, count = np.empty(most, np.int32), np.empty(most, np.int32)
    places = cells = 0
    cell_of = np.empty(0, np.int32)
    for document in range(n):
        # A place first gets its term's column, and once all are found its cell.
        for word in indices(first_word[document], first_word[document + 1]):
            begin, end = word_start[word], word_start[word] + word_length[word]
            term = column_at[word_node[word]] if word_node[word] >= 0 else -1
            if word_node[word] < 0:
                node = walk(codes, begin, end, first, keys, known)
                term = columns[node, _WORDS] if node >= 0 else -1
            if term >= 0:
                known_share[document] += end - begin
                start[places], length[places], cell[places] = begin, end - begin, term
                places += 1
        blocks, end = 3, offsets[document + 1]  # until the title ends, its own block counts too
        for i in range(offsets[document], end):
            if codes[i] == _SEPARATOR:
                blocks = 2
            node = int(first[codes[i]])
            for size in range(1, 3):
                if node < 0:
                    break
                for block in range(1, blocks):
                    if columns[node, block] >= 0:
                        start[places], length[places], cell[places] = i, size, columns[node, block]
                        places += 1
                node = step(node, codes[i + 1], keys, known) if i + 1 < end else -1
        # The cells by their columns, as a hash table; a table of all columns would push better things out of the processor's memory.
        slots = 16
        while slots < 2 * (places - first_place[document]):
            slots *= 2
        if slots > len(cell_of):
            cell_of = np.empty(slots, np.int32)
        cell_of[:slots] = -1
        for place in indices(first_place[document], places):
            term = cell[place]
            slot = slot_of(term, slots)
            while cell_of[slot] >= 0 and column[cell_of[slot]] != term:
                slot = (slot + 1) & (slots - 1)
            if cell_of[slot] < 0:
                cell_of[slot], column[cells], count[cells] = cells, term, 0
                cells += 1
            cell[place] = cell_of[slot]
            count[cell[place]] += 1
        known_share[document] /= max(end - offsets[document] - 1, 1)  # the separator is no part of it
        first_place[document + 1], first_cell[document + 1] = places, cells
    return (
        known_share, first_place, start[:places], length[:places], cell[:places],
        first_cell, column[:cells], count[:cells],
    )  # fmt: skip


@compiled
def _weigh(first_cell: Ints, column: Ints32, count: Ints32, idf: Floats, block_ends: Ints, weights: Floats) -> Floats:
    """TF-IDF with sublinear TF; each block has unit length in each document, then its weight."""
    frequency = 1 + np.log(np.arange(count.max() + 1 if len(count) else 1))
    value = np.empty(len(column))
    squares = np.zeros(len(weights))
    for document in range(len(first_cell) - 1):
        squares[:] = 0
        for cell in indices(first_cell[document], first_cell[document + 1]):
            value[cell] = frequency[count[cell]] * idf[column[cell]]
            squares[_block(column[cell], block_ends)] += value[cell] * value[cell]
        scale = weights / np.sqrt(squares)
        for cell in indices(first_cell[document], first_cell[document + 1]):
            value[cell] *= scale[_block(column[cell], block_ends)]
    return value


@compiled
def _block(column: int, ends: Ints) -> int:
    """Which of the blocks, whose columns follow one another, a column belongs to."""
    block = 0
    while column >= ends[block]:
        block += 1
    return block
