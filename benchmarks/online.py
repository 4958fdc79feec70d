"""`python -m benchmarks.online`: the API beside a bare Flask echo on the same server, and how soon it is ready."""

from __future__ import annotations

import csv
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks.run import table
from casework.service.permissions import console
from casework.service.tokens import create_token
from casework.storage.database import Database
from classifier.model import bundle
from classifier.records import Complaint
from settings import ROOT, Settings

DATA = ROOT.parent / "shared" / "data" / "complaints.csv"
LOAD = Path(__file__).parent / "post.lua"
CONNECTIONS = (1, 16, 64)
_WORKERS, _STARTS, _TURNS, _TURN_S = 2, 5, 3, 5
_OURS = ("-m", "cli", "serve", "--workers", str(_WORKERS), "--port")
_ECHO = (
    "-c",
    "import sys; from casework.web.server import Binding, run;"
    f"run('benchmarks.echo_app:create_app', Binding('127.0.0.1', int(sys.argv[1])), {_WORKERS})",
)


class Figures(NamedTuple):
    """What a server did under a load."""

    per_s: float
    p50_ms: float
    p99_ms: float


def main() -> None:
    """Measure the model in service, and print."""
    print(online(Settings().models_dir))


def online(models: Path) -> str:
    """All of it, as a section of Markdown.

    Parameters
    ----------
    models : Path
        Released models; the current one answers.
    """
    if shutil.which("wrk") is None:
        sys.exit("wrk makes the load and is not installed: apt-get install wrk")
    with DATA.open(encoding="utf-8") as file:
        complaints = [Complaint(row["title"], row["text"]) for row in csv.DictReader(file)]
    with tempfile.TemporaryDirectory() as folder:
        url, bodies = f"sqlite:///{folder}/fenban.db", Path(folder) / "bodies"
        bodies.write_text("\n".join(json.dumps({"title": one.title, "text": one.text}) for one in complaints))
        environment = os.environ | {"FENBAN_MODELS_DIR": str(models), "FENBAN_DATABASE_URL": url}
        token = _token(url)
        starts_s = [_start_s(environment) for _ in range(_STARTS)]
        with _served(_OURS, environment) as ours, _served(_ECHO, environment) as echo:
            rows = [_compared(ours, echo, connections, bodies, token) for connections in CONNECTIONS]
    classifier = bundle.load(bundle.current(models))
    usual = [one for one in complaints if 180 <= len(one.text) <= 260]
    header = (
        "connections",
        "Fenban, requests per second",
        "echo",
        "ratio",
        "p50 / p99, ms",
        "echo",
        "p99, times echo's",
    )
    return (
        f"## Online: real complaints by wrk, {_WORKERS} workers, median of {_TURNS} turns of {_TURN_S} s\n\n"
        "The echo is a Flask view that returns the JSON it gets, on the same server, asking for no token.\n\n"
        f"{table(header, rows)}\n"
        + table(
            ("figure", "value"),
            [
                ("`fenban serve` until ready, best / median", f"{min(starts_s):.2f} / {median(starts_s):.2f} s"),
                ("one suggestion in process, 180 to 260 characters", f"{_median_ms(classifier.suggest, usual):.2f} ms"),
                ("the same with similar cases, as the API gives it", f"{_median_ms(classifier.advise, usual):.2f} ms"),
            ],
        )
    )


def _token(url: str) -> str:
    database = Database(url)
    with database.writing() as session:
        token = create_token(session, console(), "benchmark", ["suggest"], days=1)
    database.close()
    return token


def _start_s(environment: Mapping[str, str]) -> float:
    begin = time.perf_counter()
    with _served(_OURS, environment):
        return time.perf_counter() - begin


@contextmanager
def _served(command: tuple[str, ...], environment: Mapping[str, str]) -> Iterator[int]:
    """A Python command that serves on the port given as its last argument, from when it is ready."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    server = subprocess.Popen(
        [sys.executable, *command, str(port)], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait_until_ready(f"http://127.0.0.1:{port}/readyz", server)
        yield port
    finally:
        server.terminate()
        server.wait()


def _wait_until_ready(url: str, server: subprocess.Popen[bytes]) -> None:
    while True:
        try:
            urllib.request.urlopen(url, timeout=1).close()
        except OSError:
            if server.poll() is not None:
                raise
            time.sleep(0.01)
        else:
            return


def _compared(ours: int, echo: int, connections: int, bodies: Path, token: str) -> tuple[object, ...]:
    """A row of the table; both in turns, so that what else the machine does disturbs both."""
    turns = [[_load(port, connections, bodies, token) for port in (ours, echo)] for _ in range(_TURNS)]
    mine, bare = (Figures(*map(median, zip(*runs, strict=True))) for runs in zip(*turns, strict=True))
    return (
        connections,
        f"{mine.per_s:,.0f}",
        f"{bare.per_s:,.0f}",
        f"{mine.per_s / bare.per_s:.2f}",
        f"{mine.p50_ms:.1f} / {mine.p99_ms:.1f}",
        f"{bare.p50_ms:.1f} / {bare.p99_ms:.1f}",
        f"{mine.p99_ms / bare.p99_ms:.1f}",
    )


def _load(port: int, connections: int, bodies: Path, token: str) -> Figures:
    command = ["wrk", "-t1", f"-c{connections}", f"-d{_TURN_S}s", "-s", LOAD, f"http://127.0.0.1:{port}"]
    told = subprocess.run([*command, "--", bodies, token], capture_output=True, text=True, check=True).stdout
    *figures, failed = (float(one) for one in told.rpartition("FIGURES ")[2].split())
    if failed:
        raise RuntimeError(f"{failed:.0f} requests failed:\n{told}")
    return Figures(*figures)


def _median_ms(ask: Callable[[Complaint], object], complaints: list[Complaint]) -> float:
    took_ms = []
    for complaint in complaints:
        begin = time.perf_counter()
        ask(complaint)
        took_ms.append((time.perf_counter() - begin) * 1000)
    return median(took_ms)


if __name__ == "__main__":
    main()
