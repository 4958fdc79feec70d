"""The shapes of the API's requests and responses; a suggestion becomes JSON here and nowhere else."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, RootModel, field_validator

from casework.service.triage import Advice
from classifier.records import Candidate, SimilarCase, Suggestion
from classifier.taxonomy import Department, Urgency

MAX_BATCH = 1000
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
_YEARS = range(1900, 9000)


class Input(BaseModel):
    """What a request brings: no field that is not known, nothing that a database cannot keep."""

    model_config = ConfigDict(extra="forbid")

    @field_validator("*")
    @classmethod
    def _can_be_kept(cls, value: Any) -> Any:
        if isinstance(value, str) and _NO_TEXT.search(value):
            raise ValueError("含有不是文字的字符（U+0000 或半个代理对），请删去")
        if isinstance(value, datetime) and value.year not in _YEARS:
            raise ValueError(f"{value.year} 年不对，请核对")
        return value


class ComplaintIn(BaseModel):
    """One complaint as it was written."""

    title: str = Field("", description="标题，可以为空")
    text: str = Field(description="诉求内容")


class ComplaintsIn(RootModel[Annotated[list[ComplaintIn], Field(min_length=1, max_length=MAX_BATCH)]]):
    """Up to 1,000 complaints."""


class DepartmentOut(BaseModel):
    """A department and the probability that it leads, or that it assists."""

    id: str
    name: str
    confidence: float = Field(ge=0, le=1)


class UrgencyOut(BaseModel):
    """A level of urgency, its probability, and its response time."""

    id: str
    name: str
    confidence: float = Field(ge=0, le=1)
    respond_within_hours: float = Field(gt=0)


class ReviewCauseOut(BaseModel):
    """Why a person should look closely."""

    code: str = Field(description="several | two_matters | uncertain | too_short | unfamiliar | gravest")
    message: str


class ReasonOut(BaseModel):
    """Words of the complaint that spoke for the suggestion, or against it (negative weight); start and end count characters of the field."""

    about: str = Field(description="department | urgency")
    field: str = Field(description="title | text")
    text: str
    start: int
    end: int
    weight: float
    rule: str = Field(description="看出危险的规则名；不是规则则为空")


class SuggestionOut(BaseModel):
    """What Fenban suggests; a person decides."""

    department: DepartmentOut
    assist: DepartmentOut | None
    urgency: UrgencyOut | None
    candidates: list[DepartmentOut] = Field(description="所有部门，按可能性从大到小，合计为 1")
    plausible: list[str] = Field(description="预测集：真正的部门有 95 % 在其中")
    needs_review: bool
    review_causes: list[ReviewCauseOut]
    reasons: list[ReasonOut]
    model_version: str
    took_ms: float = Field(description="本次请求计算用时，毫秒")


class NamedOut(BaseModel):
    """A department, or a level of urgency."""

    id: str
    name: str


class SimilarOut(BaseModel):
    """A complaint the model learned from, personal data masked, and what was decided for it."""

    title: str
    excerpt: str
    department: NamedOut
    assist: NamedOut | None
    urgency: NamedOut | None
    similarity: float = Field(ge=0, le=1)


class AdviceOut(SuggestionOut):
    """A suggestion for one complaint, with cases like it."""

    similar: list[SimilarOut] = Field(description="模型学过的相近诉求，最多 3 件，最像的在前")


class SuggestionsOut(RootModel[list[SuggestionOut]]):
    """One suggestion for each complaint, in order."""


class ProblemOut(BaseModel):
    """An error as RFC 9457 describes it; ``code`` never changes, ``detail`` is for people."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str


class HealthOut(BaseModel):
    """Whether the service is up, and with which model."""

    status: str
    model_version: str | None = None


def suggestion_out(suggestion: Suggestion, took_ms: float) -> dict[str, Any]:
    """A suggestion in the shape of :class:`SuggestionOut`.

    Plain dicts, as pydantic's models would take most of the time of an answer; a test holds them to the models.
    """
    urgency, assist = suggestion.urgency, suggestion.assist
    candidates = [_department(one) for one in suggestion.candidates]
    return {
        "department": candidates[0],
        "assist": _department(assist) if assist else None,
        "urgency": urgency
        and {
            **_named(urgency.level),
            "confidence": urgency.confidence,
            "respond_within_hours": float(urgency.level.respond_within_hours),
        },
        "candidates": candidates,
        "plausible": [department.id for department in suggestion.plausible],
        "needs_review": suggestion.needs_review,
        "review_causes": [cause._asdict() for cause in suggestion.review_causes],
        "reasons": [reason._asdict() for reason in suggestion.reasons],
        "model_version": suggestion.model_version,
        "took_ms": took_ms,
    }


def advice_out(advice: Advice) -> dict[str, Any]:
    """A suggestion and the cases like it in the shape of :class:`AdviceOut`."""
    return suggestion_out(advice.suggestion, advice.took_ms) | {"similar": [_similar(one) for one in advice.similar]}


def _similar(case: SimilarCase) -> dict[str, Any]:
    return {
        "title": case.title,
        "excerpt": case.excerpt,
        "department": _named(case.department),
        "assist": _named(case.assist) if case.assist else None,
        "urgency": _named(case.urgency) if case.urgency else None,
        "similarity": case.similarity,
    }


def _department(candidate: Candidate) -> dict[str, Any]:
    return {"id": candidate.department.id, "name": candidate.department.name, "confidence": candidate.confidence}


def _named(label: Department | Urgency) -> dict[str, Any]:
    return {"id": label.id, "name": label.name}
