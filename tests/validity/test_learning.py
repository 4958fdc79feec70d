"""A model learns from an office's good cases: trained on one half of the labelled messages, better on the other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from classifier.model import bundle
from classifier.taxonomy import Taxonomy
from settings import ROOT
from training.corpus import corpus_files
from training.labelled import Example, read_labelled
from training.metrics import macro_f1
from training.release import release
from training.retrain import HANDLED_WEIGHT, retrain

LABELLED = ROOT.parent / "shared" / "data" / "labelled-dev.csv"

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not LABELLED.exists(), reason="the labelled messages are not here")]


def leads(folder: Path, examples: list[Example]) -> list[str]:
    """The department a model suggests for each."""
    found = bundle.load(folder).suggest_many([one.complaint for one in examples])
    return [one.lead.department.id for one in found]


def test_good_cases_are_promoted_and_improve_the_other_half(tmp_path: Path) -> None:
    """Each half teaches and the other measures, so that every message is measured once."""
    taxonomy = Taxonomy.read()
    corpus, _ = read_labelled(corpus_files(), taxonomy)
    labelled, _ = read_labelled([LABELLED], taxonomy)
    champion, _ = release(corpus, taxonomy, tmp_path, accept_accuracy=0.95)
    shuffled = [labelled[i] for i in np.random.default_rng(20261122).permutation(len(labelled))]
    halves = shuffled[::2], shuffled[1::2]
    truth, before, after = [], [], []
    for teaches, measures in (halves, halves[::-1]):
        handled = [replace(one, weight=HANDLED_WEIGHT) for one in teaches]
        challenger = retrain(corpus, handled, taxonomy, tmp_path, accept_accuracy=0.95)
        assert challenger.verdict.promoted, challenger.verdict.reasons
        truth += [one.department for one in measures]
        before += leads(champion, measures)
        after += leads(challenger.folder, measures)
    scores = [macro_f1(np.array(truth), np.array(one)) for one in (before, after)]
    print(f"macro-F1 {scores[0]:.3f} -> {scores[1]:.3f}")
    assert scores[1] > scores[0]
