"""Cuts prepared text into words as jieba does with HMM off: its dictionary and its algorithm, compiled.

jieba (and jieba-rs, its twin in Rust) hands over each word as a string, and turning strings into numbers takes
longer than cutting. These cuts are numbers from the start; a test holds them equal to jieba's own.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classifier.compiled import compiled
from classifier.errors import InvalidModelError
from classifier.text.normalise import SEPARATOR
from classifier.text.trie import Bytes, Ints, Ints32, Points, Trie, offsets_of, points_of, step, walk

Floats = NDArray[np.float64]

HMM = False
"""jieba's guess at words that are in no dictionary: off, for it would make up most of its time, and features of chance."""

DICTIONARY = Path(__file__).parent.parent / "resources" / "dictionary.txt"
"""Words of the trade that jieba's dictionary lacks: word, frequency."""

_LETTERS = "abcdefghijklmnopqrstuvwxyz0"
_SEPARATOR = ord(SEPARATOR)


def dictionary_words() -> list[tuple[str, int]]:
    """The domain dictionary's words with their frequencies."""
    lines = DICTIONARY.read_text(encoding="utf-8").splitlines()
    pairs = [line.split() for line in lines if line and not line.startswith("#")]
    return [(word, int(frequency)) for word, frequency in pairs]


@cache
def segmenter_id() -> dict[str, object]:
    """What a model must agree with: the HMM flag and the dictionary's SHA-256."""
    return {"hmm": HMM, "dictionary_sha256": hashlib.sha256(DICTIONARY.read_bytes()).hexdigest()}


@dataclass(frozen=True)
class Cuts:
    """Where the words of some texts stand; joined they give the texts back.

    Attributes
    ----------
    first_word : ndarray of shape (texts + 1,)
        Which is the first word of each text.
    start, length : ndarray of shape (words,)
        In characters of the texts set one after the other.
    """

    first_word: Ints
    start: Ints
    length: Ints


class Segmenter:
    """The cut of prepared text: the likeliest way to make it up of dictionary words, each word independent of the others.

    Building one takes a tenth of a second.

    Attributes
    ----------
    tables : tuple
        What :func:`cut` asks for behind the texts.
    """

    def __init__(self) -> None:
        points = points_of(_jieba_dictionary() + "".join(f"{word} {n}\n" for word, n in dictionary_words()))
        starts, ends, frequencies = _read(points)
        trie = Trie(points, starts, ends)
        total = math.log(frequencies.sum())
        # Of a word that stands twice the last one counts, and both in the sum, as in jieba.
        log_p = np.full(trie.slots, -np.inf)
        log_p[trie.node_of] = _log(frequencies) - total
        keys, log_p = trie.beside(log_p)
        letters = np.zeros(1 << 16, dtype=np.bool_)
        letters[[ord(char) for char in _LETTERS]] = True
        unknown = -total  # a character that is no word counts as one of frequency 1
        self.tables = (trie.first, keys, trie.known, log_p, unknown, letters)

    def cut(self, codes: Ints, offsets: Ints) -> Cuts:
        """Cut prepared texts.

        Parameters
        ----------
        codes : ndarray of int
            The texts set one after the other, as :class:`classifier.text.prepare.Prepared` has them.
        offsets : ndarray of shape (texts + 1,)
        """
        return Cuts(*cut(codes, offsets, *self.tables)[:3])

    def nodes_of(self, words: Sequence[str]) -> Ints:
        """The node of each word, as :func:`cut` gives it; -1 where it is not in the dictionary."""
        first, keys, known, log_p, *_ = self.tables
        return _nodes_of(points_of("".join(words)), offsets_of(words), first, keys, known, log_p)

    def __call__(self, prepared: str) -> list[str]:
        """The words of one prepared text."""
        codes = points_of(prepared).astype(np.int64)
        cuts = self.cut(codes, np.array([0, len(codes)]))
        return [prepared[a : a + n] for a, n in zip(cuts.start.tolist(), cuts.length.tolist(), strict=True)]


@cache
def default_segmenter() -> Segmenter:
    """The process's own segmenter."""
    return Segmenter()


