"""Which features help: each candidate added to the model's own, cross-validated on two sets of labels.

Run with ``python -m benchmarks.features``; prints the table that docs/model-card.md shows.
"""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from joblib import Parallel, delayed
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.model_selection import StratifiedGroupKFold

from benchmarks.run import DATA
from classifier.features.ngrams import CharacterAnalyzer, TitleAnalyzer, WordAnalyzer
from classifier.model.pipeline import FEATURE_WEIGHTS, BlendedClassifier, build_classifier
from classifier.taxonomy import Taxonomy
from classifier.text.normalise import SEPARATOR
from classifier.text.prepare import Prepared
from training.corpus import corpus_files
from training.duplicates import groups
from training.fit import FOLDS, SEED
from training.labelled import AUTO, Example, read_labelled
from training.metrics import bootstrap_intervals, macro_f1, quadratic_kappa

Analyzer = Callable[[str], list[str]]
_CUES = tomllib.loads((Path(__file__).parent / "cues.toml").read_text(encoding="utf-8"))
_REQUEST = re.compile(r"(?:请求|恳请|请|望|希望|要求|能否|是否可以|建议)[^请望]{4,60}$")
_PEOPLE = re.compile(r"(?:0|[一二两三四五六七八九十百千几数]+)(?:多|余)?(?:户|人|家|口人|名|村民|业主|孩子|学生|个班)")


def _words(prepared: str) -> list[str]:
    return WordAnalyzer()(prepared)


def _pairs_of_words(prepared: str) -> list[str]:
    words = _words(prepared)
    return [f"{a} {b}" for a, b in itertools.pairwise(words)]


def _triples_of_characters(prepared: str) -> list[str]:
    return [part[i : i + 3] for part in prepared.split(SEPARATOR) for i in range(len(part) - 2)]


def _title_words(prepared: str) -> list[str]:
    return _words(prepared.partition(SEPARATOR)[0])


def _request(prepared: str) -> list[str]:
    """Words of the request at the end of the text."""
    found = _REQUEST.search(prepared.partition(SEPARATOR)[2][-80:])
    return _words(found[0]) if found else []


def _cues(*kinds: str) -> Analyzer:
    terms = {kind: _CUES[kind]["terms"] for kind in kinds}
    return lambda prepared: [kind for kind in kinds for term in terms[kind] if term in prepared]


def _people(prepared: str) -> list[str]:
    return ["people"] * len(_PEOPLE.findall(prepared))


_OWN: dict[str, tuple[Analyzer, float]] = {
    "words": (WordAnalyzer(), FEATURE_WEIGHTS["words"]),
    "characters": (CharacterAnalyzer(), FEATURE_WEIGHTS["characters"]),
    "titles": (TitleAnalyzer(), FEATURE_WEIGHTS["titles"]),
}
_CANDIDATES: dict[str, dict[str, tuple[Analyzer, float]]] = {
    "words, characters 1–2, title characters (the model)": _OWN,
    "words alone": {"words": _OWN["words"]},
    "characters alone": {"characters": _OWN["characters"]},
    "without the title apart": {name: block for name, block in _OWN.items() if name != "titles"},
    "+ title words": {**_OWN, "x": (_title_words, 0.5)},
    "+ pairs of words": {**_OWN, "x": (_pairs_of_words, 0.5)},
    "+ characters 3": {**_OWN, "x": (_triples_of_characters, 0.5)},
    "+ request sentence": {**_OWN, "x": (_request, 0.5)},
    "+ cue lists of the departments": {**_OWN, "x": (_cues("environment", "land", "education", "disability"), 0.5)},
    "+ time words": {**_OWN, "x": (_cues("time"), 0.3)},
    "+ numbers of people": {**_OWN, "x": (_people, 0.3)},
}


def main() -> None:
    """Print the table."""
    corpus, _ = read_labelled(corpus_files(), Taxonomy.read())
    topics, _ = read_labelled([DATA / "seven-topics.csv"], AUTO)
    print(
        "| features | corpus, department macro-F1 | corpus, urgency κ | seven-topics macro-F1 |\n| --- | --- | --- | --- |"
    )
    for name, blocks in _CANDIDATES.items():
        cells = [_department(corpus, blocks), _urgency(corpus, blocks), _department(topics, blocks)]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def _department(examples: list[Example], blocks: dict[str, tuple[Analyzer, float]]) -> str:
    true = np.array([one.department for one in examples])
    predicted = _cross_validated(examples, true, blocks, BlendedClassifier)
    low, high = bootstrap_intervals(true, predicted)["macro_f1"]
    return f"{macro_f1(true, predicted):.3f} ({low:.3f}–{high:.3f})"


def _urgency(examples: list[Example], blocks: dict[str, tuple[Analyzer, float]]) -> str:
    order = [level.id for level in Taxonomy.read().urgencies]
    true = np.array([one.urgency for one in examples])
    predicted = _cross_validated(examples, true, blocks, build_classifier)
    return f"{quadratic_kappa(true, predicted, order):.3f}"


def _cross_validated(
    examples: list[Example],
    true: np.ndarray,
    blocks: dict[str, tuple[Analyzer, float]],
    build: Callable[[], BlendedClassifier],
) -> np.ndarray:
    prepared = Prepared([one.complaint for one in examples]).texts
    counts = [(CountVectorizer(analyzer=a, dtype=np.float64).fit_transform(prepared), w) for a, w in blocks.values()]
    splitter = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=SEED)
    folds = list(splitter.split(prepared, true, groups(prepared)))
    parts = Parallel(n_jobs=-1)(delayed(_fold)(counts, true, train, test, build) for train, test in folds)
    predicted = np.empty_like(true)
    for (_, test), part in zip(folds, parts, strict=True):
        predicted[test] = part
    return predicted


def _fold(
    counts: list[tuple[sp.csr_matrix, float]],
    true: np.ndarray,
    train: np.ndarray,
    test: np.ndarray,
    build: Callable[[], BlendedClassifier],
) -> np.ndarray:
    parts = []
    for matrix, weight in counts:
        few = matrix.shape[1] < 10
        kept = np.flatnonzero(np.bincount(matrix[train].indices, minlength=matrix.shape[1]) >= (1 if few else 3))
        tfidf = TfidfTransformer(sublinear_tf=True).fit(matrix[train][:, kept])
        parts.append(weight * tfidf.transform(matrix[:, kept]))
    features = sp.hstack(parts, format="csr")
    return build().fit(features[train], true[train]).predict(features[test])


if __name__ == "__main__":
    main()
