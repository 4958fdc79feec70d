"""What the office calls its departments and levels of urgency, and whom to ask at each department.

The model and every case know labels by their ids, which never change. Names are for people: what the
office calls a label is kept in the register and stands wherever the taxonomy's name would.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from casework.service.permissions import Actor, Permission
from casework.storage import audit, deadlines
from casework.storage import labels as stored
from casework.storage.database import Session
from classifier.errors import InvalidInputError
from classifier.taxonomy import Department, Taxonomy, Urgency

SUBJECT = "labels"
_MAX = {"name": 20, "contact": 50, "phone": 50}
_WORDS = {"name": "名称", "contact": "联系人", "phone": "电话"}


@dataclass(frozen=True)
class Label:
    """What the office says of a label; an empty name leaves the taxonomy's. Levels have no contact."""

    name: str = ""
    contact: str = ""
    phone: str = ""


@dataclass(frozen=True)
class Given:
    """What an office calls its labels: by id, and the hours it gives a level where it set any for all cases."""

    labels: Mapping[str, Label] = field(default_factory=dict)
    hours: Mapping[str, float] = field(default_factory=dict)

    def of(self, label: str) -> Label:
        """What is said of a label, perhaps nothing."""
        return self.labels.get(label, Label())


@dataclass(frozen=True)
class OfficeTaxonomy(Taxonomy):
    """A taxonomy as the office calls it; files may also go by the names that the ``plain`` one has."""

    plain: Taxonomy

    def department_id(self, label: str) -> str | None:
        """The id behind an id, the office's name or the model's."""
        return super().department_id(label) or self.plain.department_id(label)

    def urgency_id(self, label: str) -> str | None:
        """The id behind an id, the office's name or the model's."""
        return super().urgency_id(label) or self.plain.urgency_id(label)


def given(session: Session) -> Given:
    """What the office calls its labels now, and the response times it set for whole levels."""
    whole = (one for one in deadlines.rules(session) if not one.channel and not one.department)
    return Given(read(session), {one.urgency: one.hours for one in whole})


def read(session: Session) -> Mapping[str, Label]:
    """What the office says of its labels, by id."""
    return {one: Label(**said) for one, said in stored.labels(session).items()}


def plain_of(taxonomy: Taxonomy) -> Taxonomy:
    """The taxonomy as the model has it."""
    return taxonomy.plain if isinstance(taxonomy, OfficeTaxonomy) else taxonomy


def as_called(taxonomy: Taxonomy, own: Given) -> Taxonomy:
    """The taxonomy with the office's names and hours.

    A name that another taxonomy has meanwhile given to something else is left out.
    """
    plain = plain_of(taxonomy)
    departments = tuple(replace(one, name=own.of(one.id).name or one.name) for one in plain.departments)
    levels = tuple(
        replace(
            one,
            name=own.of(one.id).name or one.name,
            respond_within_hours=own.hours.get(one.id, one.respond_within_hours),
        )
        for one in plain.urgencies
    )
    if _ambiguous(departments, plain.departments) or _ambiguous(levels, plain.urgencies):
        departments, levels = plain.departments, plain.urgencies
    return OfficeTaxonomy(departments, levels, plain)


def set_labels(session: Session, actor: Actor, taxonomy: Taxonomy, wanted: Mapping[str, Label]) -> None:
    """Say what labels are called and whom to ask; those not named stay as they are.

    Parameters
    ----------
    taxonomy : Taxonomy
        Of the model in service, whose ids may be named.

    Raises
    ------
    InvalidInputError
        An id is unknown, a name is another label's, or a value is too long; ``field`` is "ID.name" or the like.
    """
    actor.require(Permission.OFFICE)
    before, plain = read(session), plain_of(taxonomy).names
    after = dict(before)
    for label, said in wanted.items():
        if label not in plain:
            raise InvalidInputError(f"没有“{label[:40]}”这个部门或紧急程度。")
        _check_lengths(label, said)
        after[label] = replace(said, name="" if said.name == plain[label] else said.name)
    after = {one: said for one, said in after.items() if said != Label()}
    _check_names(taxonomy, after)
    changed = [one for one in after.keys() | before.keys() if after.get(one) != before.get(one)]
    if changed:
        stored.put_labels(session, {one: vars(said) for one, said in sorted(after.items())})
        old, new = ({one: vars(part[one]) for one in sorted(changed) if one in part} for part in (before, after))
        audit.record(session, actor.name, "labels.set", SUBJECT, old or None, new or None)


def _check_lengths(label: str, said: Label) -> None:
    for name, value in vars(said).items():
        if len(value) > _MAX[name]:
            raise InvalidInputError(
                f"{_WORDS[name]}“{value[:20]}…”过长，最多 {_MAX[name]} 字。", field=f"{label}.{name}"
            )


def _check_names(taxonomy: Taxonomy, after: Mapping[str, Label]) -> None:
    plain = plain_of(taxonomy)
    kinds: tuple[Sequence[Department | Urgency], ...] = (plain.departments, plain.urgencies)
    for kind in kinds:
        called: list[Department | Urgency] = [
            replace(one, name=after.get(one.id, Label()).name or one.name) for one in kind
        ]
        for one in called:
            if one.name in _ambiguous(called, kind) and one.id in after:
                raise InvalidInputError(
                    f"“{one.name}”已是另一个的名称或代号，请换一个，以免认错。", field=f"{one.id}.name"
                )


def _ambiguous(called: Sequence[Department | Urgency], plain: Sequence[Department | Urgency]) -> set[str]:
    """Words that would mean two of them: as a name of the office's, of the model's, or as an id."""
    pairs = zip(called, plain, strict=True)
    meant = Counter(word for one, own in pairs for word in {one.id, one.name, own.name})
    return {word for word, count in meant.items() if count > 1}
