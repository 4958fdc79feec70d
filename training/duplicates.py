"""Finds near-duplicates, so that none is written twice and none crosses a split."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

_GRAM = 5
_MOST_HOLDERS = 200
JACCARD = 0.5
"""Texts that share more than this part of their character 5-grams are near-duplicates."""


def _grams(text: str) -> frozenset[str]:
    return frozenset(text[i : i + _GRAM] for i in range(max(len(text) - _GRAM + 1, 1)))


def near_duplicates(prepared: Sequence[str]) -> Iterator[tuple[int, int, float]]:
    """Yield (i, j, Jaccard index), i < j, for each pair of prepared texts that is too much alike.

    Grams in more than 200 texts (greetings, phrases of officialdom) propose no pair, so
    the cost stays linear in the number of texts.
    """
    grams = [_grams(text) for text in prepared]
    holders: dict[str, list[int]] = defaultdict(list)
    for index, own in enumerate(grams):
        for gram in own:
            holders[gram].append(index)
    shared: dict[int, Counter[int]] = defaultdict(Counter)
    for indices in holders.values():
        if 1 < len(indices) <= _MOST_HOLDERS:
            for position, j in enumerate(indices):
                shared[j].update(indices[:position])
    for j in sorted(shared):
        for i, _ in sorted(shared[j].items()):
            common = len(grams[i] & grams[j])
            jaccard = common / (len(grams[i]) + len(grams[j]) - common)
            if jaccard > JACCARD:
                yield i, j, jaccard


def groups(prepared: Sequence[str]) -> NDArray[np.int32]:
    """Group number of each text; near-duplicates, also through others, share one."""
    pairs = [(i, j) for i, j, _ in near_duplicates(prepared)]
    rows, columns = zip(*pairs, strict=True) if pairs else ((), ())
    n = len(prepared)
    graph = coo_matrix((np.ones(len(pairs)), (rows, columns)), shape=(n, n))
    labels: NDArray[np.int32] = connected_components(graph, directed=False)[1]
    return labels
