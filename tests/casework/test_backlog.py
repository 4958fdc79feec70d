"""A reclassified backlog becomes the current suggestions of its cases, and can be taken back; on both databases."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backlog.chunk import ADDED_COLUMNS
from backlog.tables import new_table
from casework.service import backlog
from casework.service.decide import Choice, close, decide, hand_back
from casework.service.desk import Desk, detail
from casework.service.office import Office
from casework.service.permissions import ROLES, Actor
from casework.service.register import NewCase, register, suggest_again
from casework.service.watch import watch
from casework.storage import audit
from casework.storage.database import Database
from casework.storage.tables import BacklogRun, Case, SuggestionMade, User
from classifier.errors import ConflictError, InvalidTableError, NotAllowedError, NotFoundError
from classifier.model.classifier import Classifier
from classifier.records import Complaint

RECEIVED = datetime(2026, 3, 6, 7, 0, tzinfo=UTC)
STANDING = ("suggestion_id", "department", "assist", "urgency", "certain", "due_at")


@pytest.fixture
def desk(database: Database, classifier: Classifier) -> Desk:
    """A supervisor at an office that shows every suggestion."""
    with database.writing() as session:
        session.add(User(name="李主管", role="supervisor", password_hash="-", created_at=datetime.now(UTC)))
    return Desk(Actor("李主管", ROLES["supervisor"], 1), Office(blind_share=0), classifier.taxonomy, classifier)


@pytest.fixture
def smoke(database: Database, desk: Desk) -> Case:
    """An open case that the model finds to be for environment."""
    return new_case(database, desk)


def new_case(database: Database, desk: Desk) -> Case:
    """Register one."""
    with database.writing() as session:
        case, _ = register(session, desk, NewCase(Complaint("", "砖厂半夜冒黑烟"), received_at=RECEIVED))
    assert case.department in ("environment", None)
    return case


def row(case: Case, **cells: str) -> dict[str, str]:
    """What reclassifying made of an exported case."""
    return {
        "number": case.number,
        "version": str(case.version),
        "suggested_department": "land",
        "department_confidence": "0.9100",
        "candidates": '[["land", 0.91], ["other", 0.09]]',
        "suggested_assist": "other",
        "suggested_urgency": "urgent",
        "urgency_confidence": "0.7000",
        "needs_review": "false",
        "reasons": "砖厂；黑烟",
        "model_version": "新模型",
        "error": "",
    } | cells


def file(tmp_path: Path, *rows: dict[str, str], name: str = "结果.csv") -> Path:
    """A result as `fenban reclassify` writes it."""
    header = ("number", "version", *ADDED_COLUMNS)
    with new_table(tmp_path / name) as out:
        out.writerow(header)
        out.writerows([one[column] for column in header] for one in rows)
    return tmp_path / name


def now(database: Database, case: Case) -> Case:
    """A case as it stands."""
    with database.reading() as session:
        return session.get_one(Case, case.id)


def standing(case: Case) -> list[object]:
    """All that a suggestion settles."""
    return [getattr(case, name) for name in STANDING]


def test_a_suggestion_becomes_the_current_one_and_goes_back(
    database: Database, desk: Desk, smoke: Case, tmp_path: Path
) -> None:
    """With the due time of its level; both stay in the history, and every step in the audit trail."""
    run = backlog.apply(database, desk, file(tmp_path, row(smoke)))
    applied = now(database, smoke)
    assert (applied.department, applied.assist, applied.urgency, applied.certain) == ("land", "other", "urgent", 1)
    assert (applied.due_at - RECEIVED, applied.version) == (timedelta(days=3), smoke.version + 1)
    assert (run.state, run.changed, run.restored, run.left) == ("applied", 1, 0, {})
    undone = backlog.undo(database, desk.actor, run.id)
    back = now(database, smoke)
    assert standing(back) == standing(smoke)
    assert back.version == smoke.version + 2
    assert (undone.state, undone.restored, undone.undone_by) == ("undone", 1, "李主管")
    with database.reading() as session:
        made = detail(session, back).suggestions
        assert [one.run_id for one in made] == [None, run.id]
        assert made[1].details["candidates"] == [["land", 0.91], ["other", 0.09]]
        assert [one["text"] for one in made[1].details["reasons"]] == ["砖厂", "黑烟"]
        undoing, applying = audit.entries(session, f"case {smoke.number}")[:2]
        assert (applying.action, applying.actor, applying.new["department"]) == ("case.suggested", "李主管", "land")
        assert (undoing.action, undoing.new["department"]) == ("case.suggestion_undone", smoke.department)
        assert applying.new["run"] == undoing.new["run"] == run.id
        steps = [one.action for one in audit.entries(session, f"backlog run {run.id}")]
        assert steps == ["backlog.undone", "backlog.undoing", "backlog.applied", "backlog.applying"]


def test_a_preview_tells_and_changes_nothing(database: Database, desk: Desk, tmp_path: Path) -> None:
    """From what to what, and how sure; once applied there is nothing left to do."""
    one, two = (new_case(database, desk) for _ in range(2))
    path = file(tmp_path, row(one), row(two, department_confidence="0.4", needs_review="TRUE"))
    with database.reading() as session:
        seen = backlog.preview(session, desk, path)
        assert backlog.list_runs(session, desk.actor) == []
    assert (seen.rows, seen.changes, seen.needs_review) == (2, 2, 1)
    assert seen.departments == {("environment", "land"): 2}
    assert seen.urgencies == {(one.urgency, "urgent"): 2}
    assert seen.confidence == {0.8: 1, 0.0: 1}
    assert standing(now(database, one)) == standing(one)
    backlog.apply(database, desk, path)
    with database.reading() as session:
        seen = backlog.preview(session, desk, path)
    assert (seen.changes, seen.left) == (0, {"done": 2})


def test_a_file_of_the_office_s_own_names_cases_by_their_reference(
    database: Database, desk: Desk, tmp_path: Path
) -> None:
    """It tells no version; decided cases stay, as do others' references, and a blank one names nothing."""
    with database.writing() as session:
        open_, decided = (
            register(session, desk, NewCase(Complaint("", "砖厂半夜冒黑烟"), reference=reference))[0]
            for reference in ("信-7", "信-8")
        )
        decide(session, desk, decided.number, 1, Choice("land"))
    header = ("工单号", *ADDED_COLUMNS)
    with new_table(tmp_path / "工单.csv") as out:
        out.writerow(header)
        for reference in ("信-7", "信-8", "信-9", ""):
            one = row(open_) | {"工单号": reference}
            out.writerow([one[column] for column in header])
    run = backlog.apply(database, desk, tmp_path / "工单.csv")
    assert (run.changed, run.left) == (1, {"decided": 1, "unknown": 2})
    assert now(database, open_).department == "land"
    told: list[float] = []
    backlog.undo(database, desk.actor, run.id, told.append)
    assert told[-1] == 1
    assert now(database, open_).department == open_.department


