"""`make bench-speed`: how fast backlogs and requests go, beside a plain script, a bare echo and the limit.

    python -m benchmarks.speed [ROWS…] [--plain-up-to ROWS]

Measures from `../shared/data` where it is there, prints, and writes `benchmarks/speed.md` and `benchmarks/speed.png`.
ROWS default to 10,000, 100,000 and 1,000,000. The plain script needs 20 minutes and 8 GB for the last; it is run up to
100,000 rows unless asked otherwise.
"""

from __future__ import annotations

import argparse
import csv
import os
import platform
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import rjieba
from scipy.sparse import csr_matrix

from backlog.chunk import cells_of
from backlog.tables import new_table, open_table
from benchmarks.measured import Measured, measure
from benchmarks.online import online
from benchmarks.run import DATA, table
from classifier.model import bundle
from classifier.model.classifier import Classifier
from classifier.model.hazards import find_hazards
from classifier.records import Complaint
from classifier.taxonomy import Taxonomy
from classifier.text.prepare import Prepared
from classifier.text.segment import default_segmenter, dictionary_words
from training.corpus import corpus_files
from training.fit import fit
from training.labelled import read_labelled
from training.release import release

RESULTS, PLOT = Path(__file__).parent / "speed.md", Path(__file__).parent / "speed.png"
_SIZES = (10_000, 100_000, 1_000_000)
_SHEET_ROWS = 100_000
_SHORT_RUN = 20_000
_CHUNK = 1000


def main() -> None:
    """Run everything and write the results."""
    parser = argparse.ArgumentParser()
    parser.add_argument("rows", nargs="*", type=int, default=_SIZES)
    parser.add_argument("--plain-up-to", type=int, default=100_000)
    asked = parser.parse_args()
    if not DATA.exists():
        sys.exit(f"{DATA} is not here: the benchmarks need the measured complaints.")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        models = folder / "models"
        release(*read_labelled(corpus_files(), Taxonomy.read()), models, accept_accuracy=0.95)
        measure(models, "-m", "benchmarks.plain_script", "train", folder / "plain.joblib", *corpus_files())
        sections = [
            _header(),
            _batch(models, folder, sorted(asked.rows), asked.plain_up_to),
            _sheets(models, folder),
            online(models),
            _limits(bundle.load(bundle.current(models))),
            _training(),
        ]
    text = "\n".join(sections)
    RESULTS.write_text(text, encoding="utf-8")
    print(text)


def _header() -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in ("numba", "numpy", "scikit-learn", "jieba", "rjieba"))
    return (
        f"# Speed\n\n`make bench-speed`, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, {packages}. Complaints: texts of complaints.csv, the beginning of one and the\n"
        "end of another, so that all are of real length and no two alike.\n"
    )


def made_up(rows: int, path: Path) -> None:
    """Write so many complaints of real length, each the beginning of one real complaint and the end of another."""
    source = open_table(DATA / "complaints.csv")
    title, text = source.require("title"), source.require("text")
    real = [(row[title], row[text]) for row in source]
    chance = random.Random(0)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "title", "text", "received"])
        for number in range(rows):
            (name, first), (_, second) = chance.choices(real, k=2)
            cut = chance.random()
            text_made = first[: int(cut * len(first))] + second[int(cut * len(second)) :]
            writer.writerow([f"{number:08}", name, text_made, f"2026-{number % 12 + 1:02}-{number % 28 + 1:02}"])


def _batch(models: Path, folder: Path, sizes: list[int], plain_up_to: int) -> str:
    runs: list[tuple[int, Measured, Measured | None]] = []
    for rows in sizes:
        source = folder / f"{rows}.csv"
        made_up(rows, source)
        # Short runs in turns, best of three: a single one says little on a busy machine.
        ours, plain = [], []
        for _ in range(3 if rows <= _SHORT_RUN else 1):
            ours.append(measure(models, "-m", "cli", "reclassify", source, folder / "ours.csv"))
            (folder / "ours.csv").unlink()
            if rows <= plain_up_to:
                script = ("-m", "benchmarks.plain_script", "run", folder / "plain.joblib", source, folder / "plain.csv")
                plain.append(measure(models, *script))
        best = partial(min, key=lambda one: one.seconds)
        runs.append((rows, best(ours), best(plain) if plain else None))
        source.unlink()
    _draw(runs)
    rows = [
        (
            f"{n:,}",
            f"{ours.seconds:.1f} s",
            f"{n / ours.seconds:,.0f}",
            f"{ours.peak_mb:.0f} MB",
            f"{plain.seconds:.1f} s" if plain else "–",
            f"{n / plain.seconds:,.0f}" if plain else "–",
            f"{plain.peak_mb:,.0f} MB" if plain else "–",
            f"**{plain.seconds / ours.seconds:.1f} ×**" if plain else "–",
        )
        for n, ours, plain in runs
    ]
    header = ("rows", "Fenban", "a second", "peak memory", "plain script", "a second", "peak memory", "ratio")
    first, last = runs[0], runs[-1]
    start_s = _start_up(models, folder)
    per_row = [(one.seconds - start_s) / n for n, one, _ in (first, last)]
    return (
        "## Backlogs: CSV to CSV with every column\n\nWhole commands, start-up included; the plain script (jieba, TfidfVectorizer, "
        "LinearSVC, one process) writes the department alone.\nMemory is that of the whole process tree.\n\n"
        + table(header, rows)
        + f"\nOf these, starting up takes {start_s:.2f} s. Without it, a row of {last[0]:,} costs {per_row[1] / per_row[0]:.2f} × one of {first[0]:,}; "
        f"peak memory is {last[1].peak_mb / first[1].peak_mb:.2f} ×.\n\n![Cost per row against size](speed.png)\n"
    )


