"""A clock for tests to turn."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class Clock:
    """A clock that stands still until it is turned."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)

    def now(self) -> datetime:
        """The moment."""
        return self.moment

    def turn(self, **by: float) -> None:
        """Let time pass."""
        self.moment += timedelta(**by)