def _jieba_dictionary() -> str:
    """jieba's dictionary, a word, its frequency and its part of speech on each line; jieba itself need not be imported."""
    spec = find_spec("jieba")
    if spec is None or spec.origin is None:
        raise InvalidModelError("没有安装 jieba，缺少分词词典，请运行 make setup 或 pip install -r requirements.txt。")
    return (Path(spec.origin).parent / "dict.txt").read_text(encoding="utf-8")


@compiled
def _read(points: Points) -> tuple[Ints, Ints, Ints]:
    """Where the word of each line of a dictionary stands, and its frequency."""
    lines = 0
    for point in points:
        lines += point == 10
    starts, ends, frequencies = np.empty(lines, np.int64), np.empty(lines, np.int64), np.zeros(lines, np.int64)
    i = 0
    for line in range(lines):
        starts[line] = i
        while points[i] != 32:
            i += 1
        ends[line] = i
        i += 1
        while 48 <= points[i] < 58:
            frequencies[line] = frequencies[line] * 10 + points[i] - 48
            i += 1
        while points[i] != 10:
            i += 1
        i += 1
    return starts, ends, frequencies


@compiled
def _log(frequencies: Ints) -> Floats:
    """Logarithms to the last bit as jieba's, which numpy's may not be."""
    logs = np.empty(len(frequencies))
    for i in range(len(frequencies)):
        logs[i] = math.log(frequencies[i]) if frequencies[i] else -np.inf
    return logs


@compiled
def cut(
    codes: Ints, offsets: Ints, first: Ints32, keys: Ints, known: Bytes,
    log_p: Floats, unknown: float, letters: NDArray[np.bool_],
) -> tuple[Ints, Ints, Ints, Ints32]:  # fmt: skip
    """The parts of :class:`Cuts`, and the dictionary's node of each word, -1 where it has none."""
    first_word = np.zeros(len(offsets), np.int64)
    start, length, words = np.empty(len(codes), np.int64), np.empty(len(codes), np.int64), 0
    node = np.full(len(codes), -1, np.int32)
    best, after, node_at = np.zeros(len(codes) + 1), np.empty(len(codes) + 1, np.int64), np.empty(len(codes), np.int32)
    for text in range(len(offsets) - 1):
        end = offsets[text]
        while end < offsets[text + 1]:
            begin = end
            while end < offsets[text + 1] and codes[end] != _SEPARATOR:
                end += 1
            _route(codes, begin, end, first, keys, known, log_p, unknown, best, after, node_at)
            i = begin
            while i < end:
                start[words] = i
                # Letters that are words of their own run together.
                run = i
                while run < end and after[run] == run + 1 and letters[codes[run]]:
                    run += 1
                if run <= i + 1:
                    node[words] = node_at[i]
                i = run if run > i else after[i]
                length[words] = i - start[words]
                words += 1
            if end < offsets[text + 1]:
                start[words], length[words] = end, 1
                words += 1
                end += 1
        first_word[text + 1] = words
    return first_word, start[:words], length[:words], node[:words]


@compiled
def _route(
    codes: Ints, begin: int, end: int, first: Ints32, keys: Ints, known: Bytes,
    log_p: Floats, unknown: float, best: Floats, after: Ints, node_at: Ints32,
) -> None:  # fmt: skip
    """jieba's dynamic program: from the end, the log probability of the best cut from each place on, where its word ends, and its node."""
    best[end] = 0.0
    for i in range(end - 1, begin - 1, -1):
        best[i], after[i], node_at[i] = -np.inf, i + 1, -1
        node, stop = int(first[codes[i]]), i + 1
        while node >= 0:
            # Of equal ways jieba takes the longest first word.
            if log_p[node] > -np.inf and log_p[node] + best[stop] >= best[i]:
                best[i], after[i], node_at[i] = log_p[node] + best[stop], stop, node
            node = step(node, codes[stop], keys, known) if stop < end else -1
            stop += 1
        if best[i] == -np.inf:
            best[i] = unknown + best[i + 1]


@compiled
def _nodes_of(points: Points, offsets: Ints, first: Ints32, keys: Ints, known: Bytes, log_p: Floats) -> Ints:
    nodes = np.empty(len(offsets) - 1, np.int64)
    for word in range(len(nodes)):
        node = walk(points, offsets[word], offsets[word + 1], first, keys, known)
        nodes[word] = node if node >= 0 and log_p[node] > -np.inf else -1
    return nodes
