"""Progress is shown to whoever waits: a person at a terminal, or a log."""

from __future__ import annotations

import pytest

from commands.progress import Progress


def show(monkeypatch: pytest.MonkeyPatch, terminal: bool, told: list[tuple[float, int, float]]) -> None:
    """Tell progress at given times."""
    clock = iter([at for at, _, _ in told])
    monkeypatch.setattr("commands.progress.time.monotonic", lambda: next(clock))
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal)
    with Progress() as progress:
        for _, rows, share in told:
            progress(rows, share)


def test_a_log_gets_a_line_every_ten_seconds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rate and time left are of this run: what an earlier one did took no time."""
    show(
        monkeypatch, False, [(100, 4000, 0.4), (101, 4400, 0.41), (110, 6000, 0.5), (119, 7000, 0.6), (120, 8000, 0.7)]
    )
    assert capsys.readouterr().err.splitlines() == [
        "6,000 行，50 %，200 行/秒，还要 0:50",
        "8,000 行，70 %，200 行/秒，还要 0:20",
    ]


def test_a_terminal_gets_one_line_that_changes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The end of the input is always shown, for a workbook is written from there on."""
    show(monkeypatch, True, [(0, 0, 0.0), (1, 400, 0.01), (1.1, 800, 0.02), (1.15, 1200, 1.0)])
    lines = capsys.readouterr().err.split("\r\x1b[K")
    assert lines == ["", "400 行，1 %，400 行/秒，还要 1:39", "1,200 行，100 %，1,043 行/秒，读完，正在写出\n"]


def test_what_takes_no_time_shows_nothing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Not even an empty line."""
    show(monkeypatch, True, [(0, 0, 0.0)])
    assert capsys.readouterr().err == ""
