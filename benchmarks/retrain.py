"""`make bench-retrain`: time and memory of retraining with 100,000 handled cases.

Handled cases are made from `../shared/data/complaints.csv`, labelled by a model of the corpus with
one label in twenty drawn anew: once by drawing rows again and again, once by joining quarters of
four complaints of one department, so that all differ. Writes `benchmarks/retrain.md`.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from backlog.tables import CsvTable
from benchmarks.run import DATA
from classifier.model import bundle
from classifier.records import Complaint, Suggestion
from classifier.taxonomy import Taxonomy
from training.corpus import corpus_files
from training.labelled import Example, read_labelled
from training.release import release
from training.retrain import HANDLED_WEIGHT, retrain

RESULTS = Path(__file__).parent / "retrain.md"
HANDLED = 100_000
_NOISE = 0.05


def main() -> None:
    """Make the cases, retrain with each kind, write what it took."""
    if not DATA.exists():
        sys.exit(f"{DATA} is not here: the benchmarks need the measured complaints.")
    with tempfile.TemporaryDirectory() as folder:
        models = Path(folder)
        start = time.perf_counter()
        release(*read_labelled(corpus_files(), Taxonomy.read()), models, accept_accuracy=0.95)
        rows = [f"| the corpus alone (`fenban train`) | | {time.perf_counter() - start:.0f} s | | | |"]
        for kind in ("repeated", "distinct"):
            # A process of its own, so that its peak is its own and its start is in the time.
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                rows.append(pool.apply(_measure, (models, kind)))
            print(rows[-1], flush=True)
    text = f"""# Retraining with {HANDLED:,} handled cases

`make bench-retrain`, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores. Reading the corpus, preparing,
counting, near-duplicates, folds, calibration, audit, comparison and writing are all in the time; the load is
that of the whole machine, so other processes' too, when it began.

| cases | texts trained on | time | processor time | peak memory | load |
| --- | --- | --- | --- | --- | --- |
{chr(10).join(rows)}
"""
    RESULTS.write_text(text, encoding="utf-8")


def _measure(models: Path, kind: str) -> str:
    taxonomy = Taxonomy.read()
    handled = _drawn(models, taxonomy, kind)
    # The cases are made by a model, which takes memory too: the peak counts from here.
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
    load, start, used = os.getloadavg()[0], time.perf_counter(), time.process_time()
    corpus, _ = read_labelled(corpus_files(), taxonomy)
    challenger = retrain(corpus, handled, taxonomy, models, accept_accuracy=0.95, progress=print)
    took, used = time.perf_counter() - start, time.process_time() - used
    peak = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text(encoding="utf-8"))
    assert peak
    n = bundle.read_manifest(challenger.folder)["training_data"]["rows"]
    return f"| {HANDLED:,}, {kind} | {n:,} | {took:.0f} s | {used:.0f} s | {int(peak[1]) / 1024:,.0f} MB | {load:.1f} |"


def _drawn(models: Path, taxonomy: Taxonomy, kind: str) -> list[Example]:
    table = CsvTable(DATA / "complaints.csv")
    title, text = table.require("title"), table.require("text")
    complaints = [Complaint(row[title], row[text]) for row in table]
    labels = [_labels(one) for one in bundle.load(bundle.current(models)).suggest_many(complaints)]
    alike = defaultdict(list)
    for i, (department, _) in enumerate(labels):
        alike[department].append(i)
    rng, departments = np.random.default_rng(0), [one.id for one in taxonomy.departments]
    handled = []
    for i in rng.integers(0, len(complaints), HANDLED):
        department, urgency = labels[i]
        complaint = complaints[i]
        if kind == "distinct":
            others = [complaints[j] for j in rng.choice(alike[department], 3)]
            complaint = Complaint(complaint.title, _joined([complaint, *others]))
        label = str(rng.choice(departments)) if rng.random() < _NOISE else department
        handled.append(Example(complaint, label, "", urgency, "", HANDLED_WEIGHT))
    return handled


def _labels(suggestion: Suggestion) -> tuple[str, str]:
    return suggestion.lead.department.id, suggestion.urgency.level.id if suggestion.urgency else ""


def _joined(complaints: Sequence[Complaint]) -> str:
    """The first quarter of the first, the second of the second and so on."""
    quarters = [len(one.text) // 4 for one in complaints]
    return "".join(one.text[k * n : (k + 1) * n] for k, (one, n) in enumerate(zip(complaints, quarters, strict=True)))


if __name__ == "__main__":
    main()
