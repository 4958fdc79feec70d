"""Which model is in service: list, promote, roll back. Every switch is on record."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from casework.service.permissions import Actor, Permission
from casework.storage import audit
from casework.storage.database import Database
from classifier.errors import InvalidModelError, NotFoundError
from classifier.model import bundle

_SUBJECT = "model"
_SWITCHES = ("model.promoted", "model.rolled_back", "model.found")


@dataclass(frozen=True)
class Released:
    """A released model.

    ``state`` is "current", "rejected" where the comparison refused it, or "kept"; ``verdict`` is
    what the comparison said, None for a model that was trained without one.
    """

    version: str
    state: str
    created: str
    rows: int
    metrics: dict[str, float]
    verdict: dict[str, Any] | None


def list_models(models: Path) -> list[Released]:
    """All released models that can be read, the newest first."""
    current = _current(models)
    released = []
    for version in reversed(bundle.released(models)):
        try:
            released.append(_describe(models, version, current))
        except InvalidModelError:
            continue  # `promote` says what is wrong with it to whoever asks for it
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
    return _describe(models, version, _current(models))


def promote(database: Database, actor: Actor, models: Path, version: str, why: str = "") -> None:
    """Put a model into service; running servers take it up within seconds.

    Raises
    ------
    NotFoundError, InvalidModelError
        There is no such model, or it is damaged; the one in service stays.
    """
    actor.require(Permission.MODELS)
    show_model(models, version)
    _switch(database, actor, models, version, "model.promoted", why)


def roll_back(database: Database, actor: Actor, models: Path) -> str:
    """Put the model into service that was in service before the present one; its version.

    Raises
    ------
    NotFoundError
        There was none before, or it is no longer there.
    """
    actor.require(Permission.MODELS)
    current = _current(models)
    with database.reading() as session:
        served = [
            one.new["version"]
            for one in audit.entries(session, _SUBJECT, limit=1000)
            if one.new and one.action in _SWITCHES
        ]
    there = set(bundle.released(models))
    # What was rolled back from is not what to go back to.
    before = next((one for one in _before(served, current) if one in there), None)
    if before is None:
        raise NotFoundError("没有可以退回的上一个模型，请用 fenban models list 查看，再用 fenban models promote 指定。")
    _switch(database, actor, models, before, "model.rolled_back", "")
    return before


def note_current(database: Database, models: Path) -> None:
    """Put on record a model that came into service in another way: by ``fenban train``, or just before a crash."""
    current = _current(models)
    with database.writing() as session:
        last = next((one for one in audit.entries(session, _SUBJECT) if one.action in _SWITCHES), None)
        known = last.new["version"] if last and last.new else None
        if current and current != known:
            audit.record(session, "系统", "model.found", _SUBJECT, {"version": known}, {"version": current})


def _before(served: list[str], current: str | None) -> list[str]:
    """Versions in service before the current one first came into service, the latest first."""
    first = max((i for i, version in enumerate(served) if version == current), default=-1)
    return [version for version in served[first + 1 :] if version != current]


def _switch(database: Database, actor: Actor, models: Path, version: str, action: str, why: str) -> None:
    note_current(database, models)
    with database.writing() as session:
        old, new = {"version": _current(models)}, {"version": version, "why": why}
        audit.record(session, actor.name, action, _SUBJECT, old, new)
        # Inside the transaction: a switch that fails leaves no entry. One that a crash parts
        # from its entry is put on record by `note_current`.
        bundle.promote(models, version)


def _current(models: Path) -> str | None:
    try:
        return bundle.current(models).name
    except InvalidModelError:
        return None


def _describe(models: Path, version: str, current: str | None) -> Released:
    manifest = bundle.read_manifest(models / version)
    verdict = None
    if "verdict.json" in manifest["sha256"]:
        verdict = json.loads((models / version / "verdict.json").read_text(encoding="utf-8"))
    state = "current" if version == current else "rejected" if verdict and not verdict["promoted"] else "kept"
    rows = manifest["training_data"]["rows"]
    return Released(version, state, manifest["created"], rows, manifest["metrics"], verdict)
