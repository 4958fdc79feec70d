"""Similar cases: found by their words, masked, never the complaint itself, kept by the bundle."""

from __future__ import annotations

from pathlib import Path

import pytest

from classifier.model import bundle
from classifier.model.classifier import Classifier
from classifier.model.precedents import Precedent
from classifier.records import Complaint
from training.labelled import Example


def test_the_nearest_case_is_found(classifier: Classifier, examples: list[Example]) -> None:
    """A complaint with a sentence before it finds the one it was made of, with its decision, before any other."""
    for one in [example for example in examples if len(example.complaint.text) > 120][:20]:
        nearest, *others = classifier.advise(
            Complaint(one.complaint.title, "请派人来看一下现场。" + one.complaint.text)
        )[1]
        assert (nearest.title, nearest.department.id) == (one.complaint.title.strip(), one.department)
        assert (nearest.assist.id if nearest.assist else "") == one.assist
        assert nearest.urgency
        assert nearest.urgency.id == one.urgency
        assert 0.8 < nearest.similarity <= 1
        assert all(other.similarity <= nearest.similarity for other in others)
        assert len(others) <= 2


def test_no_complaint_is_its_own_precedent(classifier: Classifier, examples: list[Example]) -> None:
    """A handled case that is opened again does not show itself."""
    for one in examples[:30]:
        shown = Precedent.of(one.complaint, "", "", "")
        assert all(
            (case.title, case.excerpt) != (shown.title, shown.excerpt) for case in classifier.advise(one.complaint)[1]
        )


@pytest.mark.parametrize("text", ["！！！", "qwerty asdf", "。"])
def test_where_nothing_is_alike_nothing_is_shown(classifier: Classifier, text: str) -> None:
    """Complaints that share no word with any case have no precedents."""
    assert classifier.advise(Complaint("", text))[1] == []


def test_precedents_are_masked_and_short() -> None:
    """What is kept for showing holds no personal data, and no more than a reader needs."""
    case = Precedent.of(
        Complaint("我叫王小明", "联系人：李建国，电话13800001234，\n\n厂里又冒黑烟了。" + "夜里更重。" * 60),
        "environment",
        "",
        "urgent",
    )
    assert "13800001234" not in case.excerpt
    assert "李建国" not in case.excerpt
    assert "王小明" not in case.title
    assert "\n" not in case.excerpt
    assert len(case.excerpt) <= 161


def test_a_loaded_model_finds_the_same(classifier: Classifier, model_dir: Path, examples: list[Example]) -> None:
    """The bundle keeps cases and their words."""
    again = bundle.load(model_dir)
    for one in examples[:10]:
        assert again.advise(one.complaint)[1] == classifier.advise(one.complaint)[1]
