"""Looks through a register and a folder of models for anything lost or half done."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from sqlalchemy import func, select

from casework.service import releases
from casework.storage.cases import CLOSED, DECIDED, OPEN
from casework.storage.database import Database, Session
from casework.storage.tables import AuditEntry, Case, Decision, Outcome, SuggestionMade
from classifier.model import bundle
from classifier.records import Complaint
from tests.faults.worker import TEXT


def whole_cases(session: Session) -> dict[str, Case]:
    """Every case by its number, each found to have all that belongs to it and nothing more."""
    trail = _counted(session, AuditEntry.subject, AuditEntry.action)
    suggested, decided, closed = (_counted(session, one.case_id) for one in (SuggestionMade, Decision, Outcome))
    last = {one.case_id: one for one in session.scalars(select(Decision).order_by(Decision.id))}
    cases = {case.number: case for case in session.scalars(select(Case))}
    for number, case in cases.items():
        own = suggested[case.id,], decided[case.id,], closed[case.id,]
        entries = [trail[f"case {number}", action] for action in ("case.registered", "case.decided", "case.imported")]
        if case.status == CLOSED:
            assert (own, entries) == ((0, 0, 1), [0, 0, 1]), number
            continue
        assert case.status == (DECIDED if case.version > 1 else OPEN), number
        assert (own, entries) == ((1, case.version - 1, 0), [1, case.version - 1, 0]), number
        assert session.get_one(SuggestionMade, case.suggestion_id).case_id == case.id, number
        assert case.text == TEXT, number
        if case.status == DECIDED:
            assert last[case.id].department == case.department, number
    told_of = {subject for subject, _ in trail if subject.startswith("case ")}
    assert told_of == {f"case {number}" for number in cases}
    return cases


def switches(session: Session) -> list[dict[str, str]]:
    """What the trail tells of models put into service, the oldest first."""
    actions = ("model.promoted", "model.rolled_back", "model.found")
    query = select(AuditEntry.new).where(AuditEntry.action.in_(actions)).order_by(AuditEntry.id)
    return [new for new in session.scalars(query) if new]


def served_model(database: Database, models: Path) -> str:
    """The version in service, found to answer, on record, and beside nothing half written."""
    folder = bundle.current(models)
    assert bundle.load(folder).suggest(Complaint("", TEXT)).model_version == folder.name
    for path in models.iterdir():
        if not path.name.startswith(".") and path.name != bundle.CURRENT:
            assert releases.show_model(models, path.name).version == path.name
    # Noted once, whether or not a kill parted the switch from its entry.
    for _ in range(2):
        releases.note_current(database, models)
    with database.reading() as session:
        versions = [one["version"] for one in switches(session)]
    assert versions[-1] == folder.name
    assert versions[-2:-1] != versions[-1:], "noted twice"
    return folder.name


def _counted(session: Session, *columns: object) -> Counter[tuple[object, ...]]:
    rows = session.execute(select(*columns, func.count()).group_by(*columns))  # type: ignore[call-overload]
    return Counter({tuple(row[:-1]): row[-1] for row in rows})
