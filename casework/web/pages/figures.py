"""统计: how cases flow, how good the model's suggestions are, and the cases behind each number."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for

from casework.service import figures as service
from casework.service.figure_cases import behind
from casework.service.figures import BY, FIGURES, MEDIAN_WORDS, NOTHING, Flow, Scope, sampled_in_words
from casework.service.figures_file import write_figures
from casework.service.periods import UNITS, Period
from casework.service.watch import DEFAULT_WEEKS
from casework.storage.database import Session
from casework.web import figure_charts, quality_charts
from casework.web.database import database
from casework.web.desk import desk
from casework.web.figure_address import Asked, today
from casework.web.watch import watched
from classifier.errors import InvalidInputError, NotAllowedError

blueprint = Blueprint("figures", __name__)

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
WEEKS = (4, 12, 26, 52)
LATEST = {"近 30 日": ("day", 30), "近 12 周": ("week", 12), "近 52 周": ("week", 52), "近 12 个月": ("month", 12)}
"""Periods that are one press away."""


@blueprint.get("/figures")
def flow() -> str | tuple[str, int]:
    """Show what happened to cases in a period."""
    try:
        asked = Asked.of_request()
        with database().reading() as session:
            found = _flow(session, asked)
            now = [] if asked.scope != Scope() else service.standing(session, desk())
    except InvalidInputError as error:
        return render_template("figures.html", problem=str(error), **_form({"unit": "week"} | request.args)), 422
    return render_template(
        "figures.html",
        asked=asked,
        flow=found,
        standing=now,
        charts=figure_charts.charts(found),
        narrowed=_narrowed(asked),
        periods={name: Period.latest(*one, today()) for name, one in LATEST.items()},
        today=today(),
        median_words=MEDIAN_WORDS,
        sampled=sampled_in_words(found),
        **_form({"unit": asked.period.unit, "first": asked.period.whole.first, "last": asked.period.whole.last}),
    )


@blueprint.get("/figures/cases")
def cases() -> str:
    """List the cases behind a number of the page."""
    asked, figure = Asked.of_request(), request.args.get("figure", "received")
    span, scope = asked.cell()
    with database().reading() as session:
        found = behind(session, desk(), figure, span, scope, request.args.get("cursor"))
    return render_template(
        "figure_cases.html",
        found=found,
        figure=FIGURES[figure],
        what=_named(found.scope),
        own_department=desk().actor.department,
        back=asked.address(),
        following=found.next_cursor and asked.following(found.next_cursor),
    )


@blueprint.get("/figures/export")
def export() -> Response:
    """Give the tables of the page as a workbook."""
    asked = Asked.of_request()
    with database().reading() as session:
        found = _flow(session, asked)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "figures.xlsx"
        write_figures(found, desk(), _named(found.scope), path)
        content = path.read_bytes()
    whole = found.period.whole
    headers = {"Content-Disposition": f'attachment; filename="figures-{whole.first}-{whole.last}.xlsx"'}
    return Response(content, mimetype=XLSX, headers=headers)


@blueprint.get("/figures/quality")
def quality() -> str:
    """Show how good the model's suggestions were, week by week."""
    if desk().actor.department:
        raise NotAllowedError("模型质量是全单位的统计，您的账号只能查看本部门的。")
    weeks = request.args.get("weeks", DEFAULT_WEEKS, type=int)
    watch = watched(weeks)
    return render_template("quality.html", watch=watch, weeks=weeks, periods=WEEKS, charts=quality_charts.charts(watch))


@blueprint.get("/watch")
def old_address() -> Response:
    """Lead to where the figures of the model are now."""
    return redirect(url_for("figures.quality", weeks=request.args.get("weeks")), 301)


blueprint.add_app_template_filter(figure_charts.wait_in_words, "wait")
blueprint.add_app_template_filter(figure_charts.percent_counted, "counted")


def _flow(session: Session, asked: Asked) -> Flow:
    return service.flow(session, desk(), asked.period, asked.by, asked.scope)


def _form(values: Any) -> dict[str, Any]:
    return {
        "values": values,
        "units": UNITS,
        "parted": BY,
        "figures": FIGURES,
        "whole_office": not desk().actor.department,
    }


def _named(scope: Scope) -> dict[str, str]:
    """What a scope is narrowed to, by what, as staff call it."""
    taxonomy = desk().taxonomy
    names = taxonomy.names
    return {
        by: (value if by == "channel" else names.get(value, value)) or NOTHING[by]
        for by, value in vars(scope).items()
        if value is not None
    }


def _narrowed(asked: Asked) -> list[tuple[str, str, str]]:
    """By what figures are narrowed, to what, and the address of the same without it."""
    return [(BY[by], name, asked.address(**{by: None})) for by, name in _named(asked.scope).items()]
