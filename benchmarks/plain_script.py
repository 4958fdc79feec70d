"""The baseline: what a competent user writes with jieba, TfidfVectorizer and LinearSVC, doing the same job.

    python -m benchmarks.plain_script train MODEL.joblib LABELLED.csv…
    python -m benchmarks.plain_script run MODEL.joblib IN.csv OUT.csv

`run` writes IN with a predicted department added to every row, and prints the seconds that
took without start-up and loading.
"""

from __future__ import annotations

import csv
import logging
import sys
import time
from pathlib import Path

import jieba
import joblib
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC


def cut(text: str) -> list[str]:
    """jieba's default cut; a function of this script, because its tokenizer does not pickle."""
    words: list[str] = jieba.lcut(text)
    return words


def train(model: str, *paths: str) -> None:
    """Fit on labelled files and save with joblib."""
    rows = [row for path in paths for row in read(path)]
    pipeline = make_pipeline(TfidfVectorizer(tokenizer=cut, token_pattern=None), LinearSVC())
    joblib.dump(pipeline.fit([text_of(row) for row in rows], [row["department"] for row in rows]), model)


def run(model: str, source: str, target: str) -> None:
    """Predict for every row and write."""
    pipeline = joblib.load(model)
    jieba.initialize()
    start = time.perf_counter()
    rows = read(source)
    predicted = pipeline.predict([text_of(row) for row in rows])
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
    jieba.setLogLevel(logging.WARNING)
    {"train": train, "run": run}[sys.argv[1]](*sys.argv[2:])
