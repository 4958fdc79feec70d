"""What the pages of settings share: the way from one to the other, fields of forms, and refusals beside them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from werkzeug import Response

from casework.service.permissions import Permission
from casework.web.access import current_actor
from classifier.errors import ConflictError, FenbanError, InvalidInputError
from classifier.taxonomy import Department, Urgency


@dataclass(frozen=True)
class Part:
    """A page of settings, its place among them, and what one must be allowed to see it."""

    endpoint: str
    name: str
    needed: Permission


PARTS = (
    Part("settings.labels.page", "部门与紧急程度", Permission.OFFICE),
    Part("settings.deadlines.page", "时限", Permission.OFFICE),
    Part("settings.holidays.page", "节假日", Permission.OFFICE),
    Part("settings.staff.page", "账号", Permission.ACCOUNTS),
    Part("settings.tokens.page", "令牌", Permission.ACCOUNTS),
    Part("settings.trail.page", "操作记录", Permission.AUDIT),
)


@dataclass(frozen=True)
class Refusal:
    """A form that was not accepted: what was typed, what is wrong with it by field, and how to say so."""

    typed: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    status: int = 200

    @classmethod
    def of(cls, error: FenbanError) -> Refusal:
        """Of the form that is being answered; an error about no field stands on top."""
        return cls(request.form.to_dict(), {error.field: str(error)}, 409 if isinstance(error, ConflictError) else 422)

    def value(self, name: str, now: Any = "") -> Any:
        """What to show in a field: what was typed, else what is."""
        return self.typed.get(name, now)


NONE = Refusal()


def show(template: str, refusal: Refusal = NONE, **values: Any) -> tuple[str, int]:
    """A page of settings, with a form as it was typed where it was refused."""
    allowed = [part for part in PARTS if part.needed in current_actor().permissions]
    return render_template(f"settings/{template}", parts=allowed, refusal=refusal, **values), refusal.status


def done(words: str, endpoint: str, **values: Any) -> Response:
    """Say what was done and lead to a page."""
    flash(words, "done")
    return redirect(url_for(endpoint, **values), 303)


def options(labels: Iterable[Department | Urgency], *before: str) -> list[tuple[str, str]]:
    """What to choose from in a form: ids with names, after an empty value with the words ``before``."""
    return [*(("", words) for words in before), *((one.id, one.name) for one in labels)]


def typed(name: str) -> str:
    """A field of one line, as it can be kept."""
    return "".join(one for one in request.form.get(name, "") if one.isprintable()).strip()


def seen() -> int:
    """How much of the trail whoever filled the form had seen of what it changes."""
    return request.form.get("seen", 0, type=int)


def number(name: str) -> float:
    """A number typed into a field.

    Raises
    ------
    InvalidInputError
    """
    value = typed(name)
    try:
        found = float(value)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise InvalidInputError(f"“{value[:20]}”不是数字，请填如 30 或 0.5。", field=name)
    return found