def _start_up(models: Path, folder: Path) -> float:
    source = folder / "one.csv"
    made_up(1, source)
    return min(measure(models, "-m", "cli", "reclassify", source, folder / f"one{i}.csv").seconds for i in range(3))


def _draw(runs: list[tuple[int, Measured, Measured | None]]) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot([n for n, *_ in runs], [ours.seconds / n * 1e6 for n, ours, _ in runs], "o-", label="Fenban, 2 processes")
    plain = [(n, one.seconds / n * 1e6) for n, _, one in runs if one]
    if plain:
        axes.plot(*zip(*plain, strict=True), "s--", label="plain script")
    axes.set(xscale="log", yscale="log", xlabel="rows", ylabel="µs a row, start-up included")
    axes.grid(visible=True, which="both", alpha=0.3)
    axes.legend()
    figure.savefig(PLOT, dpi=110)


def _sheets(models: Path, folder: Path) -> str:
    source, sheet = folder / "sheet.csv", folder / "sheet.xlsx"
    made_up(_SHEET_ROWS, source)
    plain = open_table(source)
    with new_table(sheet) as out:
        out.writerow(plain.header)
        out.writerows(plain)
    done = measure(models, "-m", "cli", "reclassify", sheet, folder / "out.xlsx")
    return f"## Workbooks\n\n{_SHEET_ROWS:,} rows of .xlsx in and out: {done.seconds:.1f} s, {done.peak_mb:.0f} MB.\n"


def _limits(classifier: Classifier) -> str:
    """One core, every stage by itself; and what nobody could do without."""
    source = open_table(DATA / "complaints.csv")
    title, text = source.require("title"), source.require("text")
    complaints = [Complaint(row[title], row[text]) for row in source]
    chunks = [complaints[i : i + _CHUNK] for i in range(0, len(complaints), _CHUNK)]
    jieba = rjieba.Jieba()
    for word, frequency in dictionary_words():
        jieba.add_word(word, frequency, "nz")
    prepared = [Prepared(one) for one in chunks]
    found = [classifier.weights.find(one) for one in prepared]
    suggestions = [classifier.suggest_many(one) for one in chunks]
    weights, by_column = classifier.weights, classifier.weights.stack.by_column
    matrices = [
        csr_matrix((one.value, one.column, one.first_cell), (len(one.offsets) - 1, len(by_column))) for one in found
    ]
    segmenter = default_segmenter()
    stages: list[tuple[str, Callable[[], Iterator[Any]]]] = [
        ("preparing: normalise, mask, headers, tone", lambda: (Prepared(one) for one in chunks)),
        ("cutting into words", lambda: (segmenter.cut(one.codes, one.offsets) for one in prepared)),
        ("finding and weighing terms, cutting included", lambda: (weights.find(one) for one in prepared)),
        ("the same and probabilities of all heads", lambda: (weights.probabilities(one) for one in prepared)),
        ("hazard rules", lambda: (find_hazards(one) for one in prepared)),
        ("**suggestions, all of these and reasons**", lambda: (classifier.suggest_many(one) for one in chunks)),
        ("suggestions to cells", lambda: ([cells_of(one) for one in some] for some in suggestions)),
        ("limit: jieba in Rust, cut alone", lambda: ([jieba.cut(t, False) for t in one.texts] for one in prepared)),
        ("limit: sparse dot product alone (scipy)", lambda: (one @ by_column for one in matrices)),
    ]
    rows = [(name, f"{_cpu_us(work, len(complaints)):.1f}") for name, work in stages]
    return (
        f"## Where the time goes: one core, complaints.csv ({len(complaints):,} rows), µs a complaint, best of five\n\n"
        + table(("stage", "µs"), rows)
    )


def _cpu_us(work: Callable[[], Iterator[Any]], n: int) -> float:
    times = []
    for _ in range(5):
        start = time.process_time()
        for _ in work():
            pass
        times.append(time.process_time() - start)
    return min(times) / n * 1e6


def _training() -> str:
    """Seconds against rows, cross-validation included."""
    examples, taxonomy = read_labelled(corpus_files(), Taxonomy.read())
    rows = []
    for part in (4, 2, 1):
        some = examples[::part]
        start = time.perf_counter()
        fit(some, taxonomy, accept_accuracy=0.95)
        seconds = time.perf_counter() - start
        rows.append((f"{len(some):,}", f"{seconds:.1f} s", f"{seconds / len(some) * 1000:.2f} ms"))
    return "## Training, five folds and the fit to all\n\n" + table(("rows", "time", "a row"), rows)


if __name__ == "__main__":
    main()
