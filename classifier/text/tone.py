"""Leaves out clauses that tell of the writer's mood, age, pleas or petitions and not of the matter.

Matters are rated, not people: an angry letter and a calm one about the same thing are alike.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from classifier.text.edits import Edit, Sub
from classifier.text.normalise import SEPARATOR

_PATH = Path(__file__).parent.parent / "resources" / "tone.toml"
_BREAK = r"\s,.:;!?。、…~()“”\"'—\-"
_END = _BREAK + SEPARATOR


class ToneStep:
    """The step that leaves them out, for normalised text; its word lists are read when first needed."""

    def run(self, text: str) -> tuple[str, list[Edit]]:
        """Return the text without such clauses, and where they stood."""
        return _clauses().run(text)


@cache
def _clauses() -> Sub:
    words: Mapping[str, Mapping[str, list[str]]] = tomllib.loads(_PATH.read_text(encoding="utf-8"))
    trigger = re.compile(_longest_first(words["triggers"]))
    # Atomic: words are taken longest first and never tried again shorter, so the time is linear.
    clause = rf"(?>(?:{_longest_first({**words['triggers'], **words['fillers']})}|\d+)+)(?![^{_END}])"
    run_of_clauses = re.compile(rf"(?<![^{_END}]){clause}(?:[{_BREAK}]+{clause})*")
    return Sub(
        run_of_clauses, lambda match: "" if trigger.search(match[0]) else match[0], unless_absent=lambda: trigger
    )


def _longest_first(groups: Mapping[str, list[str]]) -> str:
    words = {word for group in groups.values() for word in group}
    return "|".join(sorted(words, key=lambda word: (-len(word), word)))
