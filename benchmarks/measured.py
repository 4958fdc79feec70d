"""Runs a command and measures it: seconds, and the peak memory of its whole process tree."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from settings import ROOT

_EVERY_S = 0.05


@dataclass(frozen=True)
class Measured:
    """What a command took.

    Attributes
    ----------
    seconds : float
    peak_mb : float
        Proportional set size of all its processes, summed at one moment: memory that processes share counts once.
    output : str
    """

    seconds: float
    peak_mb: float
    output: str


def measure(models: Path, *arguments: object) -> Measured:
    """Run a Python command in the project's folder.

    Raises
    ------
    SystemExit
        It failed; its errors are printed.
    """
    environment = os.environ | {"FENBAN_MODELS_DIR": str(models)}
    start = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, *map(str, arguments)], cwd=ROOT, env=environment,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        peak = _Peak(process.pid)
        output, errors = process.communicate()
        seconds = time.perf_counter() - start
        mb = peak.stop()
    if process.returncode:
        sys.exit(f"{' '.join(map(str, arguments))}: {errors[-2000:]}")
    return Measured(seconds, mb, output)


class _Peak:
    """Watches a process tree from a thread."""

    def __init__(self, pid: int) -> None:
        self._pid, self._peak_kb, self._over = pid, 0, threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def stop(self) -> float:
        """The peak so far, in MB."""
        self._over.set()
        self._thread.join()
        return self._peak_kb / 1024

    def _watch(self) -> None:
        while not self._over.wait(_EVERY_S):
            self._peak_kb = max(self._peak_kb, sum(map(_pss_kb, _tree(self._pid))))


def _tree(pid: int) -> list[int]:
    """A process and all below it; those that end meanwhile may be missing."""
    found = [pid]
    for one in found:
        for path in Path(f"/proc/{one}/task").glob("*/children"):
            try:
                found += map(int, path.read_text().split())
            except OSError:
                continue
    return found


def _pss_kb(pid: int) -> int:
    try:
        match = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    except OSError:
        return 0
    return int(match[1]) if match else 0
