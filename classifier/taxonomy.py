"""Departments and urgency levels as data, so that no label is named in code."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from classifier.errors import InvalidTaxonomyError

DEFAULT_PATH = Path(__file__).parent / "resources" / "taxonomy.toml"


@dataclass(frozen=True)
class Department:
    """An office that can act on a complaint.

    ``urgent_share`` is the share of its complaints, as they come in, that are above the mildest
    level of urgency; None where that is as in the training data.
    """

    id: str
    name: str
    urgent_share: float | None = None


@dataclass(frozen=True)
class Urgency:
    """A level of urgency and the hours within which somebody must respond."""

    id: str
    name: str
    respond_within_hours: float


@dataclass(frozen=True)
class Taxonomy:
    """Departments in order of display, and urgency levels from the mildest to the gravest.

    ``urgencies`` may be empty: then only departments are learned and suggested.
    """

    departments: tuple[Department, ...]
    urgencies: tuple[Urgency, ...]

    def __post_init__(self) -> None:
        if len(self.departments) < 2:
            raise InvalidTaxonomyError("分类表里至少要有两个部门（[[departments]]）。")
        for kind, items in (("部门", self.departments), ("紧急程度", self.urgencies)):
            labels = [label for item in items for label in {item.id, item.name}]
            for label in labels:
                if not label or labels.count(label) > 1:
                    raise InvalidTaxonomyError(f"{kind}的代号或名称“{label}”为空或重复，请改成唯一的值。")
        for department in self.departments:
            if department.urgent_share is not None and not 0 < department.urgent_share < 1:
                raise InvalidTaxonomyError(f"部门“{department.name}”的 urgent_share 必须在 0 和 1 之间。")
        for level in self.urgencies:
            if not level.respond_within_hours > 0:
                raise InvalidTaxonomyError(f"紧急程度“{level.name}”的 respond_within_hours 必须大于 0。")

    @classmethod
    def read(cls, path: Path = DEFAULT_PATH) -> Taxonomy:
        """Read a TOML file shaped like ``classifier/resources/taxonomy.toml``.

        Raises
        ------
        InvalidTaxonomyError
            The file is missing, is no TOML, or its entries contradict each other.
        """
        try:
            data = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise InvalidTaxonomyError(f"读不了分类表 {path}：{error}") from error
        return cls.from_dict(data, source=str(path))

    @classmethod
    def from_dict(cls, data: dict[str, Any], source: str = "") -> Taxonomy:
        """Build from plain data, the inverse of :meth:`to_dict`."""
        try:
            return cls(
                tuple(Department(**item) for item in data["departments"]),
                tuple(Urgency(**item) for item in data.get("urgencies", ())),
            )
        except (KeyError, TypeError) as error:
            raise InvalidTaxonomyError(f"分类表 {source} 的条目不完整或多了字段：{error}") from error

    @classmethod
    def from_labels(cls, departments: Iterable[str], urgencies: tuple[Urgency, ...] = ()) -> Taxonomy:
        """Departments named by the labels found in a file, sorted; each is its own name."""
        return cls(tuple(Department(label, label) for label in sorted(set(departments))), urgencies)

    @property
    def names(self) -> dict[str, str]:
        """What the ids of departments and levels are called."""
        return {one.id: one.name for one in self.departments} | {one.id: one.name for one in self.urgencies}

    def to_dict(self) -> dict[str, Any]:
        """Plain data for a manifest."""
        return asdict(self)

    def department_id(self, label: str) -> str | None:
        """The id behind an id or a name, or None where the label is unknown."""
        return _find(self.departments, label)

    def urgency_id(self, label: str) -> str | None:
        """The id behind an id or a name, or None where the label is unknown."""
        return _find(self.urgencies, label)


def _find(items: Iterable[Department | Urgency], label: str) -> str | None:
    return next((item.id for item in items if label in (item.id, item.name)), None)
