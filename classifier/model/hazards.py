"""Rules that see a present danger in a complaint and raise its urgency, never lower it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import accumulate, chain, pairwise
from pathlib import Path

from classifier.text.lexicon import Lexicon
from classifier.text.normalise import SEPARATOR
from classifier.text.prepare import Prepared

RULES = Path(__file__).parent.parent / "resources" / "hazards.toml"

_SENTENCE_ENDS = frozenset("。!?;\n" + SEPARATOR)
_CLAUSE_ENDS = _SENTENCE_ENDS | frozenset(",、:")
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
    needs: tuple[tuple[str, ...], ...]
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
            tuple(tuple(group.split()) for group in one["needs"]),
            tuple(map(re.compile, one["patterns"])),
        )
        for one in data["rules"]
    )
    cancel = data["cancel"]
    return _Rules(rules, *(re.compile(cancel[name]) for name in ("before", "clause", "present")))


def rules() -> tuple[Rule, ...]:
    """All rules, in the order of the file."""
    return _read().rules


def find_hazards(prepared: Prepared) -> list[list[Hazard]]:
    """For each complaint the rules that it fires, each once, at the first words that do it.

    A match does not count where it is negated, past, hypothetical, asked about or a figure of
    speech, unless the sentence says that it is happening now.
    """
    found = []
    for document, chosen in enumerate(_worth_trying(prepared)):
        hazards = []
        for rule in chosen:
            place = next(_matches(rule, prepared.punctuated(document)), None)
            if place:
                hazards.append(Hazard(rule, *prepared.locate(document, *place)))
        found.append(hazards)
    return found


def _worth_trying(prepared: Prepared) -> list[tuple[Rule, ...]]:
    """For each complaint the rules whose needed words stand in it."""
    return [_chosen(bits) for bits in _lexicon().find(prepared.points, prepared.place_offsets).tolist()]


@cache
def _lexicon() -> Lexicon:
    return Lexicon([group for rule in rules() for group in rule.needs])


@lru_cache(maxsize=4096)  # however many combinations a backlog of millions has
def _chosen(bits: int) -> tuple[Rule, ...]:
    """The rules of which every group of needed words was found."""
    ends = [0, *accumulate(len(rule.needs) for rule in rules())]
    wanted = [(1 << end) - (1 << start) for start, end in pairwise(ends)]
    return tuple(rule for rule, groups in zip(rules(), wanted, strict=True) if bits & groups == groups)


def _matches(rule: Rule, text: str) -> Iterator[tuple[int, int]]:
    known = _read()
    # One by one, for the engine skips to the first characters of a pattern, not of a choice of them.
    for match in chain.from_iterable(pattern.finditer(text) for pattern in rule.patterns):
        sentence, clause = _around(_SENTENCE_ENDS, text, match), _around(_CLAUSE_ENDS, text, match)
        ahead = text[max(clause.start, match.start() - _REACH) : match.start()]
        said = text[sentence]
        if known.before.search(ahead) or (known.clause.search(said) and not known.present.search(said)):
            continue
        yield match.span()


def _around(ends: frozenset[str], text: str, match: re.Match[str]) -> slice:
    """The sentence or clause a match stands in, bounded where there is no punctuation."""
    low, high = max(0, match.start() - _UNPUNCTUATED), min(len(text), match.end() + _UNPUNCTUATED)
    start = next((i + 1 for i in range(match.start() - 1, low - 1, -1) if text[i] in ends), low)
    stop = next((i for i in range(match.end(), high) if text[i] in ends), high)
    return slice(start, stop)
