"""The JSON API: parse, call one service function, shape the answer."""

from __future__ import annotations

from typing import Any

import orjson
from apiflask import APIBlueprint
from flask import Response, current_app, request
from werkzeug.exceptions import UnsupportedMediaType

from casework.service import triage
from casework.web.model import loaded, serving_classifier
from casework.web.schemas import (
    AdviceOut,
    ComplaintIn,
    ComplaintsIn,
    HealthOut,
    ProblemOut,
    SuggestionsOut,
    advice_out,
    suggestion_out,
)
from classifier.errors import InvalidComplaintError, InvalidModelError
from classifier.records import Complaint

blueprint = APIBlueprint("rest", __name__, tag="suggestions")

_PROBLEMS = {
    status: {"description": text, "content": {"application/problem+json": {"schema": ProblemOut.model_json_schema()}}}
    for status, text in {
        400: "not JSON, or from a session without X-CSRFToken",
        401: "no account or token",
        403: "not allowed to this account or token",
        413: "too large",
        415: "not application/json",
        422: "invalid",
        503: "no model",
    }.items()
}


@blueprint.before_request
def require_json() -> None:
    """Refuse bodies that do not say they are JSON."""
    if request.method == "POST" and not request.is_json:
        raise UnsupportedMediaType


@blueprint.post("/api/v1/suggestions")
@blueprint.input(ComplaintIn, arg_name="complaint")
@blueprint.output(AdviceOut)
@blueprint.doc(
    summary="给一件诉求建议", description="建议主办、协办部门和紧急程度，由工作人员决定。", responses=_PROBLEMS
)
def suggest(complaint: ComplaintIn) -> Response:
    """Suggest for one complaint."""
    advice = triage.advise(serving_classifier(current_app), Complaint(complaint.title, complaint.text))
    return _json(advice_out(advice))


@blueprint.post("/api/v1/suggestions/batch")
@blueprint.input(ComplaintsIn, arg_name="complaints")
@blueprint.output(SuggestionsOut)
@blueprint.doc(
    summary="给一批诉求建议", description="最多 1,000 件；有一件不合格则整批退回，并指出是第几件。", responses=_PROBLEMS
)
def suggest_batch(complaints: ComplaintsIn) -> Response:
    """Suggest for each of a list of complaints, in order."""
    timed = triage.suggest(serving_classifier(current_app), _complaints(complaints))
    return _json([suggestion_out(one, timed.took_ms) for one in timed.suggestions])


def _json(data: Any) -> Response:
    return Response(orjson.dumps(data), mimetype="application/json")


def _complaints(items: ComplaintsIn) -> list[Complaint]:
    complaints = []
    for number, item in enumerate(items.root, 1):
        try:
            complaints.append(Complaint(item.title, item.text))
        except InvalidComplaintError as error:
            raise InvalidComplaintError(f"第 {number} 件：{error}") from error
    return complaints


@blueprint.get("/healthz")
@blueprint.output(HealthOut)
@blueprint.doc(summary="进程是否在运行", tags=["health"])
def healthz() -> HealthOut:
    """Say that the process answers."""
    return HealthOut(status="ok")


@blueprint.get("/readyz")
@blueprint.output(HealthOut)
@blueprint.doc(summary="是否可以给出建议", tags=["health"], responses={503: "no model"})
def readyz() -> HealthOut | tuple[HealthOut, int]:
    """Say whether a model is loaded."""
    try:
        return HealthOut(status="ok", model_version=loaded(current_app).version)
    except InvalidModelError:
        return HealthOut(status="no_model"), 503
