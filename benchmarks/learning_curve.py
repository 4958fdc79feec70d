"""`make bench-learning`: how much an office gains from its first labelled cases, and how much each should weigh.

Measures from `../shared/data` and writes `benchmarks/learning-curve.md`. Half of the real rows
teach, the other half measure, five seeds; near-duplicates stay on one side.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from sklearn.model_selection import GroupShuffleSplit

from benchmarks.run import DATA
from classifier.model.pipeline import BlendedClassifier
from classifier.taxonomy import Taxonomy
from classifier.text.prepare import Prepared
from training.corpus import corpus_files
from training.counts import count
from training.duplicates import groups
from training.fit import feature_settings
from training.labelled import AUTO, Example, read_labelled
from training.metrics import macro_f1
from training.retrain import HANDLED_WEIGHT

RESULTS = Path(__file__).parent / "learning-curve.md"
SEEDS = 5
_WEIGHTS = (1.0, 2.0, 4.0)
_SIZES = (50, 100, 200, 400)


class _Curve:
    """Department macro-F1 on one half of some labelled rows by what is learned besides from the other."""

    def __init__(self, corpus: Sequence[Example], real: Sequence[Example]) -> None:
        examples = [*corpus, *real]
        self._corpus, self._real = np.arange(len(corpus)), np.arange(len(corpus), len(examples))
        self._labels = np.array([one.department for one in examples])
        prepared = Prepared([one.complaint for one in examples]).texts
        self._counts = count(prepared, **feature_settings(examples))
        self._group = groups(prepared[len(corpus) :])

    def halves(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Rows that teach, in random order, and rows that measure; once for each seed."""
        splitter = GroupShuffleSplit(SEEDS, test_size=0.5, random_state=0)
        for teach, measure in splitter.split(self._real, groups=self._group):
            yield np.random.default_rng(0).permutation(self._real[teach]), self._real[measure]

    def at(self, size: int, weight: float) -> list[float]:
        """Macro-F1 of each seed after so many labelled cases of so much weight each."""
        return list(
            Parallel(n_jobs=-1, prefer="threads")(
                delayed(self._one)(np.concatenate([self._corpus, teach[:size]]), measure, weight)
                for teach, measure in self.halves()
            )
        )

    def sizes(self) -> list[int]:
        """How many cases to learn from, up to all of the smallest half."""
        most = min(len(teach) for teach, _ in self.halves())
        return [*(size for size in _SIZES if size < most), most]

    def _one(self, train: np.ndarray, test: np.ndarray, weight: float) -> float:
        weighed = self._counts.weigh(train, test)
        weights = np.where(train < len(self._corpus), 1.0, weight)
        model = BlendedClassifier().fit(weighed.train, self._labels[train], weights)
        return macro_f1(self._labels[test], model.predict(weighed.test))


def main() -> None:
    """Measure both curves and write them."""
    if not DATA.exists():
        sys.exit(f"{DATA} is not here: the benchmarks need the measured complaints.")
    corpus, taxonomy = read_labelled(corpus_files(), Taxonomy.read())
    ours = _Curve(corpus, read_labelled([DATA / "labelled-dev.csv"], taxonomy)[0])
    alone = ours.at(0, 1.0)
    rows = [f"| 0 | {' | '.join([_cell(alone, alone)] * len(_WEIGHTS))} |"]
    for size in ours.sizes():
        rows.append(f"| {size} | {' | '.join(_cell(ours.at(size, weight), alone) for weight in _WEIGHTS)} |")
    seven = _Curve((), read_labelled([DATA / "seven-topics.csv"], AUTO)[0])
    curve = [(size, seven.at(size, 1.0)) for size in seven.sizes()]
    text = f"""# What labelled cases are worth

`make bench-learning`, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC. Department macro-F1 on the half that measures, mean ±
standard deviation over {SEEDS} seeds; in brackets the mean gain over the corpus alone on the same rows, with how many seeds gained.

## Corpus ({len(corpus):,} texts) and cases of labelled-dev.csv, by the weight of a case against a text

| cases | {" | ".join(f"weight {weight:g}" for weight in _WEIGHTS)} |
| --- |{" --- |" * len(_WEIGHTS)}
{chr(10).join(rows)}

Chosen: `HANDLED_WEIGHT = {HANDLED_WEIGHT:g}`.

## seven-topics.csv: another office's labels, no corpus

| cases | macro-F1 |
| --- | --- |
{chr(10).join(f"| {size} | {np.mean(scores):.3f} ± {np.std(scores):.3f} |" for size, scores in curve)}
"""
    RESULTS.write_text(text, encoding="utf-8")
    print(text)


def _cell(scores: Sequence[float], alone: Sequence[float]) -> str:
    gains = np.array(scores) - alone
    return f"{np.mean(scores):.3f} ± {np.std(scores):.3f} ({gains.mean():+.3f}, {np.count_nonzero(gains > 0)}/{SEEDS})"


if __name__ == "__main__":
    main()
