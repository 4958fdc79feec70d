"""`make bench`: accuracy on real complaints, and what training takes; `make bench-speed` measures the rest.

Measures from `../shared/data` where it is there, prints, and writes `benchmarks/results.md`.
"""

from __future__ import annotations

import csv
import os
import platform
import sys
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.model_selection import StratifiedKFold

from backlog.tables import CsvTable
from classifier.model import bundle
from classifier.model.classifier import Classifier
from classifier.model.precedents import Precedents
from classifier.taxonomy import Taxonomy
from settings import ROOT
from training.corpus import corpus_files
from training.evaluate import evaluate
from training.fit import fit
from training.labelled import AUTO, read_labelled
from training.metrics import bootstrap_intervals, macro_f1
from training.release import release

DATA = ROOT.parent / "shared" / "data"
BOARD_LABELS = Path(__file__).parent / "board-labels.csv"
RESULTS = Path(__file__).parent / "results.md"


def main() -> None:
    """Run everything and write the results."""
    if not DATA.exists():
        sys.exit(f"{DATA} is not here: the benchmarks need the measured complaints.")
    with tempfile.TemporaryDirectory() as folder:
        models = Path(folder) / "models"
        start = time.perf_counter()
        _, metrics = release(*read_labelled(corpus_files(), Taxonomy.read()), models, accept_accuracy=0.95)
        train_s = time.perf_counter() - start
        sections = [
            _header(),
            _accuracy(bundle.load(bundle.current(models)), DATA / "labelled-dev.csv", "labelled-dev.csv"),
            _accuracy(bundle.load(bundle.current(models)), _board(Path(folder)), "our own labels of further messages"),
            _cross_validated(metrics, train_s),
            _seven_topics(),
            "Speed is measured by `make bench-speed`: [speed.md](speed.md).\n",
        ]
    text = "\n".join(sections)
    RESULTS.write_text(text, encoding="utf-8")
    print(text)


def _header() -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in ("scikit-learn", "numpy", "jieba"))
    return (
        f"# Benchmark results\n\n`make bench`, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, "
        f"{os.cpu_count()} cores, Python {platform.python_version()}, {packages}.\n"
    )


def _board(folder: Path) -> Path:
    """The messages of complaints.csv that board-labels.csv labels, as one labelled file."""
    labels = list(csv.DictReader(BOARD_LABELS.open(encoding="utf-8")))
    table = CsvTable(DATA / "complaints.csv")
    columns = {name: table.require(name) for name in ("id", "title", "text")}
    rows = {row[columns["id"]]: row for row in table}
    path = folder / "board.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["title", "text", "department", "assist", "urgency"])
        for label in labels:
            row = rows[label["id"]]
            texts = [row[columns["title"]], row[columns["text"]]]
            writer.writerow([*texts, label["department"], label["assist"], label["urgency"]])
    return path


def _accuracy(classifier: Classifier, path: Path, what: str) -> str:
    examples, _ = read_labelled([path], classifier.taxonomy)
    report = evaluate(classifier, examples)
    department, urgency, assist = report["department"], report["urgency"], report["assist"]
    low, high = department["macro_f1_interval"]
    alone = department["answered_alone"]
    rows = [
        ("department macro-F1", f"{department['macro_f1']:.3f} (95 % interval {low:.3f}–{high:.3f})"),
        ("department accuracy", f"{department['accuracy']:.3f}"),
        ("right lead among the first two", f"{department['among_first_two']:.3f}"),
        ("expected calibration error", f"{department['expected_calibration_error']:.3f}"),
        (f"share answered alone at {alone['accuracy']:.0%} accuracy", f"{alone['share']:.3f}"),
        ("urgency accuracy", f"{urgency['accuracy']:.3f}"),
        ("urgency quadratic κ", f"{urgency['quadratic_kappa']:.3f}"),
        ("gravest shown as mildest", f"{urgency['gravest_shown_as_mildest']}"),
        ("assist precision / recall", f"{assist['precision']:.3f} / {assist['recall']:.3f}"),
    ]
    rows += [(f"F1 {label}", f"{row['f1']:.3f} ({row['rows']} rows)") for label, row in department["per_class"].items()]
    title = f"## Accuracy on {what} ({department['rows']} rows), trained on the corpus alone\n\n"
    return title + table(("figure", "value"), rows)


def _cross_validated(metrics: dict[str, Any], train_s: float) -> str:
    department, urgency = metrics["department"], metrics["urgency"]
    low, high = department["macro_f1_interval"]
    rows = [
        ("department macro-F1", f"{department['macro_f1']:.3f} (95 % interval {low:.3f}–{high:.3f})"),
        ("expected calibration error", f"{department['expected_calibration_error']:.3f}"),
        ("urgency quadratic κ", f"{urgency['quadratic_kappa']:.3f}"),
        ("critical: recall / precision", f"{urgency['gravest_recall']:.3f} / {urgency['gravest_precision']:.3f}"),
        ("critical shown as routine", f"{urgency['gravest_shown_as_mildest']}"),
        ("training on the whole corpus, cross-validation included", f"{train_s:.0f} s"),
    ]
    return f"## Cross-validation over the corpus ({department['rows']} rows), without hazard rules\n\n" + table(
        ("figure", "value"), rows
    )


def _seven_topics() -> str:
    """Five folds over another office's labels: fit, then score through the served arithmetic."""
    examples, taxonomy = read_labelled([DATA / "seven-topics.csv"], AUTO)
    true = np.array([one.department for one in examples])
    predicted = np.empty(len(true), dtype=object)
    for train, test in StratifiedKFold(5, shuffle=True, random_state=0).split(true, true):
        fitted = fit([examples[i] for i in train], taxonomy, accept_accuracy=0.95)
        model = Classifier(fitted.weights, taxonomy, fitted.thresholds, "fold", Precedents((), fitted.words[:0]))
        suggestions = model.suggest_many([examples[i].complaint for i in test])
        predicted[test] = [one.lead.department.id for one in suggestions]
    predicted = predicted.astype(str)
    low, high = bootstrap_intervals(true, predicted)["macro_f1"]
    rows = [
        ("macro-F1", f"{macro_f1(true, predicted):.3f} (95 % interval {low:.3f}–{high:.3f})"),
        ("accuracy", f"{float((true == predicted).mean()):.3f}"),
    ]
    return f"## seven-topics.csv ({len(true)} rows), 5-fold, trained on its own rows\n\n" + table(
        ("figure", "value"), rows
    )


def table(header: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines) + "\n"


if __name__ == "__main__":
    main()
