"""Ways into the application for tests: with a token, signed in, or as the person at the machine."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

from flask import Flask
from flask.testing import FlaskClient

from casework.service import accounts, tokens
from casework.service.permissions import console
from casework.storage import audit
from casework.storage.database import Database

PASSWORD = "correct horse 电池"


def register_of(app: Flask) -> Database:
    """The register an application works in."""
    register: Database = app.extensions["fenban.database"]
    return register


def add_user(app: Flask, name: str, role: str, one_time: bool = False) -> None:
    """Open an account with the tests' password."""
    with register_of(app).writing() as session:
        accounts.add_user(session, console(), name, role, PASSWORD, one_time=one_time)


def with_token(app: Flask, *scopes: str, user: str | None = None) -> FlaskClient:
    """A client that sends a token."""
    with register_of(app).writing() as session:
        secret = tokens.create_token(session, console(), uuid4().hex, scopes, 1, user)
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {secret}"
    return client


def csrf_token(client: FlaskClient, path: str = "/sign-in") -> str:
    """The key in the form of a page."""
    page = client.get(path).get_data(as_text=True)
    return page.partition('name="csrf_token" value="')[2].partition('"')[0]


def sign_in(app: Flask, name: str, password: str = PASSWORD) -> FlaskClient:
    """A client whose user has signed in; it sends the key that forms need as a header."""
    client = app.test_client()
    data = {"name": name, "password": password, "csrf_token": csrf_token(client)}
    assert client.post("/sign-in", data=data).status_code == 302
    client.environ_base["HTTP_X_CSRFTOKEN"] = csrf_token(client)
    return client


def change(database: Database, service: Callable[..., object], *arguments: object, **named: object) -> object:
    """Call a service as the person at the machine, in a transaction of its own."""
    with database.writing() as session:
        return service(session, console(), *arguments, **named)


def audited(database: Database) -> list[tuple[str, str, str]]:
    """Who did what to whom, the newest last."""
    with database.reading() as session:
        return [(one.actor, one.action, one.subject) for one in reversed(audit.entries(session))]