def test_a_clerk_with_the_page_open_notices(database: Database, desk: Desk, smoke: Case, tmp_path: Path) -> None:
    """They decide on what they have not seen as little as after a colleague's change, also after an undo."""
    run = backlog.apply(database, desk, file(tmp_path, row(smoke)))
    with pytest.raises(ConflictError), database.writing() as session:
        decide(session, desk, smoke.number, smoke.version, Choice("environment"))
    backlog.undo(database, desk.actor, run.id)
    with pytest.raises(ConflictError), database.writing() as session:
        decide(session, desk, smoke.number, smoke.version + 1, Choice("environment"))


def test_what_is_settled_or_unclear_is_left_and_counted(database: Database, desk: Desk, tmp_path: Path) -> None:
    """Decisions stand; what changed since the export is somebody's work; the same again is no news."""
    decided, closed, changed, same, unread, gone = (new_case(database, desk) for _ in range(6))
    with database.writing() as session:
        decide(session, desk, decided.number, 1, Choice("environment"))
        decide(session, desk, closed.number, 1, Choice("environment"))
        close(session, desk, closed.number, 2)
        suggest_again(session, desk, changed.number)
        current = session.get_one(SuggestionMade, same.suggestion_id)
    cases = [now(database, one) for one in (decided, closed, changed, same, unread)]
    as_now = {
        "suggested_department": current.department,
        "suggested_assist": current.assist or "",
        "suggested_urgency": current.urgency or "",
        "needs_review": str(current.needs_review).lower(),
    }
    path = file(
        tmp_path,
        *(row(one) for one in cases[:2]),
        row(changed),
        row(same, **as_now),
        row(unread, error="内容为空", suggested_department="", candidates=""),
        row(gone, number="2025-000001"),
        row(gone, number="2026-99999999999999999"),
        row(gone, number="信-17"),
    )
    run = backlog.apply(database, desk, path)
    assert (run.changed, run.left) == (
        0,
        {"changed": 1, "closed": 1, "decided": 1, "error": 1, "unchanged": 1, "unknown": 3},
    )
    for one in cases:
        assert (now(database, one).version, standing(now(database, one))) == (one.version, standing(one))


