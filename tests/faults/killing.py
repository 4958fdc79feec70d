"""Starts workers, kills them at random moments and keeps what they acknowledged until then."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from settings import ROOT

KILLS = 20


@dataclass(frozen=True)
class Place:
    """Where workers work: the register's URL and the folder of models."""

    url: str
    models: Path


@dataclass(frozen=True)
class Killed:
    """What a worker told before it was killed, each line in words."""

    told: list[list[str]]

    def acknowledged(self, word: str = "done") -> list[list[str]]:
        """What followed each ``word``."""
        return [line[1:] for line in self.told if line[0] == word]

    @property
    def midway(self) -> bool:
        """Whether it was in the middle of an operation."""
        return [line[0] for line in self.told if line[0] in ("begin", "done")][-1:] == ["begin"]


class Workers:
    """One worker at a time, forked from a process that has loaded everything, as servers fork theirs."""

    def __init__(self, work: str, place: Place) -> None:
        command = [sys.executable, "-m", "tests.faults.worker", work, place.url, str(place.models)]
        self._process = subprocess.Popen(
            command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=1
        )
        self._told: list[list[str]] = []
        self._worker = 0

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        if self._worker:
            self.kill()
        self._process.communicate()

    def start(self, file: str = "") -> None:
        """Let a worker begin."""
        assert self._process.stdin
        self._told = []
        self._process.stdin.write(f"{file}\n")
        self.wait_for("started")
        self._worker = int(self._told[0][1])

    def wait_for(self, word: str, times: int = 1) -> None:
        """Wait until the worker has told something for so many times."""
        assert self._process.stdout
        while times:
            line = self._process.stdout.readline().split()
            self._told.append(line)
            assert line, "the process that forks workers ended"
            assert line[0] != "ended" or word == "ended", "the worker ended by itself"
            times -= line[0] == word

    def kill(self) -> Killed:
        """SIGKILL."""
        worker, self._worker = self._worker, 0
        os.kill(worker, signal.SIGKILL)
        self.wait_for("ended")
        assert self._told[-1][1:] == [str(int(signal.SIGKILL))], "the worker ended by itself"
        return Killed(self._told)


def kills(work: str, place: Place, operations: int, file: Callable[[int], str] = lambda i: "") -> Iterator[Killed]:
    """Kill KILLS workers, each at a random moment of its first ``operations``, and one more to time them.

    Parameters
    ----------
    file : callable
        What the worker of each round works on.
    """
    moments, span, midway = random.Random(work), 0.0, 0
    with Workers(work, place) as workers:
        for i in range(KILLS + 1):
            workers.start(file(i))
            started = time.monotonic()
            if i:
                time.sleep(moments.uniform(0, span))
            else:
                workers.wait_for("done", operations)
                span = time.monotonic() - started
            killed = workers.kill()
            midway += killed.midway and i > 0
            yield killed
    print(f"{work}: {KILLS} kills within {span:.2f} s of work, {midway} of them in the middle of an operation")
    assert midway >= KILLS / 3


def wait_until(happened: Callable[[], bool], what: object, timeout_s: float = 30) -> None:
    """Wait until something has happened."""
    deadline = time.monotonic() + timeout_s
    while not happened():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def children(pid: int) -> list[int]:
    """The processes it started, whichever of its threads did."""
    started = [one.read_text() for one in Path(f"/proc/{pid}/task").glob("*/children")]
    return [int(one) for one in " ".join(started).split()]


def alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
