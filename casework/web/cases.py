"""The API for cases: register, list, decide, hand back, close, withdraw."""

from __future__ import annotations

from datetime import UTC, datetime

from apiflask import APIBlueprint

from casework.service import decide as decisions
from casework.service import listing, register
from casework.service.desk import Case, detail, find
from casework.service.withdraw import withdraw
from casework.storage.database import Session
from casework.web.case_schemas import (
    CaseDetailOut,
    CaseIn,
    CaseQuery,
    CaseShapes,
    CasesOut,
    DecisionIn,
    HandBackIn,
    OriginalOut,
    OutcomeIn,
    WithdrawalIn,
)
from casework.web.database import database
from casework.web.desk import desk
from classifier.records import Complaint

blueprint = APIBlueprint("cases", __name__, url_prefix="/api/v1/cases", tag="cases")


@blueprint.post("")
@blueprint.input(CaseIn, arg_name="new")
@blueprint.output(CaseDetailOut, status_code=201)
@blueprint.doc(summary="登记一件诉求", description="同一来文编号再次登记，返回原来的诉求件（200）；内容不同则 409。")
def add(new: CaseIn) -> tuple[CaseDetailOut, int]:
    """Register a complaint."""
    case = register.NewCase(Complaint(new.title, new.text), new.channel, new.place, new.reference, new.received_at)
    with database().writing() as session:
        registered, created = register.register(session, desk(), case)
        return _detail(session, registered), 201 if created else 200


@blueprint.get("")
@blueprint.input(CaseQuery, location="query", arg_name="query")
@blueprint.output(CasesOut)
@blueprint.doc(summary="列出诉求件", description="须人工复核的在前，再按剩余时间；用 next_cursor 取下一页。")
def page(query: CaseQuery) -> CasesOut:
    """List cases."""
    wanted = listing.Filters(**query.model_dump(exclude={"due", "sort", "cursor", "limit"}))
    with database().reading() as session:
        own = desk()
        asked = (query.due, query.cursor, query.limit, query.sort)
        found = listing.list_cases(session, own.actor, own.office, wanted, *asked)
        return CaseShapes(own, datetime.now(UTC)).page(found)


@blueprint.get("/<number>")
@blueprint.output(CaseDetailOut)
@blueprint.doc(summary="查看一件诉求及其经过")
def show(number: str) -> CaseDetailOut:
    """Show a case and what happened to it."""
    with database().reading() as session:
        return _detail(session, find(session, desk().actor, number))


@blueprint.get("/<number>/original")
@blueprint.output(OriginalOut)
@blueprint.doc(summary="查看原文", description="仅在本单位保存原文时可用；每次查看都有记录。")
def original(number: str) -> OriginalOut:
    """Show a complaint as it came."""
    with database().writing() as session:
        title, text = decisions.read_original(session, desk(), number)
        return OriginalOut(title=title, text=text)


@blueprint.post("/<number>/suggestions")
@blueprint.output(CaseDetailOut)
@blueprint.doc(summary="用现在的模型重新建议", description="原来的建议保留。")
def suggest(number: str) -> CaseDetailOut:
    """Ask the model in service again."""
    with database().writing() as session:
        return _detail(session, register.suggest_again(session, desk(), number))


@blueprint.post("/<number>/decisions")
@blueprint.input(DecisionIn, arg_name="decision")
@blueprint.output(CaseDetailOut)
@blueprint.doc(summary="分办", description="已分办的可以改派；已被别人改过则 409，并说明由谁分办给了谁。")
def decide(number: str, decision: DecisionIn) -> CaseDetailOut:
    """Send a case to a department."""
    choice = decisions.Choice(**decision.model_dump(exclude={"version"}))
    with database().writing() as session:
        return _detail(session, decisions.decide(session, desk(), number, decision.version, choice))


@blueprint.post("/<number>/hand-backs")
@blueprint.input(HandBackIn, arg_name="hand_back")
@blueprint.output(CaseDetailOut)
@blueprint.doc(summary="退回", description="部门认为不属本单位职责；回到待分办。")
def hand_back(number: str, hand_back: HandBackIn) -> CaseDetailOut:
    """Take a case back from a department."""
    with database().writing() as session:
        case = decisions.hand_back(session, desk(), number, hand_back.version, hand_back.reason)
        return _detail(session, case)


@blueprint.post("/<number>/outcome")
@blueprint.input(OutcomeIn, arg_name="outcome")
@blueprint.output(CaseDetailOut)
@blueprint.doc(summary="办结")
def close(number: str, outcome: OutcomeIn) -> CaseDetailOut:
    """Close a case."""
    with database().writing() as session:
        case = decisions.close(session, desk(), number, outcome.version, outcome.department, outcome.note)
        return _detail(session, case)


@blueprint.post("/<number>/withdrawal")
@blueprint.input(WithdrawalIn, arg_name="withdrawal")
@blueprint.output(CaseDetailOut)
@blueprint.doc(
    summary="撤回", description="撤回最近一次分办、退回或办结；此后又有改动的不能撤回，别人的只有主管能撤回。"
)
def take_back(number: str, withdrawal: WithdrawalIn) -> CaseDetailOut:
    """Withdraw the last decision, hand-back or outcome."""
    with database().writing() as session:
        return _detail(session, withdraw(session, desk(), number, withdrawal.version))


def _detail(session: Session, case: Case) -> CaseDetailOut:
    # Not found anew: whoever has just sent a case to another department may no longer see it.
    return CaseShapes(desk(), datetime.now(UTC)).detail(detail(session, case))
