"""SIGKILL at any moment of a write loses nothing that was acknowledged, leaves nothing half done and no lock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import select, text

from backlog.tables import new_table
from casework.service import releases
from casework.service.desk import Desk
from casework.service.exchange import import_handled
from casework.storage import audit
from casework.storage.database import Database, Session
from casework.storage.jobs import DONE, INTERRUPTED, QUEUED, RUNNING
from casework.storage.tables import Job
from tests.faults.killing import Place, Workers, kills, wait_until
from tests.faults.traces import served_model, switches, whole_cases
from tests.faults.worker import (
    ROWS_PER_CHUNK,
    TEXT,
    decide_one,
    promote_other,
    register_one,
)
from training.labelled import Example

pytestmark = pytest.mark.slow
ROWS = 15 * ROWS_PER_CHUNK


@contextmanager
def register(place: Place) -> Iterator[Database]:
    """The register, opened anew once PostgreSQL has noticed that the killed worker is gone: until then it may
    still keep what the worker had sent."""
    database = Database(place.url)
    try:
        if place.url.startswith("postgresql"):
            wait_until(lambda: not others(database), "a connection outlived its process")
        yield database
    finally:
        database.close()


def others(database: Database) -> int:
    """How many connections the database has beside the one that asks."""
    query = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
    )
    with database.reading() as session:
        return int(session.execute(query).scalar_one())


def handled_file(path: Path, references: Sequence[str]) -> Path:
    """A file of handled cases with these references."""
    with new_table(path) as out:
        out.writerow(["编号", "内容", "主办部门"])
        out.writerows([one, TEXT, "environment"] for one in references)
    return path


def test_registering(place: Place, desk: Desk) -> None:
    """Each number that was given out has its case, with suggestion and entry; the next complaint is registered."""
    given = []
    for round_, killed in enumerate(kills("registering", place, 5), 1):
        given += [number for (number,) in killed.acknowledged()]
        with register(place) as database:
            with database.reading() as session:
                numbers = set(whole_cases(session))
            assert numbers >= set(given)
            assert len(numbers) <= len(given) + round_, "a kill leaves at most one that was not acknowledged"
            given.append(register_one(database, desk))
            served_model(database, place.models)


def test_deciding(place: Place, desk: Desk) -> None:
    """Each decision stands with its case and its entry; the next can be made."""
    with register(place) as database:
        numbers = [register_one(database, desk) for _ in range(12)]
        for number in numbers:
            decide_one(database, desk, number)
    for killed in kills("deciding", place, 5):
        with register(place) as database:
            with database.reading() as session:
                cases = whole_cases(session)
            for number, version in killed.acknowledged():
                assert cases[number].version >= int(version)
            for number in numbers:
                decide_one(database, desk, number)
            served_model(database, place.models)


def test_importing(place: Place, desk: Desk, tmp_path: Path) -> None:
    """Every row told of is in; the same file again brings the rest, each once."""

    def file(i: int) -> str:
        return str(handled_file(tmp_path / f"{i}.csv", [f"{i}-{row}" for row in range(ROWS)]))

    for i, killed in enumerate(kills("importing", place, ROWS // ROWS_PER_CHUNK, file)):
        with register(place) as database:
            with database.reading() as session:
                taken = len(whole_cases(session)) - i * ROWS
            assert taken >= max((int(rows) for (rows,) in killed.acknowledged()), default=0)
            outcome = import_handled(database, desk, tmp_path / f"{i}.csv")
            assert (outcome.imported, outcome.known) == (ROWS - taken, taken)
            with database.reading() as session:
                references = sorted(str(case.reference) for case in whole_cases(session).values())
            assert references == sorted(f"{n}-{row}" for n in range(i + 1) for row in range(ROWS))
            served_model(database, place.models)


def test_promoting(place: Place) -> None:
    """The model last promoted serves, or the one whose promotion was cut short; every switch is on record."""
    for killed in kills("promoting", place, 5):
        with register(place) as database:
            current = served_model(database, place.models)
            with database.reading() as session:
                reasons = {one.get("why") for one in switches(session)}
            assert reasons >= {why for _, why in killed.acknowledged()}
            for last, _ in killed.acknowledged()[-1:]:
                assert current == last or killed.midway
            version, _ = promote_other(database, place.models)
            assert served_model(database, place.models) == version


@pytest.fixture
def learned_from(place: Place, desk: Desk, examples: list[Example], tmp_path: Path) -> None:
    """A few dozen handled cases."""
    with new_table(tmp_path / "handled.csv") as out:
        out.writerow(["内容", "主办部门"])
        out.writerows([one.complaint.text, one.department] for one in examples[5::30])
    with register(place) as database:
        import_handled(database, desk, tmp_path / "handled.csv")


def jobs_in(session: Session) -> list[Job]:
    """All jobs, the oldest first."""
    return list(session.scalars(select(Job).order_by(Job.id)))


@pytest.mark.usefixtures("learned_from")
def test_retraining(place: Place) -> None:
    """Models told of are there and on record, one always serves, and no job but the last is unfinished."""
    for killed in kills("retraining", place, 1):
        with register(place) as database:
            served_model(database, place.models)
            with database.reading() as session:
                trained = [entry.new for entry in audit.entries(session, "model", limit=1000)]
                promoted = {one["version"] for one in switches(session)}
                jobs = jobs_in(session)
            for version, was_promoted in killed.acknowledged():
                assert version in {one["version"] for one in trained if one}
                assert releases.show_model(place.models, version).verdict
                assert (version in promoted) == (was_promoted == "True")
            assert {job.id for job in jobs} >= {int(number) for (number,) in killed.acknowledged("requested")}
            assert {job.state for job in jobs[:-1]} <= {DONE, INTERRUPTED}
            assert jobs[-1].state in (QUEUED, RUNNING, DONE)


@pytest.mark.usefixtures("learned_from")
def test_the_next_worker_sees_to_jobs_that_were_left(place: Place) -> None:
    """One left running is marked as interrupted; one that is queued is done, though its message be lost."""
    with Workers("retraining", place) as workers:
        workers.start()
        workers.wait_for("begin")
        workers.kill()
        with register(place) as database, database.reading() as session:
            assert [job.state for job in jobs_in(session)] == [RUNNING]
        workers.start()
        workers.wait_for("done", 2)
        workers.kill()
        with register(place) as database, database.reading() as session:
            assert [job.state for job in jobs_in(session)][:2] == [INTERRUPTED, DONE]
