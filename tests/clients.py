"""Clients of the application for tests: with a token, or signed in as somebody."""

from __future__ import annotations

from uuid import uuid4

from flask import Flask
from flask.testing import FlaskClient

from casework.service import accounts, tokens
from casework.service.permissions import console
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
