"""Where partitions lie: on a disk that all workers share, or in an object store; fsspec reaches both alike."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import gettempdir
from typing import Any
from uuid import uuid4

from botocore.exceptions import BotoCoreError
from fsspec import AbstractFileSystem
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from classifier.errors import InvalidTableError

FILE_ERRORS = (OSError, BotoCoreError)
"""What reading and writing may raise: s3fs hands over botocore's own errors where no answer came."""

_SUFFIX = ".parquet"
_WILDCARD = re.compile(r"[*?\[]")
# What tells one state of a file from the next, by the names that object stores and disks give it.
_STAMPS = ("ETag", "etag", "mtime")
_DRAFT = ".draft"


@dataclass(frozen=True)
class Partition:
    """One input file and the output file that answers it; ``name`` is its path below the input folder."""

    name: str
    source: str
    target: str


def find_partitions(source: str, target: str) -> list[Partition]:
    """The Parquet files of a folder and of all folders in it, of a pattern with wildcards, or one file.

    Hidden files, whose name or folder begins with ``.`` or ``_``, are none, nor is what lies in ``target``.

    Raises
    ------
    InvalidTableError
        There is no such file, or the place cannot be reached.
    """
    try:
        files, path = url_to_fs(source)
        out_files, out = url_to_fs(target)
        root, found = _listed(files, path)
        if out_files.isfile(out):
            raise InvalidTableError(f"{target} 是文件；用 --scheduler 时输出是目录，请换一个目录名。")
    except (*FILE_ERRORS, ImportError, ValueError) as error:
        raise InvalidTableError(
            f"打不开 {source} 或 {target}：{error}。请检查路径、网络和访问密钥（见 docs/scaling.md）。"
        ) from error
    inside = f"{files.unstrip_protocol(root).rstrip('/')}/"
    base = out_files.unstrip_protocol(out).rstrip("/")
    urls = [files.unstrip_protocol(one) for one in sorted(found)]
    names = [url.removeprefix(inside) for url in urls if not url.startswith(f"{base}/")]
    partitions = [Partition(name, inside + name, f"{base}/{name}") for name in names if _is_data(name)]
    if not partitions:
        raise InvalidTableError(
            f"{source} 里没有 {_SUFFIX} 文件（输出目录里的不算）。--scheduler 只处理 Parquet：CSV 或 Excel 请去掉 --scheduler，"
            "或先转成 Parquet（见 docs/scaling.md）。"
        )
    return partitions


def _listed(files: AbstractFileSystem, path: str) -> tuple[str, list[str]]:
    """The folder that names are given below, and the files."""
    if files.isdir(path):
        return path, files.find(path)
    if files.isfile(path):
        return path.rpartition("/")[0], [path]
    fixed = _WILDCARD.split(path)[0]
    found = files.glob(path, detail=True)
    return fixed.rpartition("/")[0], [name for name, info in found.items() if info["type"] == "file"]


def _is_data(name: str) -> bool:
    return name.lower().endswith(_SUFFIX) and not any(part.startswith((".", "_")) for part in name.split("/"))


def fingerprint(url: str) -> dict[str, Any]:
    """Size and state of a file, which differ when it was written anew."""
    files, path = url_to_fs(url)
    info = files.info(path)
    return {"size": info["size"], "state": next((str(info[key]) for key in _STAMPS if key in info), "")}


@contextmanager
def appearing(url: str, run: str) -> Iterator[Path]:
    """Name of a local file that stands under ``url`` when the block ends well, and vanishes when not.

    On a disk it lies beside its place and is renamed, so that nobody ever sees a part of it. To an
    object store it is uploaded whole, which shows an object when all of it is there.
    """
    files, path = url_to_fs(url)
    place = PurePosixPath(path)
    on_disk = isinstance(files, LocalFileSystem)
    folder = Path(place.parent if on_disk else gettempdir())
    folder.mkdir(parents=True, exist_ok=True)
    # Two workers write one partition where the scheduler took the first for lost.
    draft = folder / f".{place.name}.{uuid4().hex}.{run}{_DRAFT}"
    try:
        yield draft
        if on_disk:
            with draft.open("rb+") as file:
                os.fsync(file.fileno())
            draft.replace(path)
        else:
            files.put_file(str(draft), path)
    finally:
        draft.unlink(missing_ok=True)


def sweep(target: str, run: str) -> None:
    """Remove the drafts that killed workers of a run left beside their places."""
    files, path = url_to_fs(target)
    if isinstance(files, LocalFileSystem):
        for draft in Path(path).rglob(f".*.{run}{_DRAFT}"):
            draft.unlink(missing_ok=True)
