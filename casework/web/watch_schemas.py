"""The shapes in which the figures of watching become JSON."""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, ConfigDict, Field


class _Out(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class WatchQuery(BaseModel):
    """Which weeks are asked for."""

    weeks: int = Field(12, description="从本周往前数几周，1 到 53")


class ShareOut(_Out):
    """So many of so many rows."""

    count: int
    rows: int
    value: float | None = Field(description="count / rows，没有件时为空")
    interval: tuple[float, float] | None = Field(description="95 % 区间（Wilson）")


class FiguresOut(_Out):
    """What is watched."""

    decisions: int = Field(description="首次分办的件数")
    agreement: ShareOut = Field(description="看过建议后分办的，与建议一致的比例")
    changed: int = Field(description="看过建议后改了的件数")
    blind_accuracy: ShareOut = Field(description="盲测：没看建议就分办的，与建议一致的比例")
    review: ShareOut = Field(description="建议中请人工复核的比例")
    hand_backs: int = Field(description="退回的件数")


class DepartmentFiguresOut(_Out):
    """A department's figures."""

    id: str
    name: str
    figures: FiguresOut


class ShiftOut(_Out):
    """A population stability index against training."""

    value: float | None = Field(description="PSI；看不出时为空")
    noise: float | None = Field(description="没有变化时，95 % 的星期不超过此值")
    reading: str = Field(description="stable | look | shifted | unknown")
    words: str


class WeekOut(_Out):
    """A week of the office's calendar, from Monday."""

    monday: date
    complete: bool = Field(description="这一周是否已过完")
    registered: int
    figures: FiguresOut
    departments: list[DepartmentFiguresOut]
    department_shift: ShiftOut = Field(description="建议的部门所占比例，对比训练时")
    word_shift: ShiftOut = Field(description="学过的词所占比例，对比训练时")


class StandingOut(_Out):
    """How cases that are not closed stand now."""

    waiting: int = Field(description="待分办")
    with_department: int = Field(description="已分办，未办结")
    due_soon: int
    overdue: int


class WatchOut(_Out):
    """Some weeks, the oldest first, and all of them together."""

    weeks: list[WeekOut]
    registered: int
    figures: FiguresOut
    departments: list[DepartmentFiguresOut]
    standing: StandingOut
