"""Keeps uploaded backlogs for a few days, each in a folder of its own that only the service can read."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

from casework.service.permissions import Actor, Permission
from casework.storage import audit
from casework.storage import jobs as stored_jobs
from casework.storage.database import Database
from classifier.errors import ConflictError, NotFoundError, UnfinishedError

_ID = re.compile("[0-9a-f]{16}")
_FACTS = "upload.json"
_LEFTOVER_AFTER = timedelta(days=1)


@dataclass(frozen=True)
class Upload:
    """A file as somebody sent it, and the folder it and all that is made of it lie in."""

    folder: Path
    name: str
    size: int
    uploaded_by: str
    user_id: int | None
    uploaded_at: datetime

    @property
    def id(self) -> str:
        """What tells it from others, which nobody can guess."""
        return self.folder.name

    @property
    def given(self) -> Path:
        """The file, under its own name."""
        return self.folder / "given" / self.name

    @property
    def made(self) -> Path:
        """The folder for what is made of it."""
        return self.folder / "made"

    def read(self, name: str) -> dict[str, Any] | None:
        """What was noted about it under a name."""
        try:
            found: dict[str, Any] = json.loads((self.folder / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return found

    def note(self, name: str, facts: dict[str, Any]) -> None:
        """Note something about it, in the place of what was there."""
        new = self.folder / f".{name}.new"
        with on_disk():
            new.write_text(json.dumps(facts, ensure_ascii=False), encoding="utf-8")
            new.replace(self.folder / name)


class Uploads:
    """All of an office's uploads.

    Parameters
    ----------
    folder : Path
        Made where it is missing.
    days : float
        After so many an upload is deleted with all that was made of it.
    """

    def __init__(self, folder: Path, days: float) -> None:
        self._folder, self._kept = folder, timedelta(days=days)

    def add(self, database: Database, actor: Actor, name: str, save: Callable[[Path], object]) -> Upload:
        """Keep a file, which ``save`` writes to the path it is given.

        Raises
        ------
        UnfinishedError
            There is no room for it; nothing of it is kept.
        """
        actor.require(Permission.EXCHANGE)
        final = self._folder / secrets.token_hex(8)
        draft = Upload(
            final.with_name(f".{final.name}"), safe_name(name), 0, actor.name, actor.user_id, datetime.now(UTC)
        )
        try:
            with on_disk():
                self._make()
                draft.folder.mkdir(mode=0o700)
                draft.given.parent.mkdir()
                draft.made.mkdir()
                save(draft.given)
            facts = {"name": draft.name, "size": draft.given.stat().st_size, "uploaded_by": actor.name}
            moment = draft.uploaded_at.isoformat()
            draft.note(_FACTS, facts | {"user_id": actor.user_id, "uploaded_at": moment})
            with database.writing() as session:
                audit.record(session, actor.name, "upload.added", f"upload {final.name}", None, facts)
                draft.folder.rename(final)
        except BaseException:
            shutil.rmtree(draft.folder, ignore_errors=True)
            raise
        return _of(final)

    def spool(self) -> IO[bytes]:
        """A nameless file for what is on its way."""
        self._make()
        return tempfile.TemporaryFile(dir=self._folder)

    def find(self, actor: Actor, upload_id: str) -> Upload:
        """An upload that the actor may see.

        Raises
        ------
        NotFoundError
            There is none, or no longer, or it is somebody else's.
        """
        actor.require(Permission.EXCHANGE)
        folder = self._folder / upload_id
        if _ID.fullmatch(upload_id) and (folder / _FACTS).exists() and _may_see(actor, found := _of(folder)):
            return found
        raise NotFoundError("没有这份上传的文件，可能已删除或到期自动删除，也可能是别人上传的。请重新上传。")

    def newest_first(self, actor: Actor) -> list[Upload]:
        """The uploads that the actor may see."""
        actor.require(Permission.EXCHANGE)
        return sorted(
            (one for one in self._all() if _may_see(actor, one)), key=lambda one: one.uploaded_at, reverse=True
        )

    def take_out(self, database: Database, actor: Actor, upload: Upload, path: Path) -> Path:
        """Note that somebody takes a file of an upload away, for they take personal data with it.

        Raises
        ------
        NotFoundError
            It is no longer there.
        """
        actor.require(Permission.EXCHANGE)
        if not path.is_file():
            raise NotFoundError(f"{path.name} 已不在了，可能刚被删除。请刷新页面。")
        with database.writing() as session:
            audit.record(session, actor.name, "upload.downloaded", f"upload {upload.id}", None, {"name": path.name})
        return path

    def delete(self, database: Database, actor: Actor, upload: Upload) -> None:
        """Delete an upload with all that was made of it; what was applied to cases stays applied.

        Raises
        ------
        ConflictError
            A job is at work on it.
        """
        actor.require(Permission.EXCHANGE)
        if self._is_busy(database, upload):
            raise ConflictError(f"{upload.name} 正在处理，请先让它停下，再删除。")
        self._remove(database, actor.name, "upload.deleted", upload)

    def expire(self, database: Database) -> None:
        """Delete what has lain here for too long, but for what a job is at work on."""
        now = datetime.now(UTC)
        for upload in self._all():
            if upload.uploaded_at + self._kept < now and not self._is_busy(database, upload):
                self._remove(database, "系统", "upload.expired", upload)
        for leftover in self._folder.glob(".*"):
            if datetime.fromtimestamp(leftover.stat().st_mtime, UTC) + _LEFTOVER_AFTER < now:
                shutil.rmtree(leftover, ignore_errors=True)

    def expires_at(self, upload: Upload) -> datetime:
        """When an upload will be deleted."""
        return upload.uploaded_at + self._kept

    def _make(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def _all(self) -> Iterator[Upload]:
        for facts in self._folder.glob(f"[0-9a-f]*/{_FACTS}"):
            # Another process may be deleting it.
            with suppress(FileNotFoundError):
                yield _of(facts.parent)

    def _is_busy(self, database: Database, upload: Upload) -> bool:
        with database.reading() as session:
            return any(job.kind.endswith(f":{upload.id}") for job in stored_jobs.under_way(session))

    def _remove(self, database: Database, name: str, action: str, upload: Upload) -> None:
        gone = upload.folder.with_name(f".{upload.id}")
        with on_disk(), database.writing() as session:
            audit.record(session, name, action, f"upload {upload.id}", {"name": upload.name, "size": upload.size}, None)
            # Out of sight in one step; what a crash leaves of it is cleared away later.
            upload.folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)


def safe_name(name: str) -> str:
    """A file's own name as sent by a browser, as far as it is one.

    >>> safe_name("C:/桌面/../积案.xlsx"), safe_name("..")
    ('积案.xlsx', 'file')
    """
    own = re.split(r"[/\\]", name)[-1]
    # A file system takes 255 bytes, and most characters are three.
    return "".join(one for one in own if one.isprintable())[-60:].lstrip(".") or "file"


@contextmanager
def on_disk() -> Iterator[None]:
    """Say in words what keeps something from being written.

    Raises
    ------
    UnfinishedError
    """
    try:
        yield
    except OSError as error:
        raise UnfinishedError(
            f"服务器的磁盘写不下去：{error.strerror}。什么也没有改，请腾出空间或联系管理员后再试。"
        ) from error


def _of(folder: Path) -> Upload:
    facts = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
    return Upload(folder=folder, **facts | {"uploaded_at": datetime.fromisoformat(facts["uploaded_at"])})


def _may_see(actor: Actor, upload: Upload) -> bool:
    """Uploads hold personal data as they came: they are their owner's, and of whoever may read originals of all."""
    is_own = (upload.uploaded_by, upload.user_id) == (actor.name, actor.user_id)
    return is_own or (Permission.ORIGINALS in actor.permissions and not actor.department)
