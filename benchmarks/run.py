"""`make bench`: accuracy and speed on real complaints, beside what a plain script reaches.

Measures from `../shared/data` where it is there, prints, and writes `benchmarks/results.md`.
"""

from __future__ import annotations

import csv
import os
import platform
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.model_selection import StratifiedKFold

from backlog.tables import CsvTable
from casework.storage.database import Database
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
_RUNS = 3


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
            _speed(models, Path(folder)),
            _online(models, Path(folder)),
        ]
    text = "\n".join(sections)
    RESULTS.write_text(text, encoding="utf-8")
    print(text)


def _header() -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in ("scikit-learn", "numpy", "jieba", "rjieba"))
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


def _speed(models: Path, folder: Path) -> str:
    """Ours and the plain script, as whole commands and without start-up; in turns, best of each."""
    source, model = DATA / "complaints.csv", folder / "plain.joblib"
    rows = sum(1 for _ in CsvTable(source))
    _run(models, "-m", "benchmarks.plain_script", "train", model, *corpus_files())
    ours, ours_inside, plain, plain_inside = [], [], [], []
    for _ in range(_RUNS):
        ours.append(_run(models, "-m", "cli", "reclassify", source, folder / "ours.csv")[0])
        ours_inside.append(_inside(models, source, folder / "ours.csv"))
        whole, output = _run(models, "-m", "benchmarks.plain_script", "run", model, source, folder / "plain.csv")
        plain.append(whole)
        plain_inside.append(float(output.split()[-1]))
    ratios = []
    for what, fast, slow in (
        ("whole command, start-up and loading included", min(ours), min(plain)),
        ("started and loaded", min(ours_inside), min(plain_inside)),
    ):
        ratios.append((what, f"{rows / fast:,.0f}", f"{rows / slow:,.0f}", f"{slow / fast:.1f} ×"))
    return (
        f"## Batch: complaints.csv ({rows:,} rows), CSV to CSV, best of {_RUNS} in turns\n\n"
        "`fenban reclassify` writes every column, reasons included; the plain script (jieba, TfidfVectorizer,\n"
        "LinearSVC, one process) writes the department alone.\n\n"
        + table(("what", "Fenban, documents per second", "plain script", "ratio"), ratios)
        + f"\nPeak memory of Fenban's largest process: {_peak_mb(models, source, folder):.0f} MB.\n"
    )


def _peak_mb(models: Path, source: Path, folder: Path) -> float:
    # A process's own ru_maxrss starts at that of the process that started it; VmHWM does not.
    script = (
        "import re, resource, sys; from pathlib import Path; from backlog.reclassify import reclassify;"
        "from classifier.model import bundle;"
        "reclassify(Path(sys.argv[2]), Path(sys.argv[3]), bundle.current(Path(sys.argv[1])));"
        "own = int(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1]);"
        "print(max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))"
    )
    return float(_run(models, "-c", script, models, source, folder / "peak.csv")[1].split()[-1]) / 1024


def _inside(models: Path, source: Path, target: Path) -> float:
    script = (
        "import sys, time; from pathlib import Path; from backlog.chunk import classifier_of; from backlog.reclassify import reclassify;"
        "from classifier.model import bundle; from classifier.records import Complaint; model = bundle.current(Path(sys.argv[1])); classifier_of(model).suggest(Complaint('', '预热'));"
        "t = time.perf_counter(); reclassify(Path(sys.argv[2]), Path(sys.argv[3]), model); print(time.perf_counter() - t)"
    )
    return float(_run(models, "-c", script, models, source, target)[1].split()[-1])


def _run(models: Path, *arguments: object) -> tuple[float, str]:
    """Seconds and standard output of a Python command."""
    command = [sys.executable, *map(str, arguments)]
    environment = os.environ | {"FENBAN_MODELS_DIR": str(models)}
    start = time.perf_counter()
    output = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, env=environment).stdout
    return time.perf_counter() - start, output


def _online(models: Path, folder: Path) -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {"FENBAN_MODELS_DIR": str(models), "FENBAN_DATABASE_URL": f"sqlite:///{folder}/fenban.db"}
    Database(settings["FENBAN_DATABASE_URL"]).close()  # made at the first start only
    start = time.perf_counter()
    server = subprocess.Popen(
        [sys.executable, "-m", "cli", "serve", "--port", str(port)],
        cwd=ROOT, env=os.environ | settings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        ready_s = _until_ready(f"http://127.0.0.1:{port}/readyz", start)
    finally:
        server.terminate()
        server.wait()
    classifier = bundle.load(bundle.current(models))
    examples, _ = read_labelled([DATA / "labelled-dev.csv"], classifier.taxonomy)
    latencies_ms: list[float] = []
    for example in examples:
        if 180 <= len(example.complaint.text) <= 260:
            classifier.suggest(example.complaint)
            begin = time.perf_counter()
            classifier.suggest(example.complaint)
            latencies_ms.append((time.perf_counter() - begin) * 1000)
    rows = [
        ("`fenban serve` until ready, model there", f"{ready_s:.2f} s"),
        ("one suggestion in process, about 220 characters, median", f"{np.median(latencies_ms):.2f} ms"),
    ]
    return "## Online\n\n" + table(("figure", "value"), rows)


def _until_ready(url: str, start: float) -> float:
    while True:
        try:
            urllib.request.urlopen(url, timeout=1).close()
        except OSError:
            if time.perf_counter() - start > 60:
                raise
            time.sleep(0.02)
        else:
            return time.perf_counter() - start


def table(header: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines) + "\n"


if __name__ == "__main__":
    main()
