"""`fenban serve` answers without a break while models are switched, and leaves nothing running when it is killed."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

from casework.service import releases, tokens
from casework.service.permissions import console
from casework.storage.database import Database
from classifier.model import bundle
from settings import ROOT
from tests.faults.killing import Place, alive, children, wait_until
from tests.faults.worker import SUPERVISOR, TEXT

pytestmark = pytest.mark.slow
CLIENTS, TAKEN_UP_S, WATCHED_S = 4, 5.0, 1.5


@pytest.fixture
def port() -> int:
    """One that is free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(place: Place, port: int, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A running `fenban serve` with two workers."""
    command = [sys.executable, "-m", "cli", "serve", "--port", str(port), "--workers", "2"]
    settings = {"FENBAN_MODELS_DIR": str(place.models), "FENBAN_DATABASE_URL": place.url}
    with log.open("ab") as out:
        server = subprocess.Popen(command, cwd=ROOT, env=os.environ | settings, stdout=out, stderr=out)
    try:
        wait_until(lambda: answers(port), log)
        yield server
    finally:
        server.terminate()
        server.wait(timeout=20)


def answers(port: int) -> bool:
    """Whether the server is ready."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


class Clients:
    """Threads that ask for suggestions without a pause and keep when each was asked and which model answered."""

    def __init__(self, port: int, token: str) -> None:
        self._port, self._token = port, token
        self._stop = threading.Event()
        self.answers: list[tuple[float, int, str]] = []
        self._threads = [threading.Thread(target=self._ask) for _ in range(CLIENTS)]

    def __enter__(self) -> Clients:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        body = json.dumps({"title": "", "text": TEXT}).encode()
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        while not self._stop.is_set():
            asked = time.monotonic()
            try:
                connection.request("POST", "/api/v1/suggestions", body, headers)
                answer = connection.getresponse()
                status, content = answer.status, answer.read()
            except (OSError, http.client.HTTPException) as error:
                self.answers.append((asked, 0, repr(error)))
                connection.close()
                continue
            self.answers.append((asked, status, json.loads(content).get("model_version", "")))
        connection.close()


def test_switching_models_under_load(place: Place, port: int, tmp_path: Path) -> None:
    """No request fails, each is answered by one of the two, and soon after each switch all by the new one."""
    first = bundle.current(place.models).name
    other = next(one for one in bundle.released(place.models) if one != first)
    database, log = Database(place.url), tmp_path / "serve.log"
    with database.writing() as session:
        token = tokens.create_token(session, console(), "load", ["suggest"], 1)
    switched: list[tuple[float, str]] = []
    with serving(place, port, log), Clients(port, token) as clients:
        for i in range(5):
            if i % 2:
                version = releases.roll_back(database, SUPERVISOR, place.models)
            else:
                releases.promote(database, SUPERVISOR, place.models, version := other)
            switched.append((time.monotonic(), version))
            time.sleep(TAKEN_UP_S + WATCHED_S)
    database.close()
    assert [version for _, version in switched] == [other, first, other, first, other]
    assert {status for _, status, _ in clients.answers} == {200}, log.read_text()
    assert {version for _, _, version in clients.answers} == {first, other}
    for at, version in switched:
        settled = {
            one for asked, _, one in clients.answers if at + TAKEN_UP_S <= asked < at + TAKEN_UP_S + WATCHED_S - 0.1
        }
        assert settled == {version}
    print(f"serving: {len(clients.answers)} requests answered during {len(switched)} switches")


def test_a_killed_server_takes_its_processes_along(place: Place, port: int, tmp_path: Path) -> None:
    """So that a new one starts cleanly, on the same port, with a worker of its own."""
    log = tmp_path / "serve.log"
    for _ in range(2):
        with serving(place, port, log) as server:
            # Two web workers and one for jobs.
            wait_until(lambda pid=server.pid: len(children(pid)) == 3, log)
            below = children(server.pid)
            os.kill(server.pid, signal.SIGKILL)
            wait_until(lambda pids=below: not any(map(alive, pids)), below)
    told = log.read_text()
    assert "Traceback" not in told, told
    assert "Fatal" not in told, told


def test_a_killed_worker_is_begun_anew(place: Place, port: int, tmp_path: Path) -> None:
    """Or a training that ran out of memory would be the last."""
    log = tmp_path / "serve.log"
    with serving(place, port, log) as server:
        wait_until(lambda: len(workers(server.pid)) == 1, log)
        (killed,) = workers(server.pid)
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: len(workers(server.pid) - {killed}) == 1, log)


def workers(pid: int) -> set[int]:
    """Those of its processes that do background jobs."""
    return {one for one in children(pid) if alive(one) and b"\0worker\0" in Path(f"/proc/{one}/cmdline").read_bytes()}
