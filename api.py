"""Composition root of the web service: `flask --app api run`, `gunicorn 'api:create_app()'`."""

from __future__ import annotations

from datetime import timedelta

from apiflask import APIFlask
from werkzeug.middleware.proxy_fix import ProxyFix

from casework.service.jobs import Jobs
from casework.service.office import Office
from casework.service.sessions import cookie_key
from casework.service.uploads import Uploads
from casework.web import (
    access,
    accounts,
    cases,
    database,
    desk,
    exchange,
    headers,
    model,
    office,
    problems,
    releases,
    rest,
    uploading,
    watch,
)
from casework.web.pages import acceptance, batch, case, deciding, figures, models, new_case, queue, shell, wording
from casework.web.pages import settings as settings_pages
from settings import ROOT, Settings

_API = (rest, cases, exchange, office, releases, watch)
_PAGES = (shell, wording, accounts, queue, acceptance, case, deciding, new_case, batch, models, figures, settings_pages)


def create_app(settings: Settings | None = None) -> APIFlask:
    """Build the application, open the case register and load the current model.

    Parameters
    ----------
    settings : Settings, optional
        Read from the environment where not given.

    Raises
    ------
    StorageError
        The case register cannot be opened.
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
    # No view is a coroutine; Flask asks that of all it calls, ten times a request.
    app.ensure_sync = lambda view: view  # type: ignore[method-assign]
    model.load_into(app, settings.models_dir)
    problems.install(app)
    headers.install(app)
    register = database.open_into(app, settings.database_url)
    idle = timedelta(minutes=settings.session_idle_minutes)
    access.install(app, cookie_key(register), idle, secure=settings.encrypted)
    if settings.behind_proxy:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]
    key = settings.originals_key and settings.originals_key.get_secret_value()
    office_set = Office.of(settings.timezone, settings.blind_share, settings.due_soon_hours, key)
    uploads = Uploads(settings.uploads, settings.upload_days)
    desk.set_office(app, office_set, settings.models_dir, Jobs(settings.jobs, register), uploads)
    uploading.allow(app, "batch.upload", settings.max_upload_bytes, uploads)
    for one in (*_API, *_PAGES):
        app.register_blueprint(one.blueprint)
    register.close()  # workers that fork from here share no connection
    return app
