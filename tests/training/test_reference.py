"""What a model records of its held-out texts, to compare with later."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from classifier.model import bundle
from training.reference import reference


def test_a_released_model_records_it(model_dir: Path) -> None:
    """Shares add up to 1, and no bin is empty."""
    found = bundle.read_metrics(model_dir)["reference"]
    known = found["known_share"]
    assert sum(found["departments"].values()) == pytest.approx(1)
    assert sum(known["shares"]) == pytest.approx(1)
    assert min(known["shares"]) > 0
    assert known["edges"] == sorted(set(known["edges"]))
    assert len(known["shares"]) == len(known["edges"]) + 1


def test_equal_values_share_a_bin() -> None:
    """Half the texts are known whole, so that half the deciles are one edge."""
    held_out = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]])
    fitted = SimpleNamespace(
        weights=SimpleNamespace(heads={"department": SimpleNamespace(classes=("land", "other"))}),
        held_out={"department": held_out},
        known_share=np.array([0.2, 0.5, 1.0, 1.0]),
    )
    assert reference(fitted) == {  # type: ignore[arg-type]
        "departments": {"land": 0.75, "other": 0.25},
        "known_share": {"edges": [0.5, 1.0], "shares": [0.25, 0.25, 0.5]},
    }


def test_a_model_without_measures_has_none(tmp_path: Path) -> None:
    """Nothing, or nothing readable, is an empty record."""
    assert bundle.read_metrics(tmp_path) == {}
    (tmp_path / "metrics.json").write_text("{")
    assert bundle.read_metrics(tmp_path) == {}
