"""What is known of a released model: how well it does, where it came from, and how it came into service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from casework.service import releases
from casework.service.confusion import Matrix
from casework.service.permissions import Actor, Permission
from casework.service.releases import SUBJECT, SWITCHES, TRAININGS, Released
from casework.storage import audit
from casework.storage.database import Session
from classifier.model import bundle
from classifier.taxonomy import Taxonomy

_BY_GATE = "比较通过"
EVENT_NAMES = {
    "model.promoted": "启用",
    "model.rolled_back": "退回启用",
    "model.found": "在服务器上换用",
    "model.trained": "训练，通过比较",
    "model.rejected": "训练，没有通过",
}


@dataclass(frozen=True)
class Event:
    """Something that was done with a model; ``handled`` is how many handled cases a training found."""

    at: datetime
    actor: str
    action: str
    version: str
    why: str
    handled: int | None

    @property
    def name(self) -> str:
        """What was done, in words."""
        return EVENT_NAMES[self.action]


@dataclass(frozen=True)
class DepartmentMeasures:
    """Of a department's ``rows`` labelled texts, the share suggested for it; of those suggested for it, the share that are its."""

    name: str
    rows: int
    found: float
    right: float


@dataclass(frozen=True)
class GravestMeasures:
    """Of texts of the gravest level, how many were recognised, shown as the mildest, or between; ``right`` as above."""

    name: str
    mildest: str
    rows: int
    recognised: int
    shown_as_mildest: int
    right: float


@dataclass(frozen=True)
class Measures:
    """How well a model did on texts it had not seen, by cross-validation over its training data.

    Attributes
    ----------
    accuracy, among_first_two : float
        Share whose first suggestion was right; whose first or second was.
    interval : (float, float)
        95 %, of the accuracy.
    alone : float
        Share that may be followed without review, at ``alone_accuracy``.
    coverage : sequence of (share, accuracy)
        Of the surest share of texts, how many were right.
    reliability : sequence of (rows, confidence, accuracy)
        Bins of confidence of equal width, from 0 to 1.
    """

    rows: int
    accuracy: float
    interval: tuple[float, float]
    among_first_two: float
    alone: float
    alone_accuracy: float
    departments: tuple[DepartmentMeasures, ...]
    coverage: tuple[tuple[float, float], ...]
    reliability: tuple[tuple[int, float, float], ...]
    matrix: Matrix
    gravest: GravestMeasures | None

    @classmethod
    def of(cls, metrics: Mapping[str, Any], taxonomy: Taxonomy) -> Measures | None:
        """From ``metrics.json``; None where a model recorded none."""
        if not (found := metrics.get("department")):
            return None
        names = {one.id: one.name for one in taxonomy.departments}
        return cls(
            found["rows"],
            found["accuracy"],
            tuple(found["accuracy_interval"]),
            found["among_first_two"],
            found["answered_alone"]["share"],
            found["answered_alone"]["accuracy"],
            tuple(
                DepartmentMeasures(names.get(label, label), one["rows"], one["recall"], one["precision"])
                for label, one in found["per_class"].items()
            ),
            tuple((one["share"], one["accuracy"]) for one in found["coverage"]),
            tuple((one["rows"], one["confidence"], one["accuracy"]) for one in found["reliability"]),
            Matrix.of(names, found["confusion"]["labels"], found["confusion"]["true_by_predicted"]),
            _gravest(metrics.get("urgency"), taxonomy),
        )


@dataclass(frozen=True)
class Card:
    """A model with its measures, the training that made it, and the switch that last put it into service."""

    released: Released
    taxonomy: Taxonomy
    measures: Measures | None
    trained: Event | None
    switched: Event | None


def card(session: Session, actor: Actor, models: Path, version: str) -> Card:
    """All about one model.

    Raises
    ------
    NotFoundError, InvalidModelError
        There is none of this version, or it is damaged.
    """
    actor.require(Permission.MODELS)
    released = releases.show_model(models, version)
    taxonomy = Taxonomy.from_dict(bundle.read_manifest(models / version)["taxonomy"])
    events = [one for one in history(session, actor, 1000) if one.version == version]
    trained = next((one for one in events if one.action in TRAININGS), None)
    switched = next((one for one in events if one.action in SWITCHES), None)
    measures = Measures.of(bundle.read_metrics(models / version), taxonomy)
    return Card(released, taxonomy, measures, trained, switched)


def history(session: Session, actor: Actor, limit: int = 50) -> list[Event]:
    """Who trained and switched models, and why; the newest first."""
    actor.require(Permission.MODELS)
    entries = audit.entries(session, SUBJECT, limit=limit, actions=list(EVENT_NAMES))
    events = [_event(one.at, one.actor, one.action, one.new or {}) for one in entries]
    # Where the gate alone put a model into service, its reasons stand with the training.
    told = {(one.version, one.why) for one in events if one.action in TRAININGS}
    return [
        replace(one, why=_BY_GATE) if one.action in SWITCHES and (one.version, one.why) in told else one
        for one in events
    ]


def _event(at: datetime, actor: str, action: str, new: Mapping[str, Any]) -> Event:
    reasons: Sequence[str] = new.get("reasons", ())
    why = new.get("why") or "".join(reasons)
    return Event(at, actor, action, new["version"], why, new.get("handled"))


def _gravest(urgency: Mapping[str, Any] | None, taxonomy: Taxonomy) -> GravestMeasures | None:
    if not urgency or len(taxonomy.urgencies) < 2:
        return None
    row = urgency["confusion"]["true_by_predicted"][-1]
    mildest, gravest = taxonomy.urgencies[0].name, taxonomy.urgencies[-1].name
    return GravestMeasures(gravest, mildest, sum(row), row[-1], row[0], urgency["gravest_precision"])
