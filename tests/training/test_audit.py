"""The audit of labels and the plots of an evaluation."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from classifier.errors import FenbanError
from classifier.taxonomy import Taxonomy
from training.audit import find_suspects
from training.fit import fit
from training.labelled import Example
from training.metrics import coverage, expected_calibration_error, reliability, single_label_report
from training.plots import plots, write_plots


def test_labels_set_wrong_are_found(examples: list[Example]) -> None:
    """Of labels turned on purpose most are suspected, and far more often than the rest."""
    turned = [i for i, one in enumerate(examples) if one.department == "education"][::5]
    damaged = [replace(one, department="land") if i in turned else one for i, one in enumerate(examples)]
    suspects = [
        one for one in find_suspects(damaged, fit(damaged, Taxonomy.read(), 0.95, jobs=1)) if one.about == "department"
    ]
    found = [i for i in turned if any(one.example is damaged[i] for one in suspects)]
    assert len(found) >= len(turned) / 2
    assert (len(suspects) - len(found)) / len(damaged) < 0.5 * len(found) / len(turned)
    assert all(one.label != one.likelier for one in suspects)
    assert [one.own_confidence for one in suspects] == sorted(one.own_confidence for one in suspects)


def test_coverage_and_reliability_are_what_they_say() -> None:
    """Both count every row, and the calibration error is the gap that reliability shows."""
    rng = np.random.default_rng(3)
    confidence = rng.random(200)
    correct = rng.random(200) < confidence
    curve = coverage(confidence, correct)
    assert [round(point["share"], 2) for point in curve] == [round(0.05 * k, 2) for k in range(1, 21)]
    assert curve[-1]["accuracy"] == pytest.approx(correct.mean())
    assert curve[0]["accuracy"] == pytest.approx(correct[np.argsort(-confidence)[:10]].mean())
    assert curve[-1]["threshold"] == confidence.min()
    bins = reliability(confidence, correct)
    assert sum(one["rows"] for one in bins) == 200
    gap = sum(one["rows"] * abs(one["confidence"] - one["accuracy"]) for one in bins) / 200
    assert expected_calibration_error(confidence, correct) == pytest.approx(gap)


def test_plots_are_png_and_the_same_each_time(tmp_path: Path) -> None:
    """Equal measures give equal bytes; a folder that cannot be made is a clear error."""
    p = np.random.default_rng(0).dirichlet((1, 1, 1), 60)
    report = single_label_report(np.array(["a", "b", "c"] * 20), ("a", "b", "c"), p, 0.95)
    drawn = plots(report)
    assert sorted(drawn) == ["coverage.png", "reliability.png"]
    assert all(content.startswith(b"\x89PNG") for content in drawn.values())
    assert plots(report) == drawn
    write_plots(report, tmp_path / "new")
    assert (tmp_path / "new" / "coverage.png").read_bytes() == drawn["coverage.png"]
    (tmp_path / "file").write_text("")
    with pytest.raises(FenbanError, match="换一个目录"):
        write_plots(report, tmp_path / "file" / "x")
