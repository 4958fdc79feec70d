"""A dictionary of words as arrays, so that compiled loops can look words up while they read a text."""

from __future__ import annotations

from collections.abc import Sequence, Sized
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.compiled import compiled, empty_on_lines

Points = NDArray[np.uint32]
Ints = NDArray[np.int64]
Ints32 = NDArray[np.int32]
Bytes = NDArray[np.uint8]

LAST = 0xFFFF
"""Code points beyond the first plane are looked up as this one, which is no character."""

_NONE = -1


def points_of(text: str) -> Points:
    """The code points of a text."""
    # A copy, for compiled loops are compiled once more for arrays that cannot be written.
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32).copy()


def offsets_of(texts: Sequence[Sized]) -> Ints:
    """Where each text begins when they are set one after the other, and where the last ends."""
    return np.fromiter(accumulate(map(len, texts), initial=0), np.int64, len(texts) + 1)


class Trie:
    """Words by their characters (Fredkin 1960, "Trie memory"), as a hash table with open addressing.

    Each beginning of a word is a node; a reader goes from a node by a character to the next node, or to -1 where no word
    goes on so. A node's number is its slot in the table, so what is known of words is kept in arrays of ``slots`` entries.

    Parameters
    ----------
    points : ndarray of uint32
        Characters.
    starts, ends : ndarray of int, shape (words,)
        Where the words stand in ``points``. None is empty.

    Attributes
    ----------
    first : ndarray of shape (65536,)
        Node of each character that begins a word, or -1.
    keys : ndarray of shape (slots,)
        The node and the character that lead to each node, as one number; -1 in free slots.
    known : ndarray of uint8, shape (slots / 2,)
        A bit for four of each slot, set where a key has this hash (Bloom 1970). Most steps lead nowhere, and these bits stay in
        the processor's nearest memory, where the table does not.
    node_of : ndarray of shape (words,)
        Node of each word's end.
    slots : int
    """

    def __init__(self, points: Points, starts: Ints, ends: Ints) -> None:
        self.first = np.full(LAST + 1, _NONE, dtype=np.int32)
        self.node_of = np.empty(len(starts), dtype=np.int32)
        # At most half full, so that most searches end at once; a power of two, so that the hash's last bits are a slot.
        # Words share beginnings: a dictionary has some 1.4 nodes for each. A table too small is begun anew.
        self.slots = 1 << max(4, (3 * len(starts)).bit_length())
        while True:
            self.keys = np.full(self.slots, _NONE, dtype=np.int64)
            self.known = np.zeros(self.slots // 2, dtype=np.uint8)
            if _insert(points, starts, ends, self.first, self.keys, self.known, self.node_of):
                break
            self.slots *= 2

    @classmethod
    def of(cls, words: Sequence[str]) -> Trie:
        """The trie of some words."""
        offsets = offsets_of(words)
        return cls(points_of("".join(words)), offsets[:-1], offsets[1:])

    def beside(self, known: NDArray[Any]) -> tuple[Ints, NDArray[Any]]:
        """The keys again, and what is known of each node, shape (slots, …).

        In memory each stands beside its key: who has found the one need not wait for the other.
        """
        kind = np.dtype([("key", np.int64), ("known", known.dtype, known.shape[1:])], align=True)
        table = empty_on_lines((self.slots,), kind)
        table["key"], table["known"] = self.keys, known
        return table["key"], table["known"]


@compiled
def step(node: int, point: int, keys: Ints, known: Bytes) -> int:
    """The node that a character leads to from another, or -1."""
    key = node << 16 | min(point, LAST)
    bit = _hash(key) & (8 * len(known) - 1)
    if not known[bit >> 3] >> (bit & 7) & 1:
        return _NONE
    slot = _slot(key, keys)
    return slot if keys[slot] == key else _NONE


@compiled
def walk(points: NDArray[Any], begin: int, end: int, first: Ints32, keys: Ints, known: Bytes) -> int:
    """The node that ``points[begin:end]``, at least one character, leads to from the start, or -1."""
    node = int(first[min(points[begin], LAST)])
    for i in range(begin + 1, end):
        node = step(node, points[i], keys, known) if node >= 0 else _NONE
    return node


@compiled
def _hash(key: int) -> int:
    """Multiplicative hashing (Knuth, The Art of Computer Programming 3, 6.4), by the middle bits."""
    return key * 0x1E3779B97F4A7C15 >> 24


@compiled
def slot_of(key: int, slots: int) -> int:
    """Where to look for a key first among so many slots, a power of two."""
    return _hash(key) & (slots - 1)


@compiled
def _slot(key: int, keys: Ints) -> int:
    """Where a key stands, or the free slot where it would."""
    slot = slot_of(key, len(keys))
    while keys[slot] != key and keys[slot] != _NONE:
        slot = (slot + 1) & (len(keys) - 1)
    return slot


@compiled
def _insert(points: Points, starts: Ints, ends: Ints, first: Ints32, keys: Ints, known: Bytes, node_of: Ints32) -> bool:
    """Fill a table; say False where it would be more than half full."""
    nodes, root = 0, len(keys)
    for word in range(len(starts)):
        node = root
        for i in range(starts[word], ends[word]):
            point = min(points[i], LAST)
            key = node << 16 | point
            slot = _slot(key, keys)
            nodes += keys[slot] == _NONE
            keys[slot] = key
            bit = _hash(key) & (8 * len(known) - 1)
            known[bit >> 3] |= np.uint8(1 << (bit & 7))
            if node == root:
                first[point] = slot
            node = slot
        node_of[word] = node
        if 2 * nodes > len(keys):
            return False
    return True
