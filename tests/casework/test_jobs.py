"""Work in the background: the queue, what staff see of a job, and the worker that does it."""

from __future__ import annotations

import logging
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from casework.service.jobs import RECLASSIFY, RETRAIN, Jobs, Progress
from casework.service.permissions import ROLES, Actor
from casework.storage import audit
from casework.storage import jobs as stored
from casework.storage.database import Database
from classifier.errors import (
    ConflictError,
    FenbanError,
    InvalidInputError,
    InvalidLabelsError,
    NotAllowedError,
    NotFoundError,
    StorageError,
)
from settings import Settings

SUPERVISOR = Actor("李主管", ROLES["supervisor"], 1)


def work(requested_by: str, progress: Progress) -> dict[str, Any]:
    """A short job."""
    progress("做到一半")
    return {"为": requested_by}


@pytest.fixture
def jobs(database: Database, tmp_path: Path) -> Jobs:
    """A queue on SQLite beside the register, with a worker's knowledge."""
    return Jobs(f"sqlite:///{tmp_path}/jobs.db", database, {RETRAIN: work})


def work_off(jobs: Jobs) -> None:
    """Do what is queued, here and now."""
    while (task := jobs.huey.dequeue()) is not None:
        jobs.huey.execute(task)


def test_a_job_from_request_to_result(database: Database, jobs: Jobs) -> None:
    """Whoever asked is on record; progress and result are seen."""
    job = jobs.request(SUPERVISOR, RETRAIN)
    seen = jobs.find(SUPERVISOR, job.id)
    assert (seen.state, seen.requested_by, seen.started_at, seen.result) == ("queued", "李主管", None, None)
    work_off(jobs)
    seen = jobs.find(SUPERVISOR, job.id)
    assert (seen.state, seen.progress, seen.result) == ("done", "做到一半", {"为": "李主管"})
    assert seen.started_at is not None
    assert seen.finished_at is not None
    assert seen.requested_at <= seen.started_at <= seen.finished_at
    with database.reading() as session:
        entry = audit.entries(session)[0]
    assert (entry.actor, entry.action, entry.subject) == ("李主管", "job.requested", f"job {job.id}")


def test_one_of_a_kind_at_a_time(jobs: Jobs) -> None:
    """The refusal names the one under way; when that has ended another may be asked for."""
    job = jobs.request(SUPERVISOR, RETRAIN)
    with pytest.raises(ConflictError, match=f"{job.id} 号"):
        jobs.request(SUPERVISOR, RETRAIN)
    work_off(jobs)
    assert jobs.request(SUPERVISOR, RETRAIN).id != job.id


def test_who_may_ask(jobs: Jobs) -> None:
    """And what there is to find."""
    clerk = Actor("赵分办", ROLES["triage"], 2)
    job = jobs.request(SUPERVISOR, RETRAIN)
    for act in (lambda: jobs.request(clerk, RETRAIN), lambda: jobs.find(clerk, job.id)):
        with pytest.raises(NotAllowedError, match="管理模型"):
            act()
    with pytest.raises(NotFoundError, match="没有 99 号任务"):
        jobs.find(SUPERVISOR, 99)


def test_jobs_about_several_things(database: Database, jobs: Jobs) -> None:
    """One about each at a time; the work is told which; its share is seen while it runs."""
    seen: list[Any] = []

    def look(requested_by: str, progress: Progress, about: str) -> dict[str, Any]:
        progress("一半", 0.5)
        seen.append(jobs.find(SUPERVISOR, int(about)).result)
        return {"about": about}

    jobs._work = {RECLASSIFY: look}
    one, two = (jobs.request(SUPERVISOR, RECLASSIFY, about) for about in ("1", "2"))
    with pytest.raises(ConflictError, match=f"{one.id} 号"):
        jobs.request(SUPERVISOR, RECLASSIFY, "1")
    work_off(jobs)
    assert [jobs.find(SUPERVISOR, job.id).result for job in (one, two)] == [{"about": "1"}, {"about": "2"}]
    assert seen == [{"share": 0.5}, {"share": 0.5}]
    with database.reading() as session:
        newest = stored.latest(session, ["reclassify:1", "reclassify:2", "apply:1"])
        assert newest is not None
        assert newest.id == two.id
        assert stored.latest(session, ["apply:1"]) is None


