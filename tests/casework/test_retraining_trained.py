"""Models really trained from a register, on SQLite alone: test_retraining.py tells what training is given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from casework.service import releases, retraining
from casework.service.doubts import list_doubts
from casework.service.permissions import console
from casework.service.retraining import STEPS, Plan, retrain
from casework.storage import audit
from casework.storage.cases import CLOSED
from casework.storage.database import Database
from casework.storage.tables import Case
from classifier.model import bundle
from classifier.taxonomy import Taxonomy
from tests.models import copy_of
from training.labelled import Example
from training.release import release
from training.retrain import retrain as train

TAXONOMY = Taxonomy.read()


@pytest.fixture(scope="module")
def mixed(examples: list[Example]) -> list[Example]:
    """Texts of the corpus, the departments mixed."""
    return [examples[i] for i in np.random.default_rng(0).permutation(len(examples))]


@pytest.fixture(scope="module")
def corpus(mixed: list[Example]) -> list[Example]:
    """What the first model learned."""
    return mixed[:350]


@pytest.fixture(scope="module")
def first(corpus: list[Example], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder with a model that learned little. Tests must not change it."""
    models = tmp_path_factory.mktemp("first")
    release(corpus, TAXONOMY, models, accept_accuracy=0.95, jobs=1)
    return models


@pytest.fixture
def office(
    first: Path, corpus: list[Example], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Database, Plan]]:
    """A register beside it; training is by one process."""
    monkeypatch.setattr(retraining, "_corpus", lambda taxonomy: corpus)
    monkeypatch.setattr("training.retrain.retrain", partial(train, jobs=1))
    database = Database(f"sqlite:///{tmp_path}/fenban.db")
    yield database, Plan(copy_of(first, tmp_path))
    database.close()


def fill(database: Database, examples: Sequence[Example], **labels: str) -> list[int]:
    """Closed cases, as an import writes them; their ids."""
    now = datetime.now(UTC)
    common = {"year": now.year, "channel": "", "place": "", "received_at": now, "registered_at": now, "status": CLOSED}
    standing = {"blind": False, "certain": 1, "due_at": now, "closed_at": now, "version": 1}
    with database.writing() as session:
        cases = [
            Case(
                **common,
                **standing,
                title=one.complaint.title,
                text=one.complaint.text,
                department=labels.get("department", one.department),
                assist=None if labels else one.assist or None,
                urgency=one.urgency or None,
            )
            for one in examples
        ]
        session.add_all(cases)
        session.flush()
        return [one.id for one in cases]


def right(models: Path, examples: Sequence[Example]) -> float:
    """Share of texts for which the model in service suggests the right department."""
    suggestions = bundle.load(bundle.current(models)).suggest_many([one.complaint for one in examples])
    return float(np.mean([s.lead.department.id == e.department for s, e in zip(suggestions, examples, strict=True)]))


def test_good_cases_make_a_better_model(office: tuple[Database, Plan], mixed: list[Example]) -> None:
    """It goes live, answers better, and its verdict stands with it; the report can be kept as JSON."""
    database, plan = office
    fill(database, mixed[350:1000])
    before, told = right(plan.models, mixed[1000:]), list[str]()
    report = retrain(database, console(), plan, told.append)
    assert report.promoted, report.reasons
    assert right(plan.models, mixed[1000:]) > before + 0.05
    assert bundle.current(plan.models).name == report.version
    assert releases.show_model(plan.models, report.version).verdict is not None
    assert told[0] == "取出已办件 650 件"
    steps = [next(step for step in STEPS if message.startswith(step)) for message in told]
    assert steps == list(STEPS)
    with database.writing() as session:
        audit.record(session, "测试", "test", "test", None, report.to_dict())


def test_a_poisoned_batch_does_no_harm(office: tuple[Database, Plan], mixed: list[Example]) -> None:
    """Of a fifth of one department's labels turned, many are doubts, few others are; what goes live is no worse."""
    database, plan = office
    handled, fresh = mixed[350:950], [one for one in mixed[950:] if one.department == "education"]
    before = right(plan.models, fresh)
    own = [one for one in handled if one.department == "education"]
    turned = own[::5]
    poisoned = fill(database, turned, department="land")
    fill(database, [one for one in handled if one not in turned])
    report = retrain(database, console(), plan)
    with database.reading() as session:
        doubted = {check.case_id for check, _ in list_doubts(session, console())}
    assert not report.promoted or right(plan.models, fresh) >= before
    assert len(doubted & set(poisoned)) / len(poisoned) > 5 * len(doubted - set(poisoned)) / len(handled)


def test_an_office_with_other_departments_learns_from_its_own_cases(
    tmp_path: Path, mixed: list[Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The project's corpus does not fit; retraining works all the same."""
    ids = {one.id: f"bureau-{one.id}" for one in TAXONOMY.departments}
    renamed = [replace(one, department=ids[one.department], assist=ids.get(one.assist, "")) for one in mixed]
    departments = tuple(replace(one, id=ids[one.id], name=f"{one.name}局") for one in TAXONOMY.departments)
    release(renamed[:200], replace(TAXONOMY, departments=departments), tmp_path, accept_accuracy=0.95, jobs=1)
    monkeypatch.setattr("training.retrain.retrain", partial(train, jobs=1))
    database = Database(f"sqlite:///{tmp_path}/fenban.db")
    fill(database, renamed[200:600])
    report = retrain(database, console(), Plan(tmp_path))
    assert report.handled == 400
    assert set(report.comparisons) == {"最近处理的件"}
    assert any("语料交叉验证：没有" in reason for reason in report.reasons)
    database.close()
