"""Reads and writes many cases at once, for campaigns; one query for a chunk, never one for a case."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import and_, bindparam, exists, select, update
from sqlalchemy.orm import Session, defer

from casework.storage.cases import NO_ID, OPEN
from casework.storage.tables import BacklogRun, Case, Decision, SuggestionMade
from casework.storage.upsert import insert_into
from casework.storage.withdrawals import stands

APPLYING, APPLIED, UNDOING, UNDONE = "applying", "applied", "undoing", "undone"


def begin(session: Session, values: dict[str, Any]) -> bool:
    """Insert a run; False where its file has one."""
    statement = insert_into(session, BacklogRun).values(**values)
    statement = statement.on_conflict_do_nothing(index_elements=["fingerprint"])
    return session.execute(statement.returning(BacklogRun.id)).scalar() is not None


def of_file(session: Session, fingerprint: str) -> BacklogRun | None:
    """The run of a file."""
    return session.scalars(select(BacklogRun).where(BacklogRun.fingerprint == fingerprint)).one_or_none()


def locked(session: Session, run_id: int) -> BacklogRun | None:
    """A run that nobody else changes until the transaction ends."""
    return session.get(BacklogRun, run_id, with_for_update=True) if run_id < NO_ID else None


def newest_first(session: Session) -> list[BacklogRun]:
    """All runs."""
    return list(session.scalars(select(BacklogRun).order_by(BacklogRun.id.desc())))


def cases(session: Session, ids: Collection[int], *, lock: bool) -> dict[int, tuple[Case, SuggestionMade | None]]:
    """Cases with their latest suggestion, by id; locked ones nobody else changes until the transaction ends."""
    query = (
        select(Case, SuggestionMade)
        .outerjoin(SuggestionMade, SuggestionMade.id == Case.suggestion_id)
        .where(Case.id.in_(ids))
        .order_by(Case.id)
        .options(*_WITHOUT_TEXT)
    )
    return {case.id: (case, made) for case, made in session.execute(query.with_for_update(of=Case) if lock else query)}


def ids_of_references(session: Session, references: Collection[str]) -> dict[str, int]:
    """The ids of cases by the references an office knows them by."""
    rows = session.execute(select(Case.reference, Case.id).where(Case.reference.in_(references)))
    return {reference: case_id for reference, case_id in rows if reference is not None}


def done(session: Session, run_id: int, ids: Collection[int]) -> set[int]:
    """Which of the cases a run has changed."""
    query = select(SuggestionMade.case_id).where(SuggestionMade.run_id == run_id, SuggestionMade.case_id.in_(ids))
    return set(session.scalars(query))


def decided_before(session: Session, ids: Collection[int]) -> set[int]:
    """Which of the cases were ever decided, but by decisions that were withdrawn."""
    decided = select(Decision.case_id).where(Decision.case_id.in_(ids), stands(Decision, Decision))
    return set(session.scalars(decided.distinct()))


def standing(session: Session, run_id: int, after: int, limit: int) -> list[tuple[Case, SuggestionMade]]:
    """Cases after the id ``after``, locked, that stand as a run left them, with its suggestion.

    Open, nobody has decided on the run's suggestion, and none has taken its place. A case that was decided
    and came back is open again, but by then somebody has read it.
    """
    decided_on_it = (Decision.case_id == Case.id, Decision.suggestion_id == SuggestionMade.id)
    query = (
        select(Case, SuggestionMade)
        # By the case's id too, or SQLite looks through all open cases for each.
        .join(SuggestionMade, and_(SuggestionMade.case_id == Case.id, SuggestionMade.id == Case.suggestion_id))
        .where(SuggestionMade.run_id == run_id, SuggestionMade.case_id > after, Case.status == OPEN)
        .where(~exists().where(*decided_on_it, stands(Decision, Decision)))
        .order_by(SuggestionMade.case_id)
        .options(*_WITHOUT_TEXT)
        .limit(limit)
        .with_for_update(of=Case)
    )
    return [(case, made) for case, made in session.execute(query)]


def change(session: Session, changes: Sequence[tuple[Case, dict[str, Any]]]) -> None:
    """Update locked cases, each with the same columns, and their versions."""
    if not changes:
        return
    columns: dict[str, Any] = {name: bindparam(f"new_{name}") for name in changes[0][1]}
    statement = (
        update(Case)
        .where(Case.id == bindparam("case_id"), Case.version == bindparam("seen"))
        .values(version=Case.version + 1, **columns)
    )
    rows = [
        {"case_id": case.id, "seen": case.version} | {f"new_{name}": value for name, value in values.items()}
        for case, values in changes
    ]
    # Not by the session, which takes a list of rows for an update by primary key alone.
    done = session.connection().execute(statement, rows).rowcount
    assert done == len(rows), "a locked case is at the version it was read at"


_WITHOUT_TEXT = (defer(Case.title), defer(Case.text), defer(Case.original))
