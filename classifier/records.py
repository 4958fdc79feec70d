"""What goes into the classifier and what comes out of it.

What comes out are named tuples: a backlog makes them by the million, and a frozen dataclass takes five times as long.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from classifier.errors import InvalidComplaintError
from classifier.taxonomy import Department, Urgency

MAX_CHARS = 100_000
"""Longest complaint read, title and text together: three times what an Excel cell can hold."""

_NOT_TEXT = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True)
class Complaint:
    """One complaint as it was written; ``title`` may be empty.

    Raises
    ------
    InvalidComplaintError
        Both parts are blank, the two together exceed ``MAX_CHARS``, or one holds a NUL
        character or half of a surrogate pair (the mark of a text cut or decoded wrongly).
    """

    title: str
    text: str

    def __post_init__(self) -> None:
        if not self.text.strip() and not self.title.strip():
            raise InvalidComplaintError("内容为空：请填写诉求内容。")
        length = len(self.title) + len(self.text)
        if length > MAX_CHARS:
            raise InvalidComplaintError(f"内容过长：{length} 字，最多 {MAX_CHARS} 字，请删减或分成几件。")
        for name, value in (("标题", self.title), ("内容", self.text)):
            if found := _NOT_TEXT.search(value):
                raise InvalidComplaintError(
                    f"{name}第 {found.start() + 1} 个字符（U+{ord(found.group()):04X}）不是文字，"
                    "可能是编码出错或被截断，请重新复制或导出后再试。"
                )


class Reason(NamedTuple):
    """A piece of the complaint that spoke for the suggestion, or against it.

    ``about`` is "department" or "urgency". ``start`` and ``end`` count characters of ``field`` ("title" or "text") as it was written.
    ``weight`` is this piece's exact share of the score: how much more it spoke for the
    suggested label than for the average one; negative where it spoke against. ``rule`` names the rule that saw a danger in these
    words; the weight of such a reason is 0, since rules raise a level whatever the score.
    """

    about: str
    field: str
    text: str
    start: int
    end: int
    weight: float
    rule: str = ""


class Candidate(NamedTuple):
    """A department with the probability that it is the one to lead."""

    department: Department
    confidence: float


class UrgencySuggestion(NamedTuple):
    """A level of urgency with its probability."""

    level: Urgency
    confidence: float


class ReviewCause(NamedTuple):
    """Why a person should look closely: a stable code, and words for staff."""

    code: str
    message: str


class SimilarCase(NamedTuple):
    """A masked complaint the model learned from, what was decided for it, and how near it is (0 to 1)."""

    title: str
    excerpt: str
    department: Department
    assist: Department | None
    urgency: Urgency | None
    similarity: float


class Suggestion(NamedTuple):
    """What Fenban suggests for one complaint; a person decides.

    ``candidates`` holds every department, best first, probabilities adding up to 1.
    ``plausible`` is the prediction set, best first: for 95 of 100 complaints of any one
    department it holds that department; empty where none is likely enough.
    ``assist`` and ``urgency`` are None where there is none to suggest.
    ``review_causes`` is empty where the suggestion may be followed on sight.
    ``known_share`` is the part of the complaint, 0 to 1 by characters, in words the model learned.
    """

    candidates: tuple[Candidate, ...]
    assist: Candidate | None
    urgency: UrgencySuggestion | None
    plausible: tuple[Department, ...]
    review_causes: tuple[ReviewCause, ...]
    reasons: tuple[Reason, ...]
    known_share: float
    model_version: str

    @property
    def lead(self) -> Candidate:
        """The department suggested to lead."""
        return self.candidates[0]

    @property
    def needs_review(self) -> bool:
        """Whether the suggestion should not be followed unread."""
        return bool(self.review_causes)
