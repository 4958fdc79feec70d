"""Composition root of the web service: `flask --app api run`, `gunicorn 'api:create_app()'`."""

from __future__ import annotations

from apiflask import APIFlask

from casework.web import model, pages, problems, rest, watch
from settings import ROOT, Settings


def create_app(settings: Settings | None = None) -> APIFlask:
    """Build the application and load the current model into it.

    Parameters
    ----------
    settings : Settings, optional
        Read from the environment where not given.
    """
    settings = settings or Settings()
    app = APIFlask(
        "fenban",
        title="Fenban 分办 API",
        version="1",
        docs_path=None,
        json_errors=False,  # casework.web.problems answers them
        root_path=str(ROOT / "casework" / "web"),
        template_folder="templates",
        static_folder="static",
    )
    app.config["MAX_CONTENT_LENGTH"] = settings.max_request_bytes
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.extensions["fenban.models"] = settings.models_dir
    model.load_into(app, settings.models_dir)
    problems.install(app)
    app.register_blueprint(rest.blueprint)
    app.register_blueprint(pages.blueprint)
    app.register_blueprint(watch.blueprint)
    return app
