"""What supervisors and monitoring systems see of the model and the flow of cases; nobody's own figures."""

from __future__ import annotations

from pathlib import Path

from apiflask import APIBlueprint
from flask import Response, render_template, request

from casework.service import watch as service
from casework.service.shift import Reference
from casework.service.watch import DEFAULT_WEEKS, Watch
from casework.web.database import database
from casework.web.desk import desk, models_dir
from casework.web.metrics import CONTENT_TYPE, exposition
from casework.web.watch_charts import charts
from casework.web.watch_schemas import WatchOut, WatchQuery
from classifier.errors import InvalidModelError
from classifier.model import bundle

blueprint = APIBlueprint("watch", __name__, tag="watch")

PERIODS = (4, 12, 26, 52)


@blueprint.get("/api/v1/watch")
@blueprint.input(WatchQuery, location="query", arg_name="query")
@blueprint.output(WatchOut)
@blueprint.doc(summary="按周和部门的统计", description="只统计模型和件的流转，不统计任何人。")
def api(query: WatchQuery) -> WatchOut:
    """The figures of some weeks."""
    return WatchOut.model_validate(_watch(query.weeks))


@blueprint.get("/watch")
@blueprint.doc(hide=True)
def page() -> str:
    """The figures of some weeks for a person to look at."""
    weeks = request.args.get("weeks", DEFAULT_WEEKS, type=int)
    watch = _watch(weeks)
    return render_template("watch.html", watch=watch, weeks=weeks, periods=PERIODS, charts=charts(watch))


@blueprint.get("/metrics")
@blueprint.doc(hide=True)
def metrics() -> Response:
    """All counts so far for Prometheus, from the database, so that every process says the same."""
    own = desk()
    with database().reading() as session:
        totals, standing = service.totals(session, own.actor, own.office)
    folder = _model_folder()
    return Response(exposition(totals, standing, folder and folder.name), content_type=CONTENT_TYPE)


def _watch(weeks: int) -> Watch:
    own = desk()
    with database().reading() as session:
        return service.watch(session, own.actor, own.office, own.taxonomy, _reference(), weeks)


def _reference() -> Reference | None:
    folder = _model_folder()
    return Reference.of(bundle.read_metrics(folder)) if folder else None


def _model_folder() -> Path | None:
    """The folder of the current model, which all processes see alike."""
    try:
        return bundle.current(models_dir())
    except InvalidModelError:
        return None
