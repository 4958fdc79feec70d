"""Which model is in service: list, promote, roll back. Every switch is on record."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from casework.service.permissions import Actor, Permission
from casework.storage import audit
from casework.storage.database import Database, Session
from classifier.errors import ConflictError, InvalidModelError, NotFoundError
from classifier.model import bundle
from classifier.taxonomy import Taxonomy

SUBJECT = "model"
"""What the audit trail calls models."""

TRAININGS = ("model.trained", "model.rejected")
_BACK = "model.rolled_back"
SWITCHES = ("model.promoted", _BACK, "model.found")


@dataclass(frozen=True)
class Released:
    """A released model.

    ``state`` is "current", "rejected" where the comparison refused it, "kept", or "damaged",
    whether in service or not; ``verdict`` is what the comparison said, None for a model that was
    trained without one.
    """

    version: str
    state: str
    created: str | None
    rows: int
    metrics: dict[str, float]
    verdict: dict[str, Any] | None

    @property
    def created_at(self) -> datetime | None:
        """When it was trained."""
        return datetime.fromisoformat(self.created) if self.created else None


def current_version(models: Path) -> str | None:
    """The version of the model in service, None where there is none."""
    try:
        return bundle.current(models).name
    except InvalidModelError:
        return None


def taxonomy(models: Path) -> Taxonomy:
    """Departments and levels of the model in service, or Fenban's own where there is none yet.

    Raises
    ------
    InvalidModelError
        The model in service is damaged.
    """
    if current_version(models) is None:
        return Taxonomy.read()
    return Taxonomy.from_dict(bundle.read_manifest(bundle.current(models))["taxonomy"])


def list_models(models: Path, newest: int | None = None) -> list[Released]:
    """All released models or some of the newest, the newest first; each is checked, which takes 50 ms."""
    current = current_version(models)
    released = []
    for version in bundle.released(models)[::-1][:newest]:
        try:
            released.append(_describe(models, version, current))
        except InvalidModelError:
            # `show_model` says what is wrong with it.
            released.append(Released(version, "damaged", None, 0, {}, None))
    return released


def show_model(models: Path, version: str) -> Released:
    """One released model.

    Raises
    ------
    NotFoundError
        There is none of this version.
    InvalidModelError
        It is damaged.
    """
    if version not in bundle.released(models):
        raise NotFoundError(f"没有模型 {version[:60]}，请用 fenban models list 查看有哪些。")
    return _describe(models, version, current_version(models))


def promote(
    database: Database, actor: Actor, models: Path, version: str, why: str = "", expected: str | None = None
) -> None:
    """Put a model into service; running servers take it up within seconds.

    Parameters
    ----------
    expected : str, optional
        Which version, empty for none, whoever decides this saw in service.

    Raises
    ------
    NotFoundError, InvalidModelError
        There is no such model, or it is damaged; the one in service stays.
    ConflictError
        Another than the expected one is in service by now.
    """
    actor.require(Permission.MODELS)
    show_model(models, version)
    _switch(database, actor, models, version, "model.promoted", why, expected)


def roll_back(database: Database, actor: Actor, models: Path, expected: str | None = None) -> str:
    """Put the model into service that was in service before the present one; its version.

    Raises
    ------
    NotFoundError
        There was none before, or it is no longer there.
    ConflictError
        As for :func:`promote`.
    """
    actor.require(Permission.MODELS)
    note_current(database, models)
    with database.reading() as session:
        before = previous(session, models)
    if before is None:
        raise NotFoundError("没有可以退回的上一个模型，请用 fenban models list 查看，再用 fenban models promote 指定。")
    _switch(database, actor, models, before, _BACK, "", expected)
    return before


def previous(session: Session, models: Path) -> str | None:
    """The version that rolling back would lead to, as far as switches are on record; None where there is none."""
    return _before(_switches(session, 1000), set(bundle.released(models)))


def note_current(database: Database, models: Path) -> None:
    """Put on record a model that came into service in another way: by ``fenban train``, or just before a crash."""
    current = current_version(models)
    with database.writing() as session:
        known = next((version for _, version in _switches(session, 1)), None)
        if current and current != known:
            audit.record(session, "系统", "model.found", SUBJECT, {"version": known}, {"version": current})


def _switches(session: Session, limit: int) -> list[tuple[str, str]]:
    """What was done, and which model it put into service, the newest first."""
    entries = audit.entries(session, SUBJECT, limit=limit, actions=SWITCHES)
    return [(one.action, one.new["version"]) for one in entries if one.new]


def _before(switches: list[tuple[str, str]], there: set[str]) -> str | None:
    """What the model in service replaced; what was rolled back from counts as never promoted."""
    served: list[str] = []
    for action, version in reversed(switches):
        if action == _BACK and version in served:
            del served[len(served) - served[::-1].index(version) :]
        elif served[-1:] != [version]:
            served.append(version)
    return next((one for one in reversed(served[:-1]) if one in there and one != served[-1]), None)


def _switch(
    database: Database, actor: Actor, models: Path, version: str, action: str, why: str, expected: str | None
) -> None:
    note_current(database, models)
    with database.writing() as session:
        current = current_version(models)
        if expected is not None and expected != (current or ""):
            raise ConflictError(
                f"现用模型刚才换成了 {current or '无'}，不再是您看到的 {expected or '无'}，所以没有换。请看过再决定。"
            )
        old, new = {"version": current}, {"version": version, "why": why}
        audit.record(session, actor.name, action, SUBJECT, old, new)
        # Inside the transaction: a switch that fails leaves no entry. One that a crash parts
        # from its entry is put on record by `note_current`.
        bundle.promote(models, version)


def _describe(models: Path, version: str, current: str | None) -> Released:
    manifest = bundle.read_manifest(models / version)
    verdict = None
    if "verdict.json" in manifest["sha256"]:
        verdict = json.loads((models / version / "verdict.json").read_text(encoding="utf-8"))
    state = "current" if version == current else "rejected" if verdict and not verdict["promoted"] else "kept"
    rows = manifest["training_data"]["rows"]
    return Released(version, state, manifest["created"], rows, manifest["metrics"], verdict)
