"""What an office has set, and the days it works."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from classifier.errors import InvalidInputError

if TYPE_CHECKING:
    from casework.storage.originals import Originals

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Office:
    """Settings that services go by.

    Attributes
    ----------
    zone : ZoneInfo
        Where the office's days begin.
    blind_share : float
        Share of cases, 0 to 1, whose suggested department is shown only after the decision.
    due_soon_hours : float
        From how many hours before its due time a case counts as due soon.
    originals : Originals or None
        Keeps complaints as they came; None where the office keeps only masked text.
    """

    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Asia/Shanghai"))
    blind_share: float = 0.05
    due_soon_hours: float = 24.0
    originals: Originals | None = None

    @classmethod
    def of(cls, timezone: str, blind_share: float, due_soon_hours: float, originals_key: str | None) -> Office:
        """From plain settings.

        Raises
        ------
        InvalidInputError
            There is no such time zone.
        StorageError
            The key is none.
        """
        try:
            zone = ZoneInfo(timezone)
        except (ValueError, ZoneInfoNotFoundError) as error:
            raise InvalidInputError(f"没有“{timezone}”这个时区，FENBAN_TIMEZONE 应形如 Asia/Shanghai。") from error
        return cls(zone, blind_share, due_soon_hours, _originals(originals_key) if originals_key else None)


def _originals(key: str) -> Originals:
    # Encryption is slow to import, and most offices keep no originals.
    from casework.storage.originals import Originals

    return Originals(key)


@dataclass(frozen=True)
class Calendar:
    """The days an office works.

    Parameters
    ----------
    zone : ZoneInfo
    exceptions : mapping of date to bool
        Days that are not as their weekday says: True where worked, False where off.
    """

    zone: ZoneInfo
    exceptions: Mapping[date, bool]

    def works(self, day: date) -> bool:
        """Whether the office works on a day: Monday to Friday, but for the exceptions."""
        return self.exceptions.get(day, day.weekday() < 5)

    def after(self, start: datetime, hours: float, working_days: bool) -> datetime:
        """The moment ``hours`` after ``start``.

        With ``working_days`` the clock stands still on days off, so 24 hours are one working day.

        >>> calendar = Calendar(ZoneInfo("Asia/Shanghai"), {})
        >>> friday = datetime(2026, 3, 6, 15, tzinfo=calendar.zone)
        >>> str(calendar.after(friday, 72, working_days=True))
        '2026-03-11 15:00:00+08:00'
        """
        left, now = timedelta(hours=hours), start.astimezone(self.zone)
        if not working_days:
            return now + left
        while True:
            midnight = datetime.combine(now.date() + _DAY, time(), self.zone)
            if self.works(now.date()):
                if left <= midnight - now:
                    return now + left
                left -= midnight - now
            now = midnight
