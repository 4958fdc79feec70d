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

    ``worthwhile``, a cheaper test, saves the pass over texts in which the pattern would change nothing.
    """

    pattern: re.Pattern[str]
    rewrite: str | Callable[[re.Match[str]], str]
    group: int | str = 0
    worthwhile: Callable[[str], object] | None = None

    def changes(self, text: str) -> list[tuple[int, int, str]]:
        """Spans of ``text`` and what they become, in order."""
        if self.worthwhile and not self.worthwhile(text):
            return []
        group, rewrite = self.group, self.rewrite
        changes = []
        for match in self.pattern.finditer(text):
            start, end = match.span(group)
            replacement = rewrite if isinstance(rewrite, str) else rewrite(match)
            if replacement != text[start:end]:
                changes.append((start, end, replacement))
        return changes

    def run(self, text: str) -> tuple[str, list[Edit]]:
        changes = self.changes(text)
        if not changes:
            return text, []
        edits: list[Edit] = []
        pieces: list[str] = []
        position = grown = 0
        for before, after, replacement in changes:
            pieces += text[position:before], replacement
            start = before + grown
            end = start + len(replacement)
            edits.append((start, end, before, after))
            grown = end - after
            position = after
        pieces.append(text[position:])
        return "".join(pieces), edits


def holds(*words: str) -> Callable[[str], bool]:
    """A test whether a text holds one of ``words``: many times as fast as a pattern of them."""

    def test(text: str) -> bool:
        # A loop, since any() of a generator takes as long as several words.
        for word in words:  # noqa: SIM110
            if word in text:
                return True
        return False

    return test


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
