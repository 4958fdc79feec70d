"""Sends a table file that a service writes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from flask import Response

from classifier.errors import InvalidInputError

_TYPES = {"csv": "text/csv", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}


def download(name: str, form: str, write: Callable[[Path], object]) -> Response:
    """What ``write`` writes to a path, as a file to keep.

    Raises
    ------
    InvalidInputError
        ``form`` is neither csv nor xlsx.
    """
    if form not in _TYPES:
        raise InvalidInputError(f"不能导出为“{form[:20]}”，format 应为 csv 或 xlsx。")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.{form}"
        write(path)
        content = path.read_bytes()
    disposition = f'attachment; filename="{name}.{form}"'
    return Response(content, mimetype=_TYPES[form], headers={"Content-Disposition": disposition})
