"""Applies a reclassified backlog to the register and takes it back: thousands of cases, a chunk at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from casework.service.deadlines import Deadlines
from casework.service.desk import Desk, change_many, may_see_suggestion
from casework.service.exchange import fingerprint
from casework.service.permissions import Actor, Permission
from casework.service.result_file import ResultFile
from casework.service.standing import as_it_stands, as_it_stood, standing
from casework.service.verdicts import BANDS, Change, Left, Preview, judge
from casework.storage import audit, runs
from casework.storage.database import Database, Session
from casework.storage.runs import APPLIED, APPLYING, UNDOING, UNDONE
from casework.storage.tables import BacklogRun
from classifier.errors import ConflictError, NotAllowedError, NotFoundError

__all__ = [
    "APPLIED",
    "APPLYING",
    "BANDS",
    "LEFT_NAMES",
    "STATE_NAMES",
    "UNDOING",
    "UNDONE",
    "BacklogRun",
    "Left",
    "Preview",
    "apply",
    "find_undoable",
    "list_runs",
    "preview",
    "require_whole_register",
    "undo",
]

STATE_NAMES = {APPLYING: "未应用完", APPLIED: "已应用", UNDOING: "未撤销完", UNDONE: "已撤销"}
LEFT_NAMES = {
    Left.UNCHANGED: "建议不变",
    Left.DECIDED: "已分办",
    Left.CLOSED: "已办结",
    Left.CHANGED: "导出后被改过",
    Left.UNKNOWN: "没有这个编号",
    Left.ERROR: "重新分类时读不了",
    Left.DONE: "这个结果已经应用过",
}
_ROWS_PER_CHUNK = 1000
_REFUSALS = {
    APPLIED: "刚刚已应用完，不必再做",
    UNDOING: "正在撤销或没有撤销完，请等它做完，或再撤销一次",
    UNDONE: "已撤销，不能再次撤销或应用；要重新更新，请重新导出、重新分类后应用",
}


def preview(session: Session, desk: Desk, path: Path) -> Preview:
    """Say what :func:`apply` would do, and do nothing.

    Raises
    ------
    InvalidTableError
        The file cannot be read, lacks a column, or has rows that cannot be taken.
    ConflictError
        It was applied and undone.
    """
    require_whole_register(desk.actor)
    result = ResultFile(path, desk.taxonomy)
    result.check()
    run = runs.of_file(session, fingerprint(path))
    if run:
        _require_state(run, APPLYING, APPLIED)
    found, rows = Preview(), iter(result)
    while chunk := list(islice(rows, _ROWS_PER_CHUNK)):
        changes, left = judge(session, run.id if run else None, chunk, by_reference=result.by_reference, lock=False)
        found.add(changes, left)
    return found


def apply(
    database: Database, desk: Desk, path: Path, progress: Callable[[float], None] = lambda share_read: None
) -> BacklogRun:
    """Make the suggestions of a reclassified file the current ones of its cases, where these are open.

    Decided and closed cases stay as they are, and so do those that somebody changed since the
    export, or whose suggestion would say the same. The whole file is looked through first. What
    was interrupted is continued by applying the same file again; a second time it does nothing.

    Raises
    ------
    InvalidTableError
        The file cannot be read, lacks a column, or has rows that cannot be taken; nothing was changed.
    ConflictError
        It was applied and undone, or is being undone.
    """
    require_whole_register(desk.actor)
    result = ResultFile(path, desk.taxonomy)
    result.check()
    with database.writing() as session:
        run = _begin(session, desk.actor, path)
        deadlines = Deadlines(session, desk.office, desk.taxonomy)
    left, rows = Counter[str](), iter(result)
    while run.state == APPLYING and (chunk := list(islice(rows, _ROWS_PER_CHUNK))):
        with database.writing() as session:
            run = _locked(session, run.id, APPLYING)
            changes, why = judge(session, run.id, chunk, by_reference=result.by_reference, lock=True)
            _put(session, desk, deadlines, run, changes)
        left += why
        progress(result.share_read)
    if run.state == APPLYING:
        with database.writing() as session:
            run = _locked(session, run.id, APPLYING)
            # Those done before an interruption are among the changed.
            run.left = {reason: count for reason, count in sorted(left.items()) if reason != Left.DONE}
            _enter(session, desk.actor, run, APPLIED)
    return run


def undo(
    database: Database,
    actor: Actor,
    run_id: int,
    progress: Callable[[float], None] = lambda share_done: None,
) -> BacklogRun:
    """Put each case that still stands as a run left it back to where it stood before.

    Cases that were decided meanwhile, or got another suggestion, are left alone. What was
    interrupted is continued by undoing the run again.

    Raises
    ------
    NotFoundError
        There is no such run.
    ConflictError
        It was undone before.
    """
    require_whole_register(actor)
    with database.writing() as session:
        run = _locked(session, run_id, APPLYING, APPLIED, UNDOING)
        if run.state != UNDOING:
            run.undone_by, run.undone_at = actor.name, datetime.now(UTC)
            _enter(session, actor, run, UNDOING)
    after = 0
    while run.state == UNDOING:
        with database.writing() as session:
            run = _locked(session, run_id, UNDOING)
            found = runs.standing(session, run_id, after, _ROWS_PER_CHUNK)
            changes = [(case, as_it_stood(made)) for case, made in found]
            change_many(session, actor, "case.suggestion_undone", changes, run_id)
            run.restored += len(changes)
            if found:
                after = found[-1][0].id
            else:
                _enter(session, actor, run, UNDONE)
        progress(run.restored / max(run.changed, 1))
    return run


def list_runs(session: Session, actor: Actor) -> list[BacklogRun]:
    """All runs, the newest first; those applying or undoing were interrupted, or are under way."""
    actor.require(Permission.EXCHANGE)
    return runs.newest_first(session)


def find_undoable(session: Session, actor: Actor, run_id: int) -> BacklogRun:
    """A run that can be undone, or whose undoing can be gone on with.

    Raises
    ------
    NotFoundError
        There is no such run.
    ConflictError
        It was undone before.
    """
    require_whole_register(actor)
    return _locked(session, run_id, APPLYING, APPLIED, UNDOING)


def require_whole_register(actor: Actor) -> None:
    """Refuse whoever may not change cases of all departments.

    Raises
    ------
    NotAllowedError
    """
    actor.require(Permission.EXCHANGE)
    if actor.department:
        raise NotAllowedError(
            f"“{actor.name}”只能看 {actor.department} 的诉求件，不能批量更新，请由不限部门的主管操作。"
        )


def _require_state(run: BacklogRun, *allowed: str) -> None:
    if run.state not in allowed:
        raise ConflictError(f"批量更新 {run.id}（{run.file_name}）{_REFUSALS[run.state]}。")


def _begin(session: Session, actor: Actor, path: Path) -> BacklogRun:
    """The run of a file, new where it has none."""
    key, now = fingerprint(path), datetime.now(UTC)
    facts = {"fingerprint": key, "file_name": path.name, "applied_by": actor.name, "applied_at": now}
    new = runs.begin(session, facts | {"state": APPLYING, "changed": 0, "restored": 0})
    run = runs.of_file(session, key)
    assert run is not None, "it was there or is now"
    if new:
        _enter(session, actor, run, APPLYING)
    _require_state(run, APPLYING, APPLIED)
    return run


def _locked(session: Session, run_id: int, *allowed: str) -> BacklogRun:
    """A run in one of the allowed states; nobody else moves it on until the transaction ends."""
    if (run := runs.locked(session, run_id)) is None:
        raise NotFoundError(f"没有批量更新 {run_id}，请用 fenban backlog list 查看。")
    _require_state(run, *allowed)
    return run


def _enter(session: Session, actor: Actor, run: BacklogRun, state: str) -> None:
    """Bring a run to a state, and put that on record with what was done until then."""
    run.state = state
    facts = {"file": run.file_name, "changed": run.changed, "restored": run.restored, "left": run.left}
    audit.record(session, actor.name, f"backlog.{state}", f"backlog run {run.id}", None, facts)


def _put(session: Session, desk: Desk, deadlines: Deadlines, run: BacklogRun, changes: Sequence[Change]) -> None:
    """Make suggestions the current ones of their cases."""
    for one in changes:
        one.made.case_id, one.made.run_id, one.made.before = one.case.id, run.id, as_it_stands(one.case)
    session.add_all([one.made for one in changes])
    session.flush()
    came_back = runs.decided_before(session, [one.case.id for one in changes])
    change_many(
        session,
        desk.actor,
        "case.suggested",
        [(one.case, _standing(deadlines, one, one.case.id in came_back)) for one in changes],
        run.id,
    )
    run.changed += len(changes)


def _standing(deadlines: Deadlines, change: Change, decided_before: bool) -> dict[str, Any]:
    case, made = change.case, change.made
    blind = not may_see_suggestion(case)
    values = standing(deadlines, case.received_at, case.channel, made, blind=blind, decided_before=decided_before)
    return values | {"suggestion_id": made.id}
