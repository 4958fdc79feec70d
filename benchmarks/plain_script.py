"""The baseline: what a competent user writes with jieba, TfidfVectorizer and LinearSVC, doing the same job.

    python -m benchmarks.plain_script TRAIN.csv… IN.csv OUT.csv

Trains on labelled files, then writes IN with a predicted department added to every row, and
prints the seconds that took without training.
"""

from __future__ import annotations

import csv
import logging
import sys
import time
from pathlib import Path

import jieba
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC


def main(*arguments: str) -> None:
    """Train, predict, write."""
    *training, source, target = arguments
    jieba.setLogLevel(logging.WARNING)
    jieba.initialize()
    labelled = [row for path in training for row in read(path)]
    model = make_pipeline(TfidfVectorizer(tokenizer=jieba.lcut, token_pattern=None), LinearSVC())
    model.fit([text_of(row) for row in labelled], [row["department"] for row in labelled])
    start = time.perf_counter()
    rows = read(source)
    predicted = model.predict([text_of(row) for row in rows])
    with Path(target).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0], "suggested_department"])
        writer.writeheader()
        for row, label in zip(rows, predicted, strict=True):
            writer.writerow(row | {"suggested_department": label})
    print(f"{time.perf_counter() - start:.3f}")


def read(path: str) -> list[dict[str, str]]:
    """All rows of a CSV file."""
    with Path(path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def text_of(row: dict[str, str]) -> str:
    """Title and text as one."""
    return row["title"] + " " + row["text"]


if __name__ == "__main__":
    main(*sys.argv[1:])
