"""Which model is in service: what staff see, and how it is switched, by the register and in running apps."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from casework.service.permissions import ROLES, Actor, console
from casework.service.releases import list_models, note_current, previous, promote, roll_back, show_model, taxonomy
from casework.storage import audit
from casework.storage.database import Database
from casework.web import model as web_model
from casework.web.model import Served
from classifier.errors import ConflictError, FenbanError, InvalidModelError, NotAllowedError, NotFoundError
from classifier.model import bundle
from classifier.taxonomy import Taxonomy
from tests.clients import with_token
from tests.models import add_model, copy_of, damage


@pytest.fixture
def models(models_dir: Path, tmp_path: Path) -> Path:
    """A folder of one's own with one model, in service."""
    return copy_of(models_dir, tmp_path)


def first(models: Path) -> str:
    """The version of that one."""
    return next(one for one in bundle.released(models) if one.startswith("20"))


def switches(database: Database) -> list[tuple[str, str | None, str]]:
    """How the model in service changed, the oldest first."""
    with database.reading() as session:
        entries = reversed(audit.entries(session, "model", limit=1000))
        return [(one.action, (one.old or {}).get("version"), (one.new or {})["version"]) for one in entries]


def test_models_are_listed_with_what_was_said_of_them(models: Path) -> None:
    """The newest first, each with its state; a verdict where it was compared."""
    for version, promoted in (("30-refused", False), ("40-passed", True), ("50-trained", None)):
        add_model(models, version, promoted)
    found = list_models(models)
    assert [(one.version, one.state) for one in found] == [
        ("50-trained", "kept"),
        ("40-passed", "kept"),
        ("30-refused", "rejected"),
        (first(models), "current"),
    ]
    assert found[2].verdict == {"promoted": False, "reasons": ["测试"], "comparisons": {}}
    assert found[3].verdict is None
    assert found[3].metrics["department_macro_f1"] > 0
    assert show_model(models, "30-refused") == found[2]
    assert list_models(models, 2) == found[:2]


def test_without_a_model_there_is_fenban_s_own_taxonomy(tmp_path: Path, database: Database) -> None:
    """And nothing to list, to switch or to put on record."""
    assert list_models(tmp_path / "none") == []
    assert taxonomy(tmp_path / "none") == Taxonomy.read()
    note_current(database, tmp_path / "none")
    assert switches(database) == []
    with pytest.raises(NotFoundError, match="没有可以退回的上一个模型"):
        roll_back(database, console(), tmp_path / "none")


def test_promoting_is_on_record(database: Database, models: Path) -> None:
    """With what was in service before, who did it, and why."""
    before = first(models)
    promote(database, Actor("李主管", ROLES["supervisor"]), models, add_model(models, "v2"), "测试集上更好")
    assert bundle.current(models).name == "v2"
    assert switches(database) == [("model.found", None, before), ("model.promoted", before, "v2")]
    with database.reading() as session:
        entry = audit.entries(session, "model")[0]
    assert (entry.actor, entry.new) == ("李主管", {"version": "v2", "why": "测试集上更好"})


def test_rolling_back_goes_to_what_was_in_service_before(database: Database, models: Path) -> None:
    """Step by step; what was rolled back from is not gone back to, what was promoted anew is."""
    a = first(models)
    for version in ("v2", "v3"):
        promote(database, console(), models, add_model(models, version))
    assert roll_back(database, console(), models) == "v2"
    assert roll_back(database, console(), models) == a
    with pytest.raises(NotFoundError):
        roll_back(database, console(), models)
    assert bundle.current(models).name == a
    promote(database, console(), models, "v3")
    assert roll_back(database, console(), models) == a  # from which v3 was put into service this time
    promote(database, console(), models, "v2")
    promote(database, console(), models, "v2")  # twice is once
    assert roll_back(database, console(), models) == a


def test_only_what_was_seen_in_service_is_replaced(database: Database, models: Path) -> None:
    """Of two supervisors the second is told what the first one did, and nothing is switched."""
    a = first(models)
    for version in ("v2", "v3"):
        add_model(models, version)
    promote(database, console(), models, "v2", expected=a)
    with database.reading() as session:
        assert previous(session, models) == a
    before = switches(database)
    for act in (
        lambda: promote(database, console(), models, "v3", expected=a),
        lambda: roll_back(database, console(), models, expected=a),
        lambda: promote(database, console(), models, "v3", expected=""),
    ):
        with pytest.raises(ConflictError, match="现用模型刚才换成了 v2"):
            act()
    assert (bundle.current(models).name, switches(database)) == ("v2", before)
    assert roll_back(database, console(), models, expected="v2") == a


def test_rolling_back_passes_over_what_is_gone(database: Database, models: Path) -> None:
    """A model whose folder was removed cannot serve."""
    a = first(models)
    for version in ("v2", "v3"):
        promote(database, console(), models, add_model(models, version))
    (models / "v2").rename(models / ".v2")
    assert roll_back(database, console(), models) == a


@pytest.mark.parametrize("many", [0, 120])
def test_a_model_switched_outside_is_put_on_record(database: Database, models: Path, many: int) -> None:
    """Once, however many trainings came to nothing since; rolling back leads to what it replaced."""
    a = first(models)
    note_current(database, models)
    with database.writing() as session:
        audit.record_many(session, "测试", "model.rejected", [("model", None, {"version": "x"})] * many)
    note_current(database, models)
    bundle.promote(models, add_model(models, "v2"))
    note_current(database, models)
    note_current(database, models)
    assert [one for one in switches(database) if one[0] == "model.found"] == [
        ("model.found", None, a),
        ("model.found", a, "v2"),
    ]
    bundle.promote(models, add_model(models, "v3"))
    assert roll_back(database, console(), models) == "v2"
    assert roll_back(database, console(), models) == a


