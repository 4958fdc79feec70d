"""Runs the web service: gunicorn on Linux, waitress on Windows."""

from __future__ import annotations

import importlib
import sys
from typing import Any


def run(application: str, host: str, port: int, workers: int) -> None:
    """Serve until stopped.

    Parameters
    ----------
    application : str
        "module:factory". Made once, before the workers fork, so they share the model's memory.
    host : str
    port, workers : int
    """
    module, _, factory = application.partition(":")
    app = getattr(importlib.import_module(module), factory)()
    if sys.platform == "win32":
        from waitress import serve

        serve(app, host=host, port=port, threads=workers)
        return
    from gunicorn.app.base import BaseApplication

    class Server(BaseApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            options: dict[str, Any] = {"bind": f"{host}:{port}", "workers": workers, "control_socket_disable": True}
            for name, value in options.items():
                self.cfg.set(name, value)

        def load(self) -> Any:
            return app

    Server().run()
