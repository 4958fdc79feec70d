"""Tells browsers what they may do with an answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

NOTHING_FROM_ELSEWHERE = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    name.lower(): (name, value)
    for name, value in (
        ("Content-Security-Policy", f"{NOTHING_FROM_ELSEWHERE}; style-src 'self'"),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
        ("Cache-Control", "no-store"),
    )
}
"""Pages load nothing from elsewhere and run no script that stands in them; and no cache keeps what a person saw: the next one may
sit at the same machine."""


def install(app: Flask) -> None:
    """Say so in every answer of ``app``, where a view says nothing else."""
    answer = app.wsgi_app

    # Behind Flask, which goes through each header several times.
    def answer_with_headers(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Callable[[bytes], object]:
            said = {name.lower() for name, _ in headers}
            return start_response(status, headers + [_HEADERS[name] for name in _HEADERS if name not in said], *error)

        return answer(environ, start)

    app.wsgi_app = answer_with_headers  # type: ignore[method-assign]
