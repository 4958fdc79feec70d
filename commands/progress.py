"""Shows how far long work has come: one line that changes on a terminal, else a new line every ten seconds."""

from __future__ import annotations

import sys
import time

import click

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


def progress_line(rows: int, share: float, elapsed_s: float, rows_before: int = 0, share_before: float = 0.0) -> str:
    """Progress in words.

    >>> progress_line(36_000, 0.25, 60)
    '36,000 行，25 %，600 行/秒，还要 3:00'
    """
    rate = (rows - rows_before) / max(elapsed_s, 1e-9)
    done = max(share - share_before, 1e-9)
    minutes, seconds = divmod(round(elapsed_s * max(1 - share, 0) / done), 60)
    hours, minutes = divmod(minutes, 60)
    left = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
    then = f"还要 {left}" if share < 1 else "读完，正在写出"
    return f"{rows:,} 行，{share:.0%}，{rate:,.0f} 行/秒，{then}".replace("%", " %")
