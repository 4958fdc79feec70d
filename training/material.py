"""Sorts corpus, handled cases and test set into what a challenger learns and what it is judged on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from classifier.text.prepare import Prepared
from training.duplicates import groups
from training.labelled import Example

MOST_HANDLED = 10_000
"""Distinct handled cases that train at most: the newest of each department and level."""
RECENT_SHARE, MOST_RECENT = 5, 2000
"""The newest fifth of the handled cases, and at most so many, judge and do not train."""


@dataclass(frozen=True)
class Material:
    """Rows to learn from, corpus first, and rows to judge by.

    Attributes
    ----------
    train : list of Example
        Handled cases that say the same with the same labels are one, their weights added.
    sources : list of tuple of int
        For each of ``train``, the handled cases it stands for; none for a text of the corpus.
    prepared : list of str
    group : ndarray of int
        Of each of ``train``; near-duplicates share one.
    recent, test : list of Example
        Nothing like them is in ``train``.
    """

    train: list[Example]
    sources: list[tuple[int, ...]]
    prepared: list[str]
    group: np.ndarray
    recent: list[Example]
    test: list[Example]

    @property
    def n_corpus(self) -> int:
        """How many of ``train`` are texts of the corpus."""
        return sum(not one for one in self.sources)


def select(corpus: Sequence[Example], handled: Sequence[Example], test_set: Sequence[Example]) -> Material:
    """Choose rows; where a text is in two sets, the test set has it before training, training before the recent.

    Parameters
    ----------
    handled : sequence of Example
        The oldest first.
    """
    n_recent = min(-(-len(handled) // RECENT_SHARE), MOST_RECENT)
    older, recent = handled[: len(handled) - n_recent], handled[len(handled) - n_recent :]
    merged, sources = _newest(*_merge(older))
    everything = [*corpus, *merged, *recent, *test_set]
    prepared = Prepared([one.complaint for one in everything]).texts
    group = groups(prepared)
    n_train = len(corpus) + len(merged)
    train = np.flatnonzero(~np.isin(group[:n_train], group[n_train + n_recent :]))
    unseen = ~np.isin(group[n_train : n_train + n_recent], group[train])
    all_sources = [*[()] * len(corpus), *sources]
    return Material(
        [everything[i] for i in train],
        [all_sources[i] for i in train],
        [prepared[i] for i in train],
        group[train],
        [one for one, new in zip(recent, unseen, strict=True) if new],
        list(test_set),
    )


def _merge(handled: Sequence[Example]) -> tuple[list[Example], list[tuple[int, ...]]]:
    """Equal cases as one; to a weighted fit that is the same, to its time it is not."""
    places: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for i, one in enumerate(handled):
        places[one.complaint.title, one.complaint.text, one.department, one.assist, one.urgency].append(i)
    sources = sorted(map(tuple, places.values()), key=lambda own: own[-1])
    merged = [replace(handled[own[-1]], weight=sum(handled[i].weight for i in own)) for own in sources]
    return merged, sources


def _newest(merged: list[Example], sources: list[tuple[int, ...]]) -> tuple[list[Example], list[tuple[int, ...]]]:
    """At most MOST_HANDLED, one of each department and level in turn from the newest on, oldest first again."""
    rank: dict[tuple[str, str], int] = defaultdict(int)
    turns = []
    for i in reversed(range(len(merged))):
        kind = merged[i].department, merged[i].urgency
        turns.append((rank[kind], -i))
        rank[kind] += 1
    kept = sorted(-minus for _, minus in sorted(turns)[:MOST_HANDLED])
    return [merged[i] for i in kept], [sources[i] for i in kept]
