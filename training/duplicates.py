"""Finds near-duplicates, so that none is written twice and none crosses a split."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

_GRAM = 5
_MOST_HOLDERS = 200
_BASE = np.uint64(0x9E3779B97F4A7C15)
_CHUNK = 4096
JACCARD = 0.5
"""Texts that share more than this part of their character 5-grams are near-duplicates."""


def near_duplicates(prepared: Sequence[str]) -> Iterator[tuple[int, int, float]]:
    """Yield (i, j, Jaccard index), i < j, for each pair of prepared texts that is too much alike.

    Grams in more than 200 texts (greetings, phrases of officialdom) propose no pair, so
    the cost stays linear in the number of texts.
    """
    grams = _gram_matrix(prepared)
    sizes = np.diff(grams.indptr)
    rare = _rarest(grams)
    for start in range(0, len(prepared), _CHUNK):
        proposed = sp.tril((rare[start : start + _CHUNK] @ rare.T).tocoo(), k=start - 1)
        later, earlier = proposed.row + start, proposed.col
        for part in np.array_split(np.arange(len(later)), len(later) // _CHUNK + 1):
            i, j = earlier[part], later[part]
            common = np.asarray(grams[i].multiply(grams[j]).sum(axis=1)).ravel()
            jaccard = common / (sizes[i] + sizes[j] - common)
            for k in np.flatnonzero(jaccard > JACCARD):
                yield int(i[k]), int(j[k]), float(jaccard[k])


def groups(prepared: Sequence[str]) -> NDArray[np.int32]:
    """Group number of each text; near-duplicates, also through others, share one."""
    pairs = [(i, j) for i, j, _ in near_duplicates(prepared)]
    rows, columns = zip(*pairs, strict=True) if pairs else ((), ())
    n = len(prepared)
    graph = sp.coo_matrix((np.ones(len(pairs)), (rows, columns)), shape=(n, n))
    labels: NDArray[np.int32] = connected_components(graph, directed=False)[1]
    return labels


def _gram_matrix(prepared: Sequence[str]) -> sp.csr_matrix:
    """Which text holds which gram, shape (texts, grams), the rarest grams first."""
    lengths = np.fromiter(map(len, prepared), np.int64, len(prepared))
    padded = ("\0" * _GRAM).join([*prepared, ""])
    codes = np.frombuffer(padded.encode("utf-32-le"), np.uint32).astype(np.uint64)
    hashed = np.zeros(len(codes) - _GRAM + 1, dtype=np.uint64)
    for offset in range(_GRAM):
        hashed = hashed * _BASE + codes[offset : offset + len(hashed)]
    counts = np.maximum(lengths - _GRAM + 1, 1)
    starts = np.cumsum(lengths + _GRAM) - (lengths + _GRAM)
    firsts = np.cumsum(counts) - counts
    at = np.repeat(starts - firsts, counts) + np.arange(counts.sum())
    known, column = np.unique(hashed[at], return_inverse=True)
    indptr = np.append(firsts, counts.sum())
    grams = sp.csr_matrix((np.ones(len(column), dtype=np.int32), column, indptr), (len(prepared), len(known)))
    grams.sum_duplicates()
    grams.data[:] = 1
    place = np.empty(len(known), dtype=grams.indices.dtype)
    place[np.argsort(np.bincount(grams.indices, minlength=len(known)), kind="stable")] = np.arange(len(known))
    grams.indices = place[grams.indices]
    grams.has_sorted_indices = False
    grams.sort_indices()
    return grams


def _rarest(grams: sp.csr_matrix) -> sp.csr_matrix:
    """The grams that propose pairs: of each text the rarest, as many as it cannot share all without being alike.

    Prefix filtering (Bayardo, Ma and Srikant 2007, "Scaling Up All Pairs Similarity Search"):
    two texts whose index exceeds JACCARD share the rarest gram they have in common, and it is
    among the first n - ceil(JACCARD * n) + 1 of both.
    """
    sizes = np.diff(grams.indptr)
    rank = np.arange(grams.nnz) - np.repeat(grams.indptr[:-1], sizes)
    longest = sizes - np.ceil(JACCARD * sizes) + 1
    holders = np.bincount(grams.indices, minlength=grams.shape[1])[grams.indices]
    kept = (rank < np.repeat(longest, sizes)) & (holders > 1) & (holders <= _MOST_HOLDERS)
    indptr = np.append(0, np.cumsum(kept))[grams.indptr]
    return sp.csr_matrix((grams.data[kept], grams.indices[kept], indptr), grams.shape)