def test_a_job_is_stopped(database: Database, jobs: Jobs) -> None:
    """At once where it waits, else when it next tells how far it is; what has ended stays as it ended."""
    waiting = jobs.request(SUPERVISOR, RECLASSIFY, "1")
    jobs.stop(SUPERVISOR, waiting.id)
    work_off(jobs)
    seen = jobs.find(SUPERVISOR, waiting.id)
    assert (seen.state, seen.started_at, seen.result) == ("interrupted", None, {"error": "李主管 让它停下了。"})

    def stopped(requested_by: str, progress: Progress, about: str) -> dict[str, Any]:
        progress("一半", 0.5)
        jobs.stop(SUPERVISOR, running.id)
        progress("再做一点", 0.6)
        return {"reached": "the end"}

    jobs._work = {RECLASSIFY: stopped}
    running = jobs.request(SUPERVISOR, RECLASSIFY, "1")
    work_off(jobs)
    seen = jobs.find(SUPERVISOR, running.id)
    assert (seen.state, seen.progress, seen.result) == ("interrupted", "一半", {"error": "李主管 让它停下了。"})
    jobs.stop(SUPERVISOR, running.id)
    assert jobs.find(SUPERVISOR, running.id).result == {"error": "李主管 让它停下了。"}
    clerk = Actor("赵分办", ROLES["triage"], 2)
    for act in (lambda: jobs.stop(clerk, running.id), lambda: jobs.request(clerk, RECLASSIFY, "1")):
        with pytest.raises(NotAllowedError, match="导入导出"):
            act()


