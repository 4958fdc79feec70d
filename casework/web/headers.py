"""Tells browsers what they may do with an answer."""

from __future__ import annotations

from flask import Flask, Response, g

NOTHING_FROM_ELSEWHERE = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_OPEN = (
    ("Content-Security-Policy", f"{NOTHING_FROM_ELSEWHERE}; style-src 'self'"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
)
"""Pages load nothing from elsewhere and run no script that stands in them."""

_PRIVATE = (*_OPEN, ("Cache-Control", "no-store"))
"""No cache keeps what only a signed-in person saw: the next one may sit at the same machine."""


def install(app: Flask) -> None:
    """Say so in every answer of ``app``, where a view says nothing else."""
    app.after_request(_say)


def _say(response: Response) -> Response:
    said = set(response.headers.keys(lower=True))
    wanted = _PRIVATE if "actor" in g else _OPEN
    response.headers.extend([(name, value) for name, value in wanted if name.lower() not in said])
    return response
