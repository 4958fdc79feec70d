"""Cuts prepared text into words with jieba, or with rjieba where it is installed: equal cuts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

Cut = Callable[[str, bool], list[str]]

HMM = False
"""With HMM off both engines cut alike; with it on only nine documents in ten are equal."""

DICTIONARY = Path(__file__).parent.parent / "resources" / "dictionary.txt"
"""Words of the trade that jieba's dictionary lacks: word, frequency. Explicit frequencies keep
the engines equal."""


def dictionary_words() -> list[tuple[str, int]]:
    """The domain dictionary's words with their frequencies."""
    lines = DICTIONARY.read_text(encoding="utf-8").splitlines()
    pairs = [line.split() for line in lines if line and not line.startswith("#")]
    return [(word, int(frequency)) for word, frequency in pairs]


@cache
def segmenter_id() -> dict[str, object]:
    """What a model must agree with: the HMM flag and the dictionary's SHA-256."""
    return {"hmm": HMM, "dictionary_sha256": hashlib.sha256(DICTIONARY.read_bytes()).hexdigest()}


class Segmenter:
    """jieba's cut of prepared text, by whichever engine is installed.

    Parameters
    ----------
    engine : {"auto", "rjieba", "jieba"}
        "auto" takes rjieba (the same algorithm in Rust, about 17 times as fast) if it is
        installed. Neither jieba's global tokenizer nor its cache file in the shared temporary
        folder is touched.
    """

    def __init__(self, engine: str = "auto") -> None:
        if engine == "auto":
            try:
                self._cut = _rjieba_cut()
            except ImportError:
                self._cut = _jieba_cut()
        else:
            self._cut = {"rjieba": _rjieba_cut, "jieba": _jieba_cut}[engine]()

    def __call__(self, prepared: str) -> list[str]:
        """Cut ``prepared``; the words joined give it back."""
        return self._cut(prepared, HMM)


@cache
def default_segmenter() -> Segmenter:
    """The process's own segmenter: building one takes a second with jieba, a tenth with rjieba."""
    return Segmenter()


def _rjieba_cut() -> Cut:
    import rjieba

    jieba = rjieba.Jieba()
    for word, frequency in dictionary_words():
        jieba.add_word(word, frequency, "nz")
    cut: Cut = jieba.cut
    return cut


def _jieba_cut() -> Cut:
    import jieba

    tokenizer = jieba.Tokenizer()
    # Tokenizer.initialize() would read and write a marshal file in /tmp that anyone may replace.
    tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
    tokenizer.initialized = True
    for word, frequency in dictionary_words():
        tokenizer.add_word(word, frequency)
    return lambda text, hmm: list(tokenizer.cut(text, HMM=hmm))
