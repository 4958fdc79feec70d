"""How prepared text becomes countable features: jieba words and character n-grams.

Both are analyzers for scikit-learn's ``TfidfVectorizer(analyzer=…)``: they live here, and not
in a training script, so that a pickled pipeline loads anywhere.
"""

from __future__ import annotations

import itertools

from classifier.text.normalise import SEPARATOR
from classifier.text.segment import default_segmenter


class WordAnalyzer:
    """Prepared text -> its jieba words."""

    def __call__(self, prepared: str) -> list[str]:
        return [word for word in default_segmenter()(prepared) if word != SEPARATOR]


class CharacterAnalyzer:
    """Prepared text -> its single characters and pairs of neighbours, never across the separator."""

    def __call__(self, prepared: str) -> list[str]:
        grams = [*prepared, *map("".join, itertools.pairwise(prepared))]
        return [gram for gram in grams if SEPARATOR not in gram]


class TitleAnalyzer:
    """Prepared text -> the single characters and pairs of its title alone."""

    def __call__(self, prepared: str) -> list[str]:
        return CharacterAnalyzer()(prepared.partition(SEPARATOR)[0])
