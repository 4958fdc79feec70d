"""The scikit-learn side of a model: what training fits and what analysts get exported."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import ComplementNB
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import LabelBinarizer

from classifier.features.ngrams import CharacterAnalyzer, TitleAnalyzer, WordAnalyzer
from classifier.model.found import Floats
from classifier.model.weights import BLOCKS, Head, Weights
from classifier.records import Complaint
from classifier.text.prepare import Prepared

REGULARISATION = 5.0
"""Inverse strength of the L2 penalty, scikit-learn's C."""

TOLERANCE = 3e-4
"""Where the solver stops. Three times as much moves the urgency of real letters by 0.05 in kappa, a third changes nothing."""

SMOOTHING = 0.3
"""Complement naive Bayes' alpha: TF-IDF values are small counts, so less than the usual 1."""

FEATURE_WEIGHTS = {"words": 1.0, "characters": 1.0, "titles": 1.0}


class ComplaintPreparer(TransformerMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """Complaints, or plain texts without a title -> prepared text."""

    def fit(self, X: object, y: object = None) -> ComplaintPreparer:
        """Learn nothing."""
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def transform(self, X: Iterable[Complaint | str]) -> list[str]:
        """Prepare each of ``X``."""
        return Prepared([Complaint("", x) if isinstance(x, str) else x for x in X]).texts


_ANALYZERS = {"words": WordAnalyzer(), "characters": CharacterAnalyzer(), "titles": TitleAnalyzer()}


def build_features(min_df: int = 3, weights: Mapping[str, float] = FEATURE_WEIGHTS) -> FeatureUnion:
    """TF-IDF blocks over prepared text, each of unit length in each text, then weighted.

    Parameters
    ----------
    min_df : int
        Number of texts a term must stand in to count.
    weights : mapping
        The blocks wanted, some or all of BLOCKS, with their weights.
    """
    return FeatureUnion(
        [
            (name, TfidfVectorizer(analyzer=_ANALYZERS[name], min_df=min_df, sublinear_tf=True))
            for name in BLOCKS
            if name in weights
        ],
        transformer_weights=dict(weights),
    )


def build_classifier() -> LogisticRegression:
    """A linear classifier that treats rare labels like frequent ones."""
    return LogisticRegression(C=REGULARISATION, class_weight="balanced", tol=TOLERANCE, max_iter=1000)


def a_row_for_each_class(coef: Floats, intercept: Floats) -> tuple[Floats, Floats]:
    """Weights with a row for each class, also where scikit-learn keeps one row for two classes."""
    if len(coef) > 1:
        return coef, intercept
    return np.vstack([-coef, coef]) / 2, np.concatenate([-intercept, intercept]) / 2


class BlendedClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """Logistic regression and complement naive Bayes, their scores added into one linear score.

    The first weighs terms against each other, the second each by itself; where training texts
    and real ones are worded differently, the two err differently (Ng and Jordan 2002, "On
    Discriminative vs. Generative Classifiers"; Rennie et al. 2003 for complement naive Bayes).

    Parameters
    ----------
    alpha : float
        Count added to each term of each class in naive Bayes.

    Attributes
    ----------
    classes_ : ndarray of shape (k,)
    coef_ : ndarray of shape (k, columns)
    intercept_ : ndarray of shape (k,)
    """

    def __init__(self, alpha: float = SMOOTHING) -> None:
        self.alpha = alpha

    def fit(self, X: sp.csr_matrix, y: NDArray[Any], sample_weight: Floats | None = None) -> BlendedClassifier:
        """Fit both on the same rows."""
        logistic = build_classifier().fit(X, y, sample_weight)
        bayes = ComplementNB(alpha=self.alpha).fit(X, y, sample_weight)
        coef, intercept = a_row_for_each_class(logistic.coef_, logistic.intercept_)
        self.classes_, self.coef_, self.intercept_ = logistic.classes_, coef + bayes.feature_log_prob_, intercept
        return self

    def predict_proba(self, X: sp.csr_matrix) -> Floats:
        """Softmax of the added scores; not calibrated."""
        probabilities: Floats = softmax(X @ self.coef_.T + self.intercept_, axis=1)
        return probabilities

    def predict(self, X: sp.csr_matrix) -> NDArray[Any]:
        """The class of the highest score."""
        labels: NDArray[Any] = self.classes_[(X @ self.coef_.T + self.intercept_).argmax(axis=1)]
        return labels


def rebuild_pipelines(weights: Weights) -> dict[str, Pipeline]:
    """Fitted scikit-learn pipelines from released numbers, one for each head, sharing features.

    Each takes complaints or plain texts; its ``predict_proba`` equals the service's.
    """
    features = build_features(weights={name: block.weight for name, block in weights.blocks.items()})
    for name, vectorizer in features.transformer_list:
        block = weights.blocks[name]
        vectorizer.set_params(vocabulary={term: i for i, term in enumerate(block.terms)})
        vectorizer.idf_ = block.idf
    return {
        name: Pipeline([("prepare", ComplaintPreparer()), ("features", features), ("classify", _rebuild(head))])
        for name, head in weights.heads.items()
    }


def _rebuild(head: Head) -> LogisticRegression | OneVsRestClassifier:
    if head.exclusive:
        return _linear(head.classes, head.coef, head.intercept)
    classifier = OneVsRestClassifier(build_classifier())
    classifier.label_binarizer_ = LabelBinarizer().fit(np.eye(len(head.classes), dtype=int))
    classifier.estimators_ = [
        _linear((0, 1), row[None], intercept[None]) for row, intercept in zip(head.coef, head.intercept, strict=True)
    ]
    return classifier


def _linear(classes: tuple[object, ...], coef: Floats, intercept: Floats) -> LogisticRegression:
    classifier = build_classifier()
    classifier.classes_, classifier.coef_, classifier.intercept_ = np.array(classes), coef, intercept
    return classifier