@pytest.mark.parametrize("version", ["nothing", "", "..", "../x", ".20-draft"])
def test_an_unknown_model_is_refused(database: Database, models: Path, version: str) -> None:
    """And nothing is written."""
    for act in (lambda: show_model(models, version), lambda: promote(database, console(), models, version)):
        with pytest.raises(NotFoundError, match="fenban models list"):
            act()
    assert switches(database) == []


def test_a_damaged_model_never_goes_into_service(database: Database, models: Path) -> None:
    """The one in service stays, with nothing on record; the list shows the others."""
    a = first(models)
    promote(database, console(), models, add_model(models, "v2"))
    for version in (add_model(models, "v3"), a):
        damage(models, version)
    before = switches(database)
    for act in (
        lambda: promote(database, console(), models, "v3"),
        lambda: roll_back(database, console(), models),
        lambda: show_model(models, "v3"),
    ):
        with pytest.raises(InvalidModelError, match="与发布时不一致"):
            act()
    assert (bundle.current(models).name, switches(database)) == ("v2", before)
    states = {one.version: one.state for one in list_models(models)}
    assert states == {"v2": "current", "v3": "damaged", a: "damaged"}


def test_a_switch_that_fails_leaves_no_entry(database: Database, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Entry and switch stand or fall together."""
    add_model(models, "v2")
    note_current(database, models)

    def full(*_: object) -> None:
        raise InvalidModelError("磁盘已满")

    monkeypatch.setattr(bundle, "promote", full)
    with pytest.raises(InvalidModelError):
        promote(database, console(), models, "v2")
    assert switches(database) == [("model.found", None, first(models))]


def test_clerks_switch_nothing(database: Database, models: Path) -> None:
    """Only who may manage models."""
    clerk = Actor("赵分办", ROLES["triage"], 1)
    for act in (
        lambda: promote(database, clerk, models, first(models)),
        lambda: roll_back(database, clerk, models),
    ):
        with pytest.raises(NotAllowedError, match="管理模型"):
            act()


# What a running application answers with.


def wait_until(true: Callable[[], bool]) -> None:
    """Give a thread ten seconds."""
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.02)


def test_a_promoted_model_answers_without_a_failing_request(
    make_app: Callable[..., Flask], models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requests go on while it is loaded; each is answered by one of the two."""
    monkeypatch.setattr(web_model, "_LOOK_EVERY_S", 0.05)
    app, before = make_app(models_dir=models), first(models)
    seen: list[tuple[int, str]] = []
    stop = threading.Event()

    def ask() -> None:
        client = with_token(app, "suggest")
        while not stop.is_set():
            answer = client.post("/api/v1/suggestions", json={"text": "半夜施工太吵"})
            seen.append((answer.status_code, answer.get_json().get("model_version", "")))

    asking = [threading.Thread(target=ask) for _ in range(2)]
    for one in asking:
        one.start()
    wait_until(lambda: len(seen) > 3)
    bundle.promote(models, add_model(models, "v2"))
    wait_until(lambda: (200, "v2") in seen)
    stop.set()
    for one in asking:
        one.join()
    assert set(seen) == {(200, before), (200, "v2")}


def test_a_damaged_model_is_not_taken_up(models: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The log says why, once; the next good one is."""
    served = Served(models)
    bundle.promote(models, add_model(models, "v2"))
    damage(models, "v2")
    with caplog.at_level(logging.ERROR):
        served.look()
        served.look()
    assert len(caplog.records) == 1
    assert "与发布时不一致" in caplog.text
    assert served.classifier().version == first(models)
    (models / bundle.CURRENT).unlink()
    served.look()
    assert served.classifier().version == first(models)
    bundle.promote(models, add_model(models, "v3"))
    served.look()
    assert served.classifier().version == "v3"


def test_the_first_model_is_taken_up(models: Path, caplog: pytest.LogCaptureFixture) -> None:
    """An office may start the service before it has trained one."""
    pointer = models / bundle.CURRENT
    version = pointer.read_text()
    pointer.unlink()
    served = Served(models)
    with pytest.raises(InvalidModelError, match="fenban train"):
        served.classifier()
    pointer.write_text(version)
    served.look()
    assert served.classifier().version == version.strip()


def test_one_failing_look_does_not_end_the_watch(
    models: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever it was is logged, and the next look finds the model."""
    monkeypatch.setattr(web_model, "_LOOK_EVERY_S", 0.01)
    served, look, failed = Served(models), Served.look, threading.Event()

    def fail_once(self: Served) -> None:
        if not failed.is_set():
            failed.set()
            raise MemoryError("no memory")
        look(self)

    monkeypatch.setattr(Served, "look", fail_once)
    bundle.promote(models, add_model(models, "v2"))
    wait_until(lambda: served.classifier().version == "v2")
    assert "no memory" in caplog.text


def test_a_pointer_that_is_no_text_is_told_in_words(models: Path) -> None:
    """Not a traceback."""
    (models / bundle.CURRENT).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FenbanError, match="CURRENT"):
        bundle.current(models)
