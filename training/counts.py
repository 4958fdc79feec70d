"""Counts the terms of all texts once; every fold then chooses and weighs among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import scipy.sparse as sp
from sklearn.feature_extraction.text import TfidfTransformer

from classifier.features.ngrams import WordAnalyzer
from classifier.model.found import Floats
from classifier.model.weights import Block
from classifier.text.normalise import SEPARATOR


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
    """Count the terms of prepared texts that stand in at least ``min_df``, in the blocks that ``weights`` names.

    The counts of scikit-learn's CountVectorizer with the analyzers of ``ngrams.py``, equal by
    test; characters are counted by arrays, in a tenth of its time.
    """
    terms, by_block = {}, {}
    for name in weights:
        found, counts = _count_words(prepared) if name == "words" else _count_grams(_parts(prepared, name))
        kept = np.flatnonzero(np.bincount(counts.indices, minlength=counts.shape[1]) >= min_df)
        terms[name], by_block[name] = found[kept], counts[:, kept]
    return Counts(terms, by_block, min_df, dict(weights))


def _parts(prepared: Sequence[str], block: str) -> Sequence[str]:
    return [text.partition(SEPARATOR)[0] for text in prepared] if block == "titles" else prepared


def _count_words(prepared: Sequence[str]) -> tuple[np.ndarray, sp.csr_matrix]:
    analyzer, columns, found = WordAnalyzer(), dict[str, int](), []
    for text in prepared:
        found.append([columns.setdefault(word, len(columns)) for word in analyzer(text)])
    documents = np.repeat(np.arange(len(found)), [len(one) for one in found])
    column = np.fromiter(chain.from_iterable(found), np.int64, len(documents))
    terms = np.array(list(columns), dtype=str)
    order = np.argsort(terms)
    return terms[order], _matrix(len(found), documents, np.argsort(order)[column], len(terms))


def _count_grams(texts: Sequence[str]) -> tuple[np.ndarray, sp.csr_matrix]:
    """Single characters and pairs of neighbours, none of them or across SEPARATOR or from text to text."""
    documents = np.repeat(np.arange(len(texts)), [len(text) + 1 for text in texts])
    codes = np.frombuffer(SEPARATOR.join([*texts, ""]).encode("utf-16-le"), "<u2")
    alphabet = np.flatnonzero(np.bincount(codes))
    letters = _ranks(alphabet)[codes]
    inside = codes != ord(SEPARATOR)
    pairs = np.flatnonzero(inside[:-1] & inside[1:])
    # A single character sorts before the pairs that begin with it, as strings do.
    width = len(alphabet) + 1
    keys = np.concatenate([letters[inside] * width, letters[pairs] * width + letters[pairs + 1] + 1])
    present = np.flatnonzero(np.bincount(keys))
    first, second = np.divmod(present, width)
    symbols = np.array([*map(chr, alphabet), ""])
    terms = np.char.add(symbols[first], symbols[second - 1])
    documents = np.concatenate([documents[inside], documents[pairs]])
    return terms, _matrix(len(texts), documents, _ranks(present)[keys], len(present))


def _ranks(values: np.ndarray) -> np.ndarray:
    """A table that gives for each of ``values``, ascending integers, how many are smaller."""
    table = np.zeros(values.max(initial=-1) + 1, dtype=np.int64)
    table[values] = np.arange(len(values))
    return table


def _matrix(n: int, documents: np.ndarray, columns: np.ndarray, width: int) -> sp.csr_matrix:
    """How often each column occurs in each document."""
    return sp.coo_matrix((np.ones(len(columns)), (documents, columns)), (n, width)).tocsr()
