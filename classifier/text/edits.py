"""Chains of substitutions that can tell where each character of the result came from."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

Edit = tuple[int, int, int, int]
"""One replacement: ``[start, end)`` of a step's output stands for ``[before, after)`` of its input."""


class Step(Protocol):
    """One pass over a text."""

    def run(self, text: str) -> tuple[str, list[Edit]]:
        """Return the new text, and where in it what was replaced, in order."""


@dataclass(frozen=True)
class Swap:
    """Replace single characters by single characters; positions stay."""

    pairs: tuple[tuple[str, str], ...]

    def run(self, text: str) -> tuple[str, list[Edit]]:
        for old, new in self.pairs:
            text = text.replace(old, new)
        return text, []


@dataclass(frozen=True)
class Sub:
    """Replace ``group`` of every match of ``pattern`` by ``rewrite``, a text or a function of the match.

    ``unless_absent``, a cheaper pattern, saves the pass over texts in which it finds nothing.
    """

    pattern: re.Pattern[str]
    rewrite: str | Callable[[re.Match[str]], str]
    group: int | str = 0
    unless_absent: Callable[[], re.Pattern[str]] | None = None

    def replacement(self, match: re.Match[str]) -> str:
        """What ``group`` of ``match`` becomes."""
        return self.rewrite if isinstance(self.rewrite, str) else self.rewrite(match)

    def run(self, text: str) -> tuple[str, list[Edit]]:
        if self.unless_absent and not self.unless_absent().search(text):
            return text, []
        edits: list[Edit] = []
        pieces: list[str] = []
        position = grown = 0
        rewrite = self.rewrite
        for match in self.pattern.finditer(text):
            before, after = match.span(self.group)
            replacement = rewrite if isinstance(rewrite, str) else rewrite(match)
            if replacement != text[before:after]:
                pieces += text[position:before], replacement
                start = before + grown
                end = start + len(replacement)
                edits.append((start, end, before, after))
                grown = end - after
                position = after
        if not edits:
            return text, edits
        pieces.append(text[position:])
        return "".join(pieces), edits


class Rewritten:
    """A text after a chain of steps.

    Parameters
    ----------
    steps : sequence of Step
    original : str

    Attributes
    ----------
    text : str
        The result.
    """

    def __init__(self, steps: Sequence[Step], original: str) -> None:
        self.text = original
        self._edits: list[list[Edit]] = []
        self._starts: list[list[int]] = []
        for step in steps:
            self.text, edits = step.run(self.text)
            if edits:
                self._edits.append(edits)
                self._starts.append([edit[0] for edit in edits])

    def source(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original behind ``text[start:end]``, which must not be empty.

        A replacement as long as what it replaces corresponds to it character by character;
        any other stands for the whole of it.
        """
        last = end - 1
        for edits, starts in zip(reversed(self._edits), reversed(self._starts), strict=True):
            start, _ = _back(edits, starts, start)
            _, last = _back(edits, starts, last)
        return start, last + 1


def _back(edits: list[Edit], starts: list[int], position: int) -> tuple[int, int]:
    """First and last character of a step's input behind one character of its output."""
    index = bisect_right(starts, position) - 1
    if index < 0:
        return position, position
    start, end, before, after = edits[index]
    if position < end and end - start != after - before:
        return before, after - 1
    # Behind the edit, or inside one that kept its length.
    moved = position - end + after
    return moved, moved
