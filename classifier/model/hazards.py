"""Rules that see a present danger in a complaint and raise its urgency, never lower it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path

from classifier.text.normalise import SEPARATOR
from classifier.text.prepare import Prepared

RULES = Path(__file__).parent.parent / "resources" / "hazards.toml"

_SENTENCE = re.compile(rf"[^。!?;\n{SEPARATOR}]+")
_CLAUSE = re.compile(rf"[^。!?;\n{SEPARATOR},、:]+")
_REACH = 8
"""How many characters ahead of a match a negation may stand."""

_UNPUNCTUATED = 40
"""In text without punctuation a sentence is taken to reach this many characters to either side."""


@dataclass(frozen=True)
class Rule:
    """A class of danger: what shows it, and the level it asks for."""

    id: str
    name: str
    level: str
    source: str
    needs: re.Pattern[str]
    patterns: tuple[re.Pattern[str], ...]


@dataclass(frozen=True)
class Hazard:
    """A rule that fired, with the words it saw, in characters of the field as it was written."""

    rule: Rule
    field: str
    start: int
    end: int


@dataclass(frozen=True)
class _Rules:
    rules: tuple[Rule, ...]
    before: re.Pattern[str]
    clause: re.Pattern[str]
    present: re.Pattern[str]


@cache
def _read(path: Path = RULES) -> _Rules:
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    rules = tuple(
        Rule(
            one["id"],
            one["name"],
            one["level"],
            one["source"],
            re.compile("|".join(one["needs"].split())),
            tuple(map(re.compile, one["patterns"])),
        )
        for one in data["rules"]
    )
    cancel = data["cancel"]
    return _Rules(rules, *(re.compile(cancel[name]) for name in ("before", "clause", "present")))


def rules() -> tuple[Rule, ...]:
    """All rules, in the order of the file."""
    return _read().rules


def find_hazards(prepared: Prepared, document: int) -> list[Hazard]:
    """The rules that a complaint fires, each once, at the first words that do it.

    A match does not count where it is negated, past, hypothetical, asked about or a figure of
    speech, unless the sentence says that it is happening now.
    """
    found: dict[str, Hazard] = {}
    for rule, start, end in _matches(prepared.punctuated(document)):
        if rule.id not in found:
            found[rule.id] = Hazard(rule, *prepared.locate_punctuated(document, start, end))
    return list(found.values())


def _matches(text: str) -> Iterator[tuple[Rule, int, int]]:
    known = _read()
    for rule in known.rules:
        if not rule.needs.search(text):
            continue
        # One by one, for the engine skips to the first characters of a pattern, not of a choice of them.
        for match in chain.from_iterable(pattern.finditer(text) for pattern in rule.patterns):
            sentence = _around(_SENTENCE, text, match)
            clause = _around(_CLAUSE, text, match)
            ahead = text[max(clause.start, match.start() - _REACH) : match.start()]
            said = text[sentence.start : sentence.stop]
            if known.before.search(ahead):
                continue
            if known.clause.search(said) and not known.present.search(said):
                continue
            yield rule, match.start(), match.end()


def _around(unit: re.Pattern[str], text: str, match: re.Match[str]) -> slice:
    """The sentence or clause a match stands in, bounded where there is no punctuation."""
    low, high = max(0, match.start() - _UNPUNCTUATED), min(len(text), match.end() + _UNPUNCTUATED)
    start = next((i + 1 for i in range(match.start() - 1, low - 1, -1) if not unit.fullmatch(text[i])), low)
    stop = next((i for i in range(match.end(), high) if not unit.fullmatch(text[i])), high)
    return slice(start, stop)
