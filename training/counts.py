"""Counts the terms of all texts once; every fold then chooses and weighs among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

from classifier.model.pipeline import build_features
from classifier.model.weights import Block, Floats


@dataclass(frozen=True)
class Weighed:
    """Some of the texts as a fitted ``FeatureUnion`` of TF-IDF blocks would give them.

    Attributes
    ----------
    columns, idf : dict of block name to ndarray
        The terms kept, as columns of the counts, and their IDF.
    train, test : csr_matrix
        TF-IDF values, the blocks side by side.
    known_share : ndarray of shape (test texts,)
        The part of each text, by characters, in words that were kept.
    """

    columns: dict[str, np.ndarray]
    idf: dict[str, Floats]
    train: sp.csr_matrix
    test: sp.csr_matrix
    known_share: Floats


@dataclass(frozen=True)
class Counts:
    """How often each term stands in each text, by block.

    Attributes
    ----------
    terms : dict of block name to ndarray of str
        In column order.
    by_block : dict of block name to csr_matrix of shape (texts, terms of the block)
    min_df : int
        Number of training texts a term must stand in to count.
    weights : mapping of block name to float
    """

    terms: dict[str, np.ndarray]
    by_block: dict[str, sp.csr_matrix]
    min_df: int
    weights: Mapping[str, float]

    def weigh(self, train: np.ndarray, test: np.ndarray) -> Weighed:
        """Choose terms and their IDF by the rows ``train``; weigh the rows ``train`` and ``test``."""
        columns, idf, parts = {}, {}, []
        for name, counts in self.by_block.items():
            seen = counts[train]
            columns[name] = np.flatnonzero(np.bincount(seen.indices, minlength=counts.shape[1]) >= self.min_df)
            tfidf = TfidfTransformer(sublinear_tf=True).fit(seen[:, columns[name]])
            idf[name] = tfidf.idf_
            both = counts[np.concatenate([train, test])][:, columns[name]]
            parts.append(self.weights[name] * tfidf.transform(both))
        matrix = sp.hstack(parts, format="csr")
        lengths = np.array([len(word) for word in self.terms["words"]])
        words = self.by_block["words"][test]
        known = words[:, columns["words"]] @ lengths[columns["words"]] / np.maximum(words @ lengths, 1)
        return Weighed(columns, idf, matrix[: len(train)], matrix[len(train) :], known)

    def blocks(self, weighed: Weighed) -> dict[str, Block]:
        """The terms that ``weighed`` kept, for release."""
        return {
            name: Block(tuple(map(str, self.terms[name][columns])), weighed.idf[name], self.weights[name])
            for name, columns in weighed.columns.items()
        }


def count(prepared: Sequence[str], min_df: int, weights: Mapping[str, float]) -> Counts:
    """Count all terms of prepared texts, in the blocks that ``weights`` names."""
    terms, by_block = {}, {}
    for name, vectorizer in build_features(weights=weights).transformer_list:
        counter = CountVectorizer(analyzer=vectorizer.analyzer, dtype=np.float64)
        by_block[name] = counter.fit_transform(prepared)
        terms[name] = counter.get_feature_names_out()
    return Counts(terms, by_block, min_df, dict(weights))
