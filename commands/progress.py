"""Shows how far long work has come: one line that changes on a terminal, else a new line every ten seconds."""

from __future__ import annotations

import sys
import time

import click

from backlog.pace import progress_line

_LINE_EVERY_S, _CHANGE_EVERY_S = 10.0, 0.2


class Progress:
    """Called with the rows done and the share of all work done, from 0 to 1; shows both, the rate and the time left.

    The first call says what was done before; the rate counts from there.
    """

    def __init__(self) -> None:
        self._changes = sys.stderr.isatty()
        self._began: tuple[float, int, float] | None = None
        self._shown = 0.0

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._changes and self._shown:
            click.echo(err=True)

    def __call__(self, rows: int, share: float) -> None:
        """Note progress, and show it where the last time is long enough ago."""
        now = time.monotonic()
        if not self._began:
            self._began = now, rows, share
            self._shown = 0.0 if self._changes else now
        elif now - self._shown >= (_CHANGE_EVERY_S if self._changes else _LINE_EVERY_S) or (
            self._changes and share >= 1
        ):
            self._shown = now
            line = progress_line(rows, share, now - self._began[0], *self._began[1:])
            click.echo(f"\r\x1b[K{line}" if self._changes else line, nl=not self._changes, err=True)
