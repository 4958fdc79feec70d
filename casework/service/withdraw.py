"""撤回: takes the last decision, hand-back or outcome of a case back, as long as nothing has happened to it since."""

from __future__ import annotations

from casework.service.desk import Desk, change, changed_meanwhile, find, require_person, signed
from casework.service.permissions import Permission
from casework.service.standing import as_it_stood
from casework.storage import cases as stored
from casework.storage import withdrawals
from casework.storage.database import Session
from casework.storage.tables import Case
from classifier.errors import ConflictError


def withdraw(session: Session, desk: Desk, number: str, version: int) -> Case:
    """Put a case, as it was at ``version``, back to where it stood before what was last decided about it.

    What is withdrawn stays in the history, marked; it counts nowhere and nothing is learned from it.
    Whoever decided may withdraw it even where the case is another department's by that.

    Raises
    ------
    ConflictError
        Somebody changed the case since, or the last change was none of these, or was withdrawn itself.
    NotAllowedError
        Somebody else decided it, and the actor may not overrule them.
    """
    actor = desk.actor
    actor.require(Permission.DECIDE)
    require_person(actor)
    case = stored.get(session, number)
    made = withdrawals.last_change(session, case) if case else None
    own = made is not None and made.user_id == actor.user_id
    if case is None or not own:
        case = find(session, actor, number, Permission.DECIDE)
    if case.version != version:
        raise changed_meanwhile(session, desk, case)
    if made is None:
        raise ConflictError(f"{number} 没有可以撤回的：只能撤回最近一次分办、退回或办结，而且只能撤回一次。")
    if not own:
        actor.require(Permission.OVERRULE)
    change(session, desk, case, version, "case.withdrawn", as_it_stood(made))
    withdrawals.add(session, made, signed(actor))
    return case


def may_withdraw(session: Session, desk: Desk, case: Case) -> bool:
    """Whether the actor may withdraw what was last decided about a case, if anything."""
    actor, made = desk.actor, withdrawals.last_change(session, case)
    if made is None or actor.user_id is None or Permission.DECIDE not in actor.permissions:
        return False
    return made.user_id == actor.user_id or Permission.OVERRULE in actor.permissions
