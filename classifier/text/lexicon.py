"""Which of many words stand in a text, told in one pass: the cheap look before patterns are tried."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from classifier.compiled import compiled

Points = NDArray[np.uint32]
Ints = NDArray[np.int64]

LAST = 0xFFFF
"""Code points beyond the first plane are looked up as this one, which is no character."""


def points_of(text: str) -> Points:
    """The code points of a text."""
    # A copy, for compiled loops are compiled once more for arrays that cannot be written.
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32).copy()


def offsets_of(texts: Sequence[str]) -> Ints:
    """Where each text begins when they are set one after the other, and where the last ends."""
    return np.fromiter(accumulate(map(len, texts), initial=0), np.int64, len(texts) + 1)


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
    heads, tails_at, tails, bits
        The words by their first character, the longest first: those of character ``c`` are
        ``heads[c]`` to ``heads[c + 1]``, the other characters of word ``w`` are
        ``tails[tails_at[w]:tails_at[w + 1]]``, its groups the bits of ``bits[w]``.

    >>> lexicon = Lexicon([["油烟", "臭"], ["油"]])
    >>> lexicon.find(points_of("恶臭油烟油"), np.array([0, 2, 5])).tolist()
    [1, 3]
    """

    RUN = 62
    """The bit of a run."""

    def __init__(self, groups: Sequence[Iterable[str]], run_of: Iterable[str] = (), run_length: int = 1) -> None:
        bits: dict[str, int] = {}
        for bit, words in enumerate(groups):
            for word in words:
                bits[word] = bits.get(word, 0) | 1 << bit
        ordered = sorted(bits, key=lambda word: (min(ord(word[0]), LAST), -len(word), word))
        firsts = np.array([min(ord(word[0]), LAST) for word in ordered], dtype=np.int64)
        self.heads: Ints = np.searchsorted(firsts, np.arange(LAST + 2))
        self.tails_at = offsets_of([word[1:] for word in ordered])
        self.tails = points_of("".join(word[1:] for word in ordered))
        self.bits: Ints = np.array([bits[word] for word in ordered], dtype=np.int64)
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
        return _find(
            points,
            offsets,
            self.heads,
            self.tails_at,
            self.tails,
            self.bits,
            self._in_run,
            self._run_length,
            1 << self.RUN,
        )


@compiled
def _find(
    points: Points,
    offsets: Ints,
    heads: Ints,
    tails_at: Ints,
    tails: Points,
    bits: Ints,
    in_run: NDArray[np.bool_],
    run_length: int,
    run_bit: int,
) -> Ints:
    found = np.zeros(len(offsets) - 1, np.int64)
    for text in range(len(found)):
        stop = offsets[text + 1]
        run = 0
        for i in range(offsets[text], stop):
            first = min(points[i], LAST)
            run = run + 1 if in_run[first] else 0
            if run == run_length:
                found[text] |= run_bit
            for word in range(heads[first], heads[first + 1]):
                if starts_with(points, i + 1, stop, tails, tails_at[word], tails_at[word + 1]):
                    found[text] |= bits[word]
    return found


@compiled
def starts_with(points: Points, at: int, stop: int, tails: Points, start: int, end: int) -> bool:
    """Whether ``points[at:stop]`` begins with ``tails[start:end]``."""
    if end - start > stop - at:
        return False
    for k in range(end - start):  # noqa: SIM110 -- numba compiles no all() or any()
        if points[at + k] != tails[start + k]:
            return False
    return True