def test_a_case_without_a_suggestion_gets_one(database: Database, desk: Desk, tmp_path: Path) -> None:
    """It was registered before there was a model; undone, it waits as it did."""
    with database.writing() as session:
        case, _ = register(session, replace(desk, classifier=None), NewCase(Complaint("", "路灯不亮")))
    path = file(tmp_path, row(case))
    assert preview(database, desk, path).departments == {(None, "land"): 1}
    run = backlog.apply(database, desk, path)
    assert (now(database, case).department, now(database, case).certain) == ("land", 1)
    backlog.undo(database, desk.actor, run.id)
    assert standing(now(database, case)) == standing(case)


def test_a_blind_case_keeps_its_secret(database: Database, desk: Desk, tmp_path: Path) -> None:
    """Neither the case nor the audit trail tells the suggested department before somebody has decided."""
    case = new_case(database, replace(desk, office=Office(blind_share=1)))
    run = backlog.apply(database, desk, file(tmp_path, row(case)))
    applied = now(database, case)
    assert (applied.department, applied.assist, applied.certain) == (None, None, 0)
    assert (applied.urgency, applied.due_at - RECEIVED) == ("urgent", timedelta(days=3))
    with database.reading() as session:
        assert detail(session, applied).suggestions == []
        assert not any("department" in (one.new or {}) for one in audit.entries(session, f"case {case.number}"))
    backlog.undo(database, desk.actor, run.id)
    assert standing(now(database, case)) == standing(case)


def test_a_case_that_came_back_is_still_looked_at_closely(
    database: Database, desk: Desk, smoke: Case, tmp_path: Path
) -> None:
    """However sure the model is; undone, it is again with whom it came back from."""
    with database.writing() as session:
        decide(session, desk, smoke.number, 1, Choice("education"))
        hand_back(session, desk, smoke.number, 2, "不是我局职责")
    before = now(database, smoke)
    run = backlog.apply(database, desk, file(tmp_path, row(before)))
    assert (now(database, smoke).department, now(database, smoke).certain) == ("land", 0)
    backlog.undo(database, desk.actor, run.id)
    assert standing(now(database, smoke)) == standing(before)


def test_what_somebody_did_since_stays(database: Database, desk: Desk, tmp_path: Path) -> None:
    """A decision, a hand-back after it, another suggestion, another run: undoing leaves them and counts the rest."""
    decided, came_back, asked, again, untouched = (new_case(database, desk) for _ in range(5))
    cases = (decided, came_back, asked, again, untouched)
    run = backlog.apply(database, desk, file(tmp_path, *map(row, cases)))
    with database.writing() as session:
        decide(session, desk, decided.number, 2, Choice("land"))
        decide(session, desk, came_back.number, 2, Choice("education"))
        hand_back(session, desk, came_back.number, 3, "不是我局职责")
        suggest_again(session, desk, asked.number)
    later = row(now(database, again), suggested_department="education", suggested_assist="")
    backlog.apply(database, desk, file(tmp_path, later, name="后来.csv"))
    before = [now(database, one) for one in cases[:4]]
    undone = backlog.undo(database, desk.actor, run.id)
    assert (undone.changed, undone.restored) == (5, 1)
    assert standing(now(database, untouched)) == standing(untouched)
    for one in before:
        assert (now(database, one).version, standing(now(database, one))) == (one.version, standing(one))


def test_two_runs_are_undone_newest_first(database: Database, desk: Desk, smoke: Case, tmp_path: Path) -> None:
    """Back to the first, then to where it all began."""
    first = backlog.apply(database, desk, file(tmp_path, row(smoke)))
    between = now(database, smoke)
    second = backlog.apply(
        database, desk, file(tmp_path, row(between, suggested_department="education"), name="二.csv")
    )
    assert now(database, smoke).department == "education"
    backlog.undo(database, desk.actor, second.id)
    assert standing(now(database, smoke)) == standing(between)
    assert backlog.undo(database, desk.actor, first.id).restored == 1
    assert standing(now(database, smoke)) == standing(smoke)
    with database.reading() as session:
        assert [one.id for one in backlog.list_runs(session, desk.actor)] == [second.id, first.id]


