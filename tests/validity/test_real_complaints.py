"""Seeded checks over every real complaint in ../shared/data, where it is there."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from backlog.reclassify import reclassify
from backlog.tables import CsvTable
from classifier.records import Complaint
from classifier.text.mask import mask
from classifier.text.normalise import normalise
from classifier.text.prepare import Prepared
from classifier.text.segment import default_segmenter
from tests.jieba_reference import jieba_cut

DATA = Path(__file__).parents[3] / "shared" / "data" / "complaints.csv"
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not DATA.exists(), reason="the measured complaints are not here")]


@pytest.fixture(scope="module")
def complaints() -> list[Complaint]:
    """All real complaints."""
    table = CsvTable(DATA)
    title, text = table.require("title"), table.require("text")
    return [Complaint(row[title], row[text]) for row in table]


def test_every_document_is_cut_as_jieba_cuts_it(complaints: list[Complaint]) -> None:
    """The compiled segmenter is jieba with HMM off."""
    segmenter = default_segmenter()
    different = [text for text in Prepared(complaints).texts if segmenter(text) != jieba_cut(text)]
    assert different == []


def test_normalising_and_masking_are_idempotent(complaints: list[Complaint]) -> None:
    """Text that went through once goes through unchanged."""
    for one in complaints:
        assert normalise(once := normalise(one.text)) == once
        assert mask(once := mask(one.text)) == once


def test_masked_text_has_the_same_features(complaints: list[Complaint]) -> None:
    """Learning from stored, masked text is learning from what was written."""
    masked = Prepared([Complaint(one.title, mask(one.text)) for one in complaints]).texts
    different = [one for one, other in zip(Prepared(complaints).texts, masked, strict=True) if one != other]
    assert different == []


def test_every_row_is_reclassified(model_dir: Path, tmp_path: Path) -> None:
    """7,076 rows out, in order, none lost, no error, every input column as it was."""
    outcome = reclassify(DATA, tmp_path / "out.csv", model_dir)
    assert (outcome.rows, outcome.errors) == (7076, 0)
    with (
        DATA.open(encoding="utf-8", newline="") as before,
        (tmp_path / "out.csv").open(encoding="utf-8", newline="") as after,
    ):
        for old, new in zip(csv.reader(before), csv.reader(after), strict=True):
            assert new[: len(old)] == old
