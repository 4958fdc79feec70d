"""Hands the case register to views, which open its transactions."""

from __future__ import annotations

from flask import Flask, current_app

from casework.storage.database import Database

_KEY = "fenban.database"


def open_into(app: Flask, url: str) -> Database:
    """Open the register for ``app``.

    Raises
    ------
    StorageError
        It cannot be opened.
    """
    opened = app.extensions[_KEY] = Database(url)
    return opened


def database() -> Database:
    """The register of the app that answers the current request."""
    found: Database = current_app.extensions[_KEY]
    return found
