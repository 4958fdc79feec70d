"""The API for models: which there are, retraining, doubtful labels, promotion and return."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from apiflask import APIBlueprint
from pydantic import BaseModel, ConfigDict, Field

from casework.service import doubts, releases
from casework.service.desk import Case, LabelCheck, find
from casework.service.jobs import RETRAIN
from casework.service.permissions import Permission
from casework.web.access import current_actor
from casework.web.database import database
from casework.web.desk import desk, jobs, models_dir
from casework.web.schemas import Input

blueprint = APIBlueprint("releases", __name__, url_prefix="/api/v1", tag="models")


class ModelOut(BaseModel):
    """A released model."""

    model_config = ConfigDict(from_attributes=True)

    version: str
    state: Literal["current", "kept", "rejected", "damaged"]
    created: datetime | None
    rows: int
    metrics: dict[str, float]
    verdict: dict[str, Any] | None = Field(description="与当时现用模型的比较；没有比较过则为空")


class ModelsOut(BaseModel):
    """All released models, the newest first."""

    models: list[ModelOut]


class PromoteIn(Input):
    """Why a model is put into service."""

    why: str = ""


class ServiceOut(BaseModel):
    """The model now in service."""

    version: str


class JobOut(BaseModel):
    """Work in the background."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    kind: str
    state: Literal["queued", "running", "done", "failed", "interrupted"]
    requested_by: str
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    progress: str
    result: dict[str, Any] | None = Field(description="结果；失败时 error 说明原因")


class DoubtOut(BaseModel):
    """A handled case whose department the last training doubts."""

    number: str
    title: str
    text: str
    department: str
    likelier: str
    confidence: float
    state: str
    found_at: datetime


class DoubtsOut(BaseModel):
    """Doubtful labels, the surest doubts first."""

    doubts: list[DoubtOut]


class AnswerIn(Input):
    """What a supervisor says of a doubtful label."""

    answer: Literal["confirmed", "changed", "left_out"]
    department: str | None = Field(None, description="改正（changed）时应学的部门")


@blueprint.get("/models")
@blueprint.output(ModelsOut)
@blueprint.doc(summary="列出已训练的模型")
def list_models() -> ModelsOut:
    """List released models."""
    return ModelsOut(models=[ModelOut.model_validate(one) for one in releases.list_models(models_dir())])


@blueprint.get("/models/<version>")
@blueprint.output(ModelOut)
@blueprint.doc(summary="查看一个模型及其比较结果")
def show_model(version: str) -> ModelOut:
    """Show a released model."""
    return ModelOut.model_validate(releases.show_model(models_dir(), version))


@blueprint.post("/models/<version>/promotion")
@blueprint.input(PromoteIn, arg_name="promotion")
@blueprint.output(ServiceOut)
@blueprint.doc(summary="启用一个模型", description="几秒之内各服务进程换用，不中断请求。")
def promote(version: str, promotion: PromoteIn) -> ServiceOut:
    """Put a model into service."""
    releases.promote(database(), current_actor(), models_dir(), version, promotion.why)
    return ServiceOut(version=version)


@blueprint.post("/models/rollback")
@blueprint.output(ServiceOut)
@blueprint.doc(summary="换回上一个模型")
def roll_back() -> ServiceOut:
    """Put the model before the present one back into service."""
    return ServiceOut(version=releases.roll_back(database(), current_actor(), models_dir()))


@blueprint.post("/retraining")
@blueprint.output(JobOut, status_code=202)
@blueprint.doc(summary="用已办件重新训练", description="在后台进行；更好才启用，结果看任务。")
def retrain() -> tuple[JobOut, int]:
    """Queue a retraining."""
    return JobOut.model_validate(jobs().request(current_actor(), RETRAIN)), 202


@blueprint.get("/jobs/<int:job_id>")
@blueprint.output(JobOut)
@blueprint.doc(summary="后台任务的进展和结果")
def show_job(job_id: int) -> JobOut:
    """Show how a job stands."""
    return JobOut.model_validate(jobs().find(current_actor(), job_id))


@blueprint.get("/label-checks")
@blueprint.output(DoubtsOut)
@blueprint.doc(summary="待核对的标注", description="训练时怀疑标错、暂不学习的已办件。")
def list_doubts() -> DoubtsOut:
    """List doubtful labels."""
    with database().reading() as session:
        found = doubts.list_doubts(session, current_actor())
        return DoubtsOut(doubts=[_doubt(check, case) for check, case in found])


@blueprint.post("/label-checks/<number>")
@blueprint.input(AnswerIn, arg_name="answer")
@blueprint.output(DoubtOut)
@blueprint.doc(summary="核对一个标注", description="确认、改正或不学；诉求件本身不变。")
def settle_doubt(number: str, answer: AnswerIn) -> DoubtOut:
    """Settle a doubtful label."""
    own = desk()
    with database().writing() as session:
        case = find(session, own.actor, number, Permission.MODELS)
        check = doubts.settle_doubt(session, own.actor, own.taxonomy, case, answer.answer, answer.department)
        return _doubt(check, case)


@blueprint.delete("/label-checks/<number>")
@blueprint.output(DoubtOut)
@blueprint.doc(summary="撤销核对", description="核对的结果作废，重新等人核对。")
def reopen_doubt(number: str) -> DoubtOut:
    """Take an answer back."""
    with database().writing() as session:
        case = find(session, current_actor(), number, Permission.MODELS)
        return _doubt(doubts.reopen_doubt(session, current_actor(), case), case)


def _doubt(check: LabelCheck, case: Case) -> DoubtOut:
    return DoubtOut(
        number=case.number,
        title=case.title,
        text=case.text,
        department=check.corrected or check.department,
        likelier=check.likelier,
        confidence=check.confidence,
        state=check.state,
        found_at=check.found_at,
    )
