"""The least a Flask service can do, to measure ours against: JSON in, the same JSON out, nobody asked who they are."""

from __future__ import annotations

from flask import Flask, Response, jsonify, request


def create_app() -> Flask:
    """An application with the routes that the benchmark asks."""
    app = Flask("echo")

    @app.post("/api/v1/suggestions")
    def echo() -> Response:
        return jsonify(request.get_json())

    @app.get("/readyz")
    def ready() -> str:
        return "ok"

    return app
