"""Which of many words stand in a text, told in one pass: the cheap look before patterns are tried."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from classifier.compiled import compiled
from classifier.text.trie import LAST, Bytes, Ints, Ints32, Points, Trie, step


class Lexicon:
    """Groups of words, looked for together.

    Parameters
    ----------
    groups : sequence of iterables of str
        At most 62 of them. No word is empty.
    run_of, run_length
        A group of its own, RUN: so many of these characters on end.

    Attributes
    ----------
    trie : Trie
    bits : ndarray of shape (slots of the trie,)
        The groups of the word that ends with a node, as bits; 0 where none does.

    >>> from classifier.text.trie import points_of
    >>> lexicon = Lexicon([["油烟", "臭"], ["油"]])
    >>> lexicon.find(points_of("恶臭油烟油"), np.array([0, 2, 5])).tolist()
    [1, 3]
    """

    RUN = 62
    """The bit of a run."""

    def __init__(self, groups: Sequence[Iterable[str]], run_of: Iterable[str] = (), run_length: int = 1) -> None:
        words = [(word, 1 << bit) for bit, group in enumerate(groups) for word in group]
        self.trie = Trie.of([word for word, _ in words])
        self.bits = np.zeros(self.trie.slots, dtype=np.int64)
        np.bitwise_or.at(self.bits, self.trie.node_of, np.array([bit for _, bit in words], dtype=np.int64))
        self._in_run = np.zeros(LAST + 1, dtype=np.bool_)
        self._in_run[[ord(char) for char in run_of]] = True
        self._run_length = run_length

    def find(self, points: Points, offsets: Ints) -> Ints:
        """For each text, the groups that have a word in it, as bits; shape (texts,).

        Parameters
        ----------
        points : ndarray of uint32
            The texts set one after the other.
        offsets : ndarray of int, shape (texts + 1,)
        """
        trie = self.trie
        return _find(
            points, offsets, trie.first, trie.keys, trie.known, self.bits, self._in_run, self._run_length, 1 << self.RUN
        )  # fmt: skip


@compiled
def _find(
    points: Points, offsets: Ints, first: Ints32, keys: Ints, known: Bytes, bits: Ints,
    in_run: NDArray[np.bool_], run_length: int, run_bit: int,
) -> Ints:  # fmt: skip
    found = np.zeros(len(offsets) - 1, np.int64)
    for text in range(len(found)):
        stop, run = offsets[text + 1], 0
        for i in range(offsets[text], stop):
            point = min(points[i], LAST)
            run = run + 1 if in_run[point] else 0
            if run == run_length:
                found[text] |= run_bit
            node, after = int(first[point]), i + 1
            while node >= 0:
                found[text] |= bits[node]
                node = step(node, points[after], keys, known) if after < stop else -1
                after += 1
    return found
