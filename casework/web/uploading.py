"""Lets one route take files far larger than any other request, and has them written to the disk as they come."""

from __future__ import annotations

from typing import IO, cast

from flask import Flask, Request

from casework.service.uploads import Uploads


def allow(app: Flask, endpoint: str, most_bytes: int, uploads: Uploads) -> None:
    """Let requests for ``endpoint`` have so many bytes, and lie where uploads do until they are read."""

    class Sent(Request):
        @property
        def max_content_length(self) -> int | None:
            return most_bytes if self.endpoint == endpoint else super().max_content_length

        def _get_file_stream(
            self,
            total_content_length: int | None,
            content_type: str | None,
            filename: str | None = None,
            content_length: int | None = None,
        ) -> IO[bytes]:
            if self.endpoint == endpoint:
                # The system's folder for temporary files may be memory.
                return uploads.spool()
            return cast(
                IO[bytes], super()._get_file_stream(total_content_length, content_type, filename, content_length)
            )

    app.request_class = Sent
    app.config["FENBAN_MAX_UPLOAD_BYTES"] = most_bytes
