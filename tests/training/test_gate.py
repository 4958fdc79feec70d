"""The gate: which losses keep a challenger out, and that each is told with its figures."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest

from classifier.records import Complaint
from classifier.taxonomy import Taxonomy
from training.answers import Answers
from training.gate import FrozenSet, Gate, judge
from training.labelled import Example
from training.metrics import macro_f1, paired_difference

N = 200
TRUE = np.array(["land", "education"] * (N // 2))
LEVELS = np.array(["critical"] * 20 + ["routine"] * (N - 20))


def answers(wrong: range, confidence: float = 0.95, missed: int = 0) -> Answers:
    """Right but for some rows, and but for some of the critical ones."""
    departments, urgencies = TRUE.copy(), LEVELS.copy()
    departments[wrong] = "other"
    urgencies[:missed] = "routine"
    return Answers(departments, np.full(N, confidence), urgencies)


def frozen(champion: Answers, challenger: Answers, own: bool = True) -> FrozenSet:
    """Both models' answers on the same rows."""
    examples = [Example(Complaint("", "污水"), d, "", u, "") for d, u in zip(TRUE, LEVELS, strict=True)]
    return FrozenSet(examples, champion, challenger, own)


GOOD = answers(range(0, 20), 0.9)

VERDICTS = [
    pytest.param(answers(range(0, 10)), True, True, "提高", id="better"),
    pytest.param(GOOD, True, True, "持平", id="the same"),
    pytest.param(answers(range(0, 40), 0.8), True, False, "宏平均 F1 从 0.947 降到", id="worse than chance allows"),
    pytest.param(answers(range(0, 32, 2), 0.92), True, False, "自然资源的召回率从 0.900 降到 0.840", id="one department lost"),
    pytest.param(answers(range(0, 20), 0.9, missed=1), True, False, "最急一级 20 件，现用模型认出 20 件，新模型认出 19 件", id="one grave case missed"),
    pytest.param(answers(range(0, 20), 0.9, missed=1), False, True, "持平", id="one of the corpus is within chance"),
    pytest.param(answers(range(0, 20), 0.9, missed=10), False, False, "新模型认出 10 件", id="ten of the corpus are not"),
    pytest.param(answers(range(0, 20), 0.99), True, False, "校准误差从 0.000 升到 0.090", id="overconfident"),
    pytest.param(answers(range(0, 20), 0.925), True, True, "持平", id="well calibrated all the same"),
]  # fmt: skip


@pytest.mark.parametrize(("challenger", "own", "promoted", "reason"), VERDICTS)
def test_what_the_gate_lets_through(challenger: Answers, own: bool, promoted: bool, reason: str) -> None:
    """Each loss beyond its limit keeps the challenger out and is told."""
    verdict = judge({"某集": frozen(GOOD, challenger, own)}, Taxonomy.read(), Gate())
    assert verdict.promoted == promoted
    assert any(reason in one for one in verdict.reasons), verdict.reasons
    assert json.loads(json.dumps(asdict(verdict)))["comparisons"]["某集"]["rows"] == N


def test_the_gate_is_as_strict_as_it_is_set() -> None:
    """A department may lose what the gate allows."""
    pair = frozen(GOOD, answers(range(0, 32, 2), 0.92))
    assert judge({"某集": pair}, Taxonomy.read(), Gate(recall_floor=0.07)).promoted


def test_without_rows_nothing_is_promoted() -> None:
    """No evidence is not evidence of something better; what lacks is said."""
    verdict = judge({"甲": None, "乙": None}, Taxonomy.read(), Gate())
    assert not verdict.promoted
    assert verdict.reasons[0].startswith("甲：没有")
    assert judge({"甲": None, "乙": frozen(GOOD, GOOD)}, Taxonomy.read(), Gate()).promoted


def test_the_paired_interval_is_that_of_drawing_rows_anew() -> None:
    """Drawing cells gives what drawing rows gives, and equal answers differ by nothing."""
    rng = np.random.default_rng(1)
    true = rng.choice(["a", "b", "c"], 120, p=[0.6, 0.3, 0.1])
    before, after = (np.where(rng.random(120) < share, true, "a") for share in (0.6, 0.8))
    drawn = [rng.integers(0, 120, 120) for _ in range(1000)]
    differences = [macro_f1(true[i], after[i]) - macro_f1(true[i], before[i]) for i in drawn]
    np.testing.assert_allclose(
        paired_difference(true, before, after), np.quantile(differences, [0.025, 0.975]), atol=0.03
    )
    assert paired_difference(true, after, after) == (0, 0)
