"""What supervisors and monitoring systems see of the model and the flow of cases; nobody's own figures."""

from __future__ import annotations

from pathlib import Path

from apiflask import APIBlueprint
from flask import Response

from casework.service import watch as service
from casework.service.shift import Reference
from casework.service.watch import Watch
from casework.web.database import database
from casework.web.desk import desk, models_dir
from casework.web.metrics import CONTENT_TYPE, exposition
from casework.web.watch_schemas import WatchOut, WatchQuery
from classifier.errors import InvalidModelError
from classifier.model import bundle

blueprint = APIBlueprint("watch", __name__, tag="watch")


@blueprint.get("/api/v1/watch")
@blueprint.input(WatchQuery, location="query", arg_name="query")
@blueprint.output(WatchOut)
@blueprint.doc(summary="按周和部门的统计", description="只统计模型和件的流转，不统计任何人。")
def api(query: WatchQuery) -> WatchOut:
    """The figures of some weeks."""
    return WatchOut.model_validate(watched(query.weeks))


@blueprint.get("/metrics")
@blueprint.doc(hide=True)
def metrics() -> Response:
    """All counts so far for Prometheus, from the database, so that every process says the same."""
    own = desk()
    with database().reading() as session:
        totals, standing = service.totals(session, own.actor, own.office)
    folder = _model_folder()
    return Response(exposition(totals, standing, folder and folder.name), content_type=CONTENT_TYPE)


def watched(weeks: int) -> Watch:
    """The figures of some weeks, for whoever asks."""
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
