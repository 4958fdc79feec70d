"""Uploaded files are kept for a few days, for their owner and for those who may read originals."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from casework.service.permissions import ROLES, Actor, Permission
from casework.service.uploads import Upload, Uploads
from casework.storage import jobs as stored_jobs
from casework.storage.database import Database
from classifier.errors import ConflictError, NotAllowedError, NotFoundError, UnfinishedError
from tests.clients import audited

SUPERVISOR = Actor("李主管", ROLES["supervisor"], 1)
OTHER = Actor("王主管", ROLES["supervisor"], 2)
LIMITED = Actor("赵主管", ROLES["supervisor"], 3, department="land")


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    """Kept for two days."""
    return Uploads(tmp_path / "uploads", 2)


def saving(text: str) -> Callable[[Path], object]:
    """What writes a file."""
    return lambda path: path.write_text(text, encoding="utf-8")


def add(uploads: Uploads, database: Database, actor: Actor = SUPERVISOR, name: str = "积案.csv") -> Upload:
    """Upload a file."""
    return uploads.add(database, actor, name, saving("内容\n井盖丢了三天没人管\n"))


def test_a_file_is_kept_as_it_came(uploads: Uploads, database: Database, tmp_path: Path) -> None:
    """In a folder that nobody else on the machine reads; who sent it, and when, is on record without its content."""
    added = add(uploads, database)
    assert added.given.read_text(encoding="utf-8") == "内容\n井盖丢了三天没人管\n"
    assert (added.name, added.size, added.uploaded_by) == ("积案.csv", added.given.stat().st_size, "李主管")
    assert (tmp_path / "uploads").stat().st_mode & 0o077 == 0
    assert uploads.find(SUPERVISOR, added.id) == added
    assert audited(database) == [("李主管", "upload.added", f"upload {added.id}")]


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "C:\\桌面\\积案.csv", "..", ".bashrc", "a\nb.csv", "长" * 300 + ".csv"]
)
def test_no_name_leads_elsewhere(uploads: Uploads, database: Database, name: str) -> None:
    """Whatever a browser sends."""
    added = add(uploads, database, name=name)
    assert added.given.parent == added.folder / "given"
    assert [one.name for one in added.given.parent.iterdir()] == [added.name]


def test_who_sees_what(uploads: Uploads, database: Database) -> None:
    """One's own; all of them whoever may read originals of every department; clerks none."""
    own, others = add(uploads, database), add(uploads, database, LIMITED)
    assert uploads.newest_first(OTHER) == [others, own]
    assert uploads.newest_first(LIMITED) == [others]
    assert uploads.find(OTHER, own.id) == own
    with pytest.raises(NotFoundError, match="别人上传"):
        uploads.find(LIMITED, own.id)
    program = Actor("李主管", frozenset({Permission.EXCHANGE}))
    assert uploads.newest_first(program) == []
    with pytest.raises(NotAllowedError, match="导入导出"):
        uploads.newest_first(Actor("赵分办", ROLES["triage"], 4))


@pytest.mark.parametrize("upload_id", ["", "..", "0123456789abcdef", "0" * 300, "../uploads"])
def test_what_is_not_there(uploads: Uploads, database: Database, upload_id: str) -> None:
    """Is not found, whatever was asked for."""
    add(uploads, database)
    with pytest.raises(NotFoundError, match="重新上传"):
        uploads.find(SUPERVISOR, upload_id)


def test_deleting_takes_everything(uploads: Uploads, database: Database, tmp_path: Path) -> None:
    """And is on record; not while a job is at work on it."""
    added = add(uploads, database)
    with database.writing() as session:
        job = stored_jobs.add(session, f"reclassify:{added.id}", "李主管")
    with pytest.raises(ConflictError, match="先让它停下"):
        uploads.delete(database, SUPERVISOR, added)
    assert job is not None
    with database.writing() as session:
        stored_jobs.end(session.get_one(stored_jobs.Job, job.id), stored_jobs.DONE)
    uploads.delete(database, SUPERVISOR, added)
    assert list((tmp_path / "uploads").iterdir()) == []
    assert audited(database)[-1] == ("李主管", "upload.deleted", f"upload {added.id}")


def test_old_ones_go_by_themselves(
    uploads: Uploads, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what a crash left of others; younger ones stay."""
    old, young = add(uploads, database), add(uploads, database)
    facts = old.folder / "upload.json"
    earlier = old.uploaded_at - timedelta(days=3)
    facts.write_text(facts.read_text("utf-8").replace(old.uploaded_at.isoformat(), earlier.isoformat()), "utf-8")
    leftover, draft = tmp_path / "uploads" / ".abc", tmp_path / "uploads" / ".def"
    leftover.mkdir()
    draft.mkdir()
    os.utime(leftover, (earlier.timestamp(), earlier.timestamp()))
    uploads.expire(database)
    assert sorted((tmp_path / "uploads").iterdir()) == sorted([young.folder, draft])
    assert audited(database)[-1] == ("系统", "upload.expired", f"upload {old.id}")


def test_a_full_disk_keeps_nothing(uploads: Uploads, database: Database, tmp_path: Path) -> None:
    """And says so in words."""

    def save(path: Path) -> None:
        path.write_text("一半")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(UnfinishedError, match="No space left on device"):
        uploads.add(database, SUPERVISOR, "积案.csv", save)
    assert list((tmp_path / "uploads").iterdir()) == []
    assert audited(database) == []
