"""jieba itself, cutting as Fenban's segmenter must."""

from __future__ import annotations

from functools import cache

import jieba

from classifier.text.segment import HMM, dictionary_words


@cache
def _tokenizer() -> jieba.Tokenizer:
    tokenizer = jieba.Tokenizer()
    # Tokenizer.initialize() would read and write a marshal file in /tmp that anyone may replace.
    tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
    tokenizer.initialized = True
    for word, frequency in dictionary_words():
        tokenizer.add_word(word, frequency)
    return tokenizer


def jieba_cut(prepared: str) -> list[str]:
    """The words of a prepared text."""
    return list(_tokenizer().cut(prepared, HMM=HMM))