class Stop(Exception):  # noqa: N818 # stands for a crash
    """The process dies."""


def stop(*_: object) -> None:
    """Die."""
    raise Stop


@pytest.fixture
def interrupted(
    database: Database, desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[Case], Path]:
    """Three cases and a result for them, of which one was applied when the process died."""
    monkeypatch.setattr(backlog, "_ROWS_PER_CHUNK", 1)
    cases = [new_case(database, desk) for _ in range(3)]
    path = file(tmp_path, *map(row, cases))
    with pytest.raises(Stop):
        backlog.apply(database, desk, path, progress=stop)
    with database.reading() as session:
        (run,) = backlog.list_runs(session, desk.actor)
    assert (run.state, run.changed, run.left) == ("applying", 1, None)
    return cases, path


def test_an_interrupted_run_is_continued(database: Database, desk: Desk, interrupted: tuple[list[Case], Path]) -> None:
    """By the same result again, each case once; a third time there is nothing to do."""
    cases, path = interrupted
    for _ in range(2):
        run = backlog.apply(database, desk, path)
        assert (run.id, run.state, run.changed, run.left) == (1, "applied", 3, {})
    assert [now(database, one).version for one in cases] == [2, 2, 2]


def test_an_interrupted_run_can_be_undone_even_if_that_is_interrupted(
    database: Database, desk: Desk, interrupted: tuple[list[Case], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Undone again it goes on; what was half undone is not applied."""
    cases, path = interrupted
    find, calls = backlog.runs.standing, list[int]()

    def find_once(*arguments: object) -> object:
        calls.append(1)
        return find(*arguments) if len(calls) == 1 else stop()  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(backlog.runs, "standing", find_once)
        with pytest.raises(Stop):
            backlog.undo(database, desk.actor, 1)
    with pytest.raises(ConflictError, match="没有撤销完"):
        backlog.apply(database, desk, path)
    run = backlog.undo(database, desk.actor, 1)
    assert (run.state, run.changed, run.restored) == ("undone", 1, 1)
    assert [standing(now(database, one)) for one in cases] == [standing(one) for one in cases]


def test_applied_by_two_at_once_each_case_changes_once(
    database: Database, desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is later does what is left, or is told that it is done."""
    monkeypatch.setattr(backlog, "_ROWS_PER_CHUNK", 2)
    cases = [new_case(database, desk) for _ in range(10)]
    path, wrong = file(tmp_path, *map(row, cases)), list[Exception]()

    def work() -> None:
        try:
            backlog.apply(database, desk, path)
        except ConflictError:
            pass
        except Exception as error:  # shown below, whatever it is
            wrong.append(error)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    with database.reading() as session:
        (run,) = backlog.list_runs(session, desk.actor)
    assert (wrong, run.state, run.changed) == ([], "applied", 10)
    assert {now(database, one).version for one in cases} == {2}


def test_once_undone_is_undone(database: Database, desk: Desk, smoke: Case, tmp_path: Path) -> None:
    """Neither undone again nor applied again; the message says what to do."""
    path = file(tmp_path, row(smoke))
    run = backlog.apply(database, desk, path)
    backlog.undo(database, desk.actor, run.id)
    steps: list[Callable[[], object]] = [
        lambda: backlog.undo(database, desk.actor, run.id),
        lambda: backlog.apply(database, desk, path),
        lambda: preview(database, desk, path),
    ]
    for step in steps:
        with pytest.raises(ConflictError, match=r"已撤销.*重新导出、重新分类"):
            step()
    for number in (run.id + 1, 10**30):
        with pytest.raises(NotFoundError, match=f"没有批量更新 {number}"):
            backlog.undo(database, desk.actor, number)


def preview(database: Database, desk: Desk, path: Path) -> backlog.Preview:
    """Look a result through."""
    with database.reading() as session:
        return backlog.preview(session, desk, path)


WRONG = [
    ({"suggested_department": "林业局"}, "suggested_department 的值“林业局”不在分类表里"),
    ({"suggested_department": ""}, "suggested_department 的值“”不在分类表里"),
    ({"suggested_assist": "林业局"}, "suggested_assist 的值“林业局”"),
    ({"suggested_assist": "自然资源"}, "suggested_assist 的值“land”与主办部门相同"),
    ({"suggested_urgency": "马上"}, "suggested_urgency 的值“马上”"),
    ({"department_confidence": "很高"}, "department_confidence 的值“很高”不是 0 到 1 的数"),
    ({"department_confidence": "nan"}, "“nan”不是 0 到 1"),
    ({"urgency_confidence": "1.5"}, "urgency_confidence 的值“1.5”"),
    ({"candidates": "land"}, "candidates 的值“land”不是"),
    ({"candidates": '[["林业局", 1]]'}, "candidates 的值“林业局”不在分类表里"),
    ({"candidates": "[1]"}, "candidates 的值“[1]”"),
    ({"needs_review": "也许"}, "needs_review 的值“也许”应为 true 或 false"),
    ({"model_version": ""}, "model_version 的值“”"),
    ({"version": "昨天"}, "version 的值“昨天”不是导出时写的版本号"),
    ({}, "前面已有一行"),
]


@pytest.mark.parametrize(("cells", "message"), WRONG)
def test_a_wrong_row_is_named_and_nothing_changes(
    database: Database, desk: Desk, smoke: Case, tmp_path: Path, cells: dict[str, str], message: str
) -> None:
    """Not even by the rows that are right."""
    path = file(tmp_path, row(smoke), row(smoke, **cells))
    for step in (lambda: backlog.apply(database, desk, path), lambda: preview(database, desk, path)):
        with pytest.raises(InvalidTableError) as error:
            step()
        assert "有 1 行有错，一件也没有改" in str(error.value)
        assert "第 3 行：" in str(error.value)
        assert message in str(error.value)
    assert now(database, smoke).version == 1
    with database.reading() as session:
        assert backlog.list_runs(session, desk.actor) == []


@pytest.mark.parametrize("column", ["number", "version", "suggested_department", "error"])
def test_a_missing_column_is_named(database: Database, desk: Desk, tmp_path: Path, column: str) -> None:
    """So is every file that is no result."""
    path = tmp_path / "x.csv"
    header = [one for one in ("number", "version", *ADDED_COLUMNS) if one != column]
    path.write_text(",".join(header) + "\n", encoding="utf-8")
    with pytest.raises(InvalidTableError, match=f"没有“{column}”列"):
        backlog.apply(database, desk, path)


def test_only_who_handles_files_of_the_whole_register_may(
    database: Database, desk: Desk, smoke: Case, tmp_path: Path
) -> None:
    """Not clerks, not supervisors of one department."""
    path = file(tmp_path, row(smoke))
    run = backlog.apply(database, desk, path)
    for actor, message in (
        (Actor("赵分办", ROLES["triage"], 1), "导入导出"),
        (replace(desk.actor, department="land"), "不限部门"),
    ):
        limited = replace(desk, actor=actor)
        steps = (
            lambda limited=limited: backlog.apply(database, limited, path),
            lambda limited=limited: preview(database, limited, path),
            lambda actor=actor: backlog.undo(database, actor, run.id),
        )
        for step in steps:
            with pytest.raises(NotAllowedError, match=message):
                step()


def test_reasons_are_masked_once_more(database: Database, desk: Desk, smoke: Case, tmp_path: Path) -> None:
    """Whatever the file went through, no number of a person is stored."""
    backlog.apply(database, desk, file(tmp_path, row(smoke, reasons="黑烟；13800000123")))
    with database.reading() as session:
        made = session.get_one(SuggestionMade, now(database, smoke).suggestion_id)
    assert "13800000123" not in json.dumps(made.details)


def test_watching_looks_at_what_comes_in_only(database: Database, desk: Desk, smoke: Case, tmp_path: Path) -> None:
    """A campaign over old cases is no shift of this week's."""

    def shown() -> object:
        with database.reading() as session:
            return watch(session, desk.actor, desk.office, desk.taxonomy, None).figures

    before = shown()
    backlog.apply(database, desk, file(tmp_path, row(smoke)))
    assert shown() == before


def test_names_of_departments_are_taken_too(database: Database, desk: Desk, smoke: Case, tmp_path: Path) -> None:
    """In a workbook as well, as offices send files on."""
    path = file(tmp_path, row(smoke, suggested_department="自然资源", suggested_urgency="一般"), name="结果.xlsx")
    assert isinstance(backlog.apply(database, desk, path), BacklogRun)
    assert (now(database, smoke).department, now(database, smoke).urgency) == ("land", "routine")
