"""What the office calls its departments and levels of urgency, as one value over the taxonomy's ids."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from casework.storage.tables import Setting

_NAME = "labels"


def labels(session: Session) -> dict[str, Any]:
    """What was kept, perhaps nothing."""
    found = session.get(Setting, _NAME)
    return found.value if found else {}


def put_labels(session: Session, value: dict[str, Any]) -> None:
    """Keep it, in place of what was kept."""
    session.merge(Setting(name=_NAME, value=value))