def test_the_worker_tidies_up(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """When it begins and every hour; what goes wrong then is logged, and jobs go on."""
    tidied: list[int] = []

    def tidy() -> None:
        tidied.append(len(tidied))
        raise OSError("busy")

    jobs = Jobs(f"sqlite:///{tmp_path}/jobs.db", database, {}, tidy)
    monkeypatch.setattr(jobs.huey, "create_consumer", lambda **_: SimpleNamespace(run=lambda: None))
    with caplog.at_level(logging.ERROR):
        jobs.work()
        hourly = jobs.huey.read_periodic(datetime(2026, 3, 6, 9, 17))
        assert [jobs.huey.read_periodic(datetime(2026, 3, 6, 9, minute)) for minute in (16, 18)] == [[], []]
        for task in hourly:
            jobs.huey.execute(task)
    assert tidied == [0, 1]
    assert caplog.text.count("could not tidy up") == 2


@pytest.mark.parametrize(
    ("error", "told", "logged"),
    [
        (InvalidLabelsError("还没有办结件可学。"), "还没有办结件可学。", False),
        (RuntimeError("index out of range"), "程序出错，已记入日志", True),
        (KeyError("x"), "程序出错", True),
    ],
)
def test_a_failure_is_told(
    database: Database,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    told: str,
    logged: bool,
) -> None:
    """In words to staff; what is a bug goes to the log with its traceback, and to nobody else."""

    def fail(requested_by: str, progress: Progress) -> dict[str, Any]:
        progress("开始")
        raise error

    jobs = Jobs(f"sqlite:///{tmp_path}/jobs.db", database, {RETRAIN: fail})
    job = jobs.request(SUPERVISOR, RETRAIN)
    with caplog.at_level(logging.ERROR):
        work_off(jobs)
    seen = jobs.find(SUPERVISOR, job.id)
    assert (seen.state, seen.progress) == ("failed", "开始")
    assert seen.result is not None
    assert told in seen.result["error"]
    assert ("index out of range" in seen.result["error"]) is False
    assert any(one.exc_info for one in caplog.records) is logged
    assert jobs.request(SUPERVISOR, RETRAIN).state == "queued"


def test_a_kind_nobody_knows_fails(database: Database, tmp_path: Path) -> None:
    """As after a return to an older program; the queue goes on."""
    jobs = Jobs(f"sqlite:///{tmp_path}/jobs.db", database, {})
    job = jobs.request(SUPERVISOR, "bake")
    work_off(jobs)
    assert jobs.find(SUPERVISOR, job.id).state == "failed"


def test_a_message_that_comes_twice_is_one_job(database: Database, jobs: Jobs) -> None:
    """Also at the same time."""
    job = jobs.request(SUPERVISOR, RETRAIN)
    done: list[str] = []
    jobs._work = {RETRAIN: lambda who, progress: {"n": done.append(who)}}
    both = [threading.Thread(target=jobs.run, args=[job.id]) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    jobs.run(job.id)
    jobs.run(99)
    assert done == ["李主管"]


def test_a_queue_that_is_away_is_told_and_stands_in_nobody_s_way(
    database: Database, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job has failed, and the next can be asked for when the queue is back."""

    def away(*_: object, **__: object) -> None:
        raise OSError("connection refused")

    with monkeypatch.context() as patch:
        patch.setattr(jobs.huey.storage, "enqueue", away)
        with pytest.raises(StorageError, match="FENBAN_JOBS_URL"):
            jobs.request(SUPERVISOR, RETRAIN)
    failed = jobs.find(SUPERVISOR, 1)
    assert failed.state == "failed"
    assert failed.result is not None
    assert "FENBAN_JOBS_URL" in failed.result["error"]
    jobs.request(SUPERVISOR, RETRAIN)
    work_off(jobs)
    assert jobs.find(SUPERVISOR, 2).state == "done"


@pytest.mark.parametrize(
    ("url", "error", "message"),
    [
        ("", InvalidInputError, "应以 sqlite:///"),
        ("/var/jobs.db", InvalidInputError, "应以 sqlite:///"),
        ("sqlite://", InvalidInputError, "应以 sqlite:///"),
        ("sqlite:///", InvalidInputError, "应以 sqlite:///"),
        ("mysql://localhost/jobs", InvalidInputError, "应以 sqlite:///"),
        ("postgresql+asyncpg://localhost/jobs", InvalidInputError, "应以 sqlite:///"),
        ("sqlite:////proc/none/jobs.db", StorageError, "FENBAN_JOBS_URL"),
        ("redis://localhost:port/0", StorageError, "FENBAN_JOBS_URL"),
        ("postgresql://fenban:secret@127.0.0.1:1/none", StorageError, "FENBAN_JOBS_URL"),
    ],
)
def test_a_wrong_address_is_told_in_words(database: Database, url: str, error: type[FenbanError], message: str) -> None:
    """Without the password in it."""
    with pytest.raises(error, match=message) as told:
        Jobs(url, database)
    assert "secret" not in str(told.value)


def test_without_its_library_redis_is_told_in_words(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """As any queue that cannot be opened; without a server the first request is."""
    url = f"redis://127.0.0.1:{free_port()}/0"
    jobs = Jobs(url, database)
    with pytest.raises(StorageError, match="FENBAN_JOBS_URL"):
        jobs.request(SUPERVISOR, RETRAIN)
    monkeypatch.setattr("huey.storage.Redis", None)
    with pytest.raises(StorageError, match="FENBAN_JOBS_URL"):
        Jobs(url, database)


WORKER = """
import sys, time
from casework.service.jobs import Jobs
from casework.storage.database import Database

def work(requested_by, progress):
    progress("开始")
    if len(sys.argv) > 3:
        time.sleep(60)
    return {"为": requested_by}

Jobs(sys.argv[1], Database(sys.argv[2]), {"retrain": work}).work()
"""


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    """A Redis of the tests' own, where it is installed."""
    if (program := shutil.which("redis-server")) is None:
        pytest.skip("redis-server is not installed")
    port = free_port()
    server = subprocess.Popen(
        [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)],
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: _listens(port))
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait()


def _listens(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(params=["sqlite", "postgresql", "redis"])
def queue(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """URLs of a queue and of a register: on PostgreSQL both are one database."""
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres_url")
        name = f"jobs_{tmp_path.name[-20:].lower().replace('[', '_').replace(']', '_')}"
        _create(server, name)
        url = server.replace("/postgres?", f"/{name}?")
        return url, url
    register = f"sqlite:///{tmp_path}/fenban.db"
    if request.param == "redis":
        return request.getfixturevalue("redis_url"), register
    return f"sqlite:///{tmp_path}/fenban.jobs.db", register


def _create(server: str, name: str) -> None:
    from sqlalchemy import create_engine, text

    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    engine.dispose()


@contextmanager
def worker(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker as `fenban worker` is one, in a process of its own."""
    process = subprocess.Popen([sys.executable, "-c", WORKER, *arguments], stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_until(true: Any) -> None:
    """Give another process twenty seconds."""
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.05)


def test_a_worker_does_jobs_through_every_queue(queue: tuple[str, str]) -> None:
    """What a killed one left is marked, what waits is done though its message was lost, and so is the next."""
    jobs_url, register_url = queue
    database = Database(register_url)
    jobs = Jobs(jobs_url, database)

    def state(job_id: int) -> str:
        return jobs.find(SUPERVISOR, job_id).state

    killed = jobs.request(SUPERVISOR, RETRAIN).id
    with worker(jobs_url, register_url, "slowly"):
        wait_until(lambda: jobs.find(SUPERVISOR, killed).progress == "开始")
    assert state(killed) == "running"
    with worker(jobs_url, register_url):
        wait_until(lambda: state(killed) == "interrupted")
    with database.writing() as session:
        lost = stored.add(session, RETRAIN, "李主管")
    assert lost is not None
    with worker(jobs_url, register_url):
        wait_until(lambda: state(lost.id) == "done")
        interrupted = jobs.find(SUPERVISOR, killed)
        assert interrupted.state == "interrupted"
        assert interrupted.result == {"error": "后台进程中断，请重新提交。"}
        another = jobs.request(SUPERVISOR, RETRAIN).id
        wait_until(lambda: state(another) == "done")
        assert jobs.find(SUPERVISOR, another).result == {"为": "李主管"}
    jobs.huey.storage.close()
    database.close()


def test_a_new_queue_is_made_once(database: Database, database_url: str) -> None:
    """By however many processes it is opened at the same time, as a server and its worker do at their first start."""
    together = threading.Barrier(8)

    def open_queue(_: int) -> None:
        together.wait()
        Jobs(Settings(database_url=database_url).jobs, database)

    with ThreadPoolExecutor(8) as threads:
        assert len(list(threads.map(open_queue, range(8)))) == 8
