"""Response times as staff say them: so many hours, days or working days."""

from __future__ import annotations

from dataclasses import dataclass

from casework.web.pages.settings.frame import number, typed
from classifier.errors import InvalidInputError


@dataclass(frozen=True)
class Unit:
    """So many hours, counted on working days only or on all."""

    name: str
    hours: int
    working_days: bool


UNITS = {
    "hours": Unit("小时", 1, False),
    "days": Unit("天", 24, False),
    "working-days": Unit("个工作日", 24, True),
    "working-hours": Unit("小时（只计工作日）", 1, True),
}

UNIT_NAMES = [(key, unit.name) for key, unit in UNITS.items()]


@dataclass(frozen=True)
class Span:
    """A response time as it is shown: ``amount`` of the unit with this key."""

    amount: str
    unit: str

    @classmethod
    def of(cls, hours: float, working_days: bool) -> Span:
        """In the largest unit of which it is a whole number.

        >>> str(Span.of(72, working_days=True)), str(Span.of(2, working_days=False))
        ('3 个工作日', '2 小时')
        """
        size = 24 if hours % 24 == 0 else 1
        unit = next(key for key, one in UNITS.items() if (one.hours, one.working_days) == (size, working_days))
        return cls(f"{hours / size:g}", unit)

    def __str__(self) -> str:
        return f"{self.amount} {UNITS[self.unit].name}"


def typed_time(amount: str, unit: str) -> tuple[float, bool]:
    """The hours, and whether only working days count, that were typed into two fields.

    Raises
    ------
    InvalidInputError
    """
    if (chosen := UNITS.get(typed(unit))) is None:
        raise InvalidInputError("请选时限的单位。", field=unit)
    return number(amount) * chosen.hours, chosen.working_days
