"""Starts workers, kills them at random moments and keeps what they acknowledged until then."""

from __future__ import annotations

import random
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


class Worker:
    """A worker process, getting ready."""

    def __init__(self, work: str, place: Place) -> None:
        command = [sys.executable, "-m", "tests.faults.worker", work, place.url, str(place.models)]
        self._process = subprocess.Popen(
            command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=1
        )
        self._told: list[list[str]] = []

    def begin(self, file: str = "") -> None:
        """Let it work as soon as it is ready."""
        self.wait_for("ready")
        assert self._process.stdin
        self._process.stdin.write(f"{file}\n")

    def wait_for(self, word: str, times: int = 1) -> None:
        """Wait until it has told something for so many times."""
        assert self._process.stdout
        while times:
            line = self._process.stdout.readline().split()
            assert line, f"the worker ended with {self._process.wait()}"
            self._told.append(line)
            times -= line[0] == word

    def kill(self) -> Killed:
        """SIGKILL."""
        assert self._process.poll() is None, "the worker ended by itself"
        self._process.kill()
        out, _ = self._process.communicate()
        return Killed([*self._told, *(line.split() for line in out.splitlines())])


def kills(work: str, place: Place, operations: int, file: Callable[[int], str] = lambda i: "") -> Iterator[Killed]:
    """Kill KILLS workers, each at a random moment of its first ``operations``, and one more to time them.

    Parameters
    ----------
    file : callable
        What the worker of each round works on.
    """
    moments, span, midway = random.Random(work), 0.0, 0
    spare = Worker(work, place)
    try:
        for i in range(KILLS + 1):
            # The next one loads its libraries while this one works and its traces are looked at.
            worker, spare = spare, Worker(work, place)
            worker.begin(file(i))
            started = time.monotonic()
            if span:
                time.sleep(moments.uniform(0, span))
            else:
                worker.wait_for("done", operations)
                span = time.monotonic() - started
            killed = worker.kill()
            midway += killed.midway
            yield killed
    finally:
        spare.kill()
    print(f"{work}: {KILLS} kills within {span:.2f} s of work, {midway} of them in the middle of an operation")
    assert midway >= KILLS / 3
