"""Decides who may use which route, by one check before every request."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from apiflask import APIFlask
from flask import Flask, Request, current_app, g, redirect, request, session, url_for
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask_login import LoginManager, UserMixin, current_user, login_user
from flask_wtf import CSRFProtect
from flask_wtf.csrf import CSRFError
from werkzeug import Response

from casework.service import sessions
from casework.service.accounts import User, actor_of
from casework.service.permissions import ROLE_NAMES, Actor
from casework.service.tokens import actor_of_token
from casework.web.database import database
from casework.web.problems import wants_page
from casework.web.routes import ACCESS, ANY_SIGNED_IN, UNATTENDED
from classifier.errors import NotAllowedError, NotSignedInError, StaleFormError

COOKIE = "fenban_session"
_SCHEMES = {
    "token": {"type": "http", "scheme": "bearer", "description": "fenban token create 给出的令牌，以 fb_ 开头"},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": "网页登录后的会话；改动数据的请求还要 X-CSRFToken",
    },
}
_csrf = CSRFProtect()


class _Sessions(SecureCookieSessionInterface):
    """Sessions for browsers; a program that sends a token has none, and is spared the work of signing one."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        if request.path.startswith("/api/") and _token(request) is not None:
            return None
        return super().open_session(app, request)


class Account(UserMixin):  # type: ignore[misc] # flask-login has no types
    """Whoever is signed in, as flask-login knows them: by the secret of their session."""

    def __init__(self, secret: str, user: User) -> None:
        self.secret, self.user = secret, user

    def get_id(self) -> str:
        """What the cookie holds."""
        return self.secret


def install(app: APIFlask, key: str, idle: timedelta, secure: bool) -> None:
    """Check every request of ``app``.

    Parameters
    ----------
    key : str
        Signs the cookies.
    idle : timedelta
        A session without a request for so long has ended.
    secure : bool
        Browsers reach this host by HTTPS only, so cookies go no other way.
    """
    app.secret_key = key
    app.session_interface = _Sessions()
    app.config |= {
        "SESSION_COOKIE_NAME": COOKIE,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": secure,
        "WTF_CSRF_CHECK_DEFAULT": False,  # `_check` asks, once it knows that no token was sent
        "WTF_CSRF_TIME_LIMIT": None,  # a form is good for as long as its session
        "WTF_CSRF_SSL_STRICT": False,  # our pages send no Referer
    }
    _csrf.init_app(app)
    # Not by `init_app`, which would look after every answer for a cookie that outlives sessions; here none does.
    manager = app.login_manager = LoginManager()  # type: ignore[attr-defined]
    manager.session_protection = None

    @manager.user_loader  # type: ignore[untyped-decorator]
    def load(secret: str) -> Account | None:
        present = request.endpoint not in UNATTENDED
        user = sessions.user_of_session(database(), secret, idle, present=present)
        return user and Account(secret, user)

    app.before_request(_check)
    app.context_processor(_for_templates)
    app.security_schemes = _SCHEMES
    app.spec_processor(lambda spec: _with_security(app, spec))


def _for_templates() -> dict[str, Any]:
    return {"signed_in": g.get("user"), "role_names": ROLE_NAMES}


def begin(secret: str, user: User) -> None:
    """Let the browser keep a new session, and nothing of an older one."""
    session.clear()
    login_user(Account(secret, user))


def current_actor() -> Actor:
    """Who asks: whoever the check before this request found."""
    actor: Actor = g.actor
    return actor


def landing(target: str) -> str:
    """Where sign-in leads: to ``target`` if that is a page of ours, else to the nearest page above it.

    A form's address may not be a page itself: whoever was signed out while sending it comes back to
    the page it was on.
    """
    wanted, _, query = target.partition("?")
    if not wanted.startswith("/") or wanted.startswith("//") or "\\" in wanted or not target.isprintable():
        return "/"
    routes, path = current_app.url_map.bind(""), wanted
    while path != "/" and not routes.test(path, "GET"):
        path = path.rpartition("/")[0] or "/"
    return f"{path}?{query}" if query and path == wanted else path


def _check() -> Response | None:
    endpoint = request.endpoint
    if endpoint is None:  # no route: the answer is 404 or 405 whoever asks
        return None
    if endpoint in ACCESS and ACCESS[endpoint] is None:
        _protect()
        return None
    if (secret := _token(request)) is None:
        return _check_session(endpoint)
    g.actor = actor = actor_of_token(database(), secret)
    _require(actor, endpoint)
    return None


def _token(request: Request) -> str | None:
    """What was sent as a token; None where it was another kind of proof, or none."""
    scheme, _, secret = request.environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else None


def _check_session(endpoint: str) -> Response | None:
    if not current_user.is_authenticated:
        return _ask_to_sign_in()
    g.user, actor = current_user.user, actor_of(current_user.user)
    g.actor = actor
    _protect()
    if endpoint in ANY_SIGNED_IN:
        return None
    if g.user.must_change_password:
        return _ask_for_new_password()
    _require(actor, endpoint)
    return None


def _require(actor: Actor, endpoint: str) -> None:
    if (needed := ACCESS.get(endpoint)) is None:
        raise NotAllowedError("这个地址只对登录的人开放，令牌不能用，或没有开放。")
    actor.require(needed)


def _protect() -> None:
    try:
        _csrf.protect()
    except CSRFError as error:
        raise StaleFormError(
            "页面已过期或不是本站的，请返回刷新后再提交；程序请带 X-CSRFToken，或改用令牌。"
        ) from error


def _ask_to_sign_in() -> Response:
    if not wants_page():
        raise NotSignedInError("请先登录，或在 Authorization 里带上令牌（Bearer fb_…）。")
    wanted = request.full_path.rstrip("?") if request.method == "GET" else request.path
    return redirect(url_for("accounts.sign_in", next=landing(wanted)))


def _ask_for_new_password() -> Response:
    if not wants_page():
        raise NotAllowedError("请先在网页上修改一次性密码。")
    return redirect(url_for("accounts.password", next=landing(request.path)))


def _with_security(app: APIFlask, spec: dict[str, Any]) -> dict[str, Any]:
    spec["security"] = [{name: []} for name in _SCHEMES]
    opened = {rule.rule for rule in app.url_map.iter_rules() if ACCESS.get(rule.endpoint, rule) is None}
    for path, operations in spec["paths"].items():
        if path in opened:
            for operation in operations.values():
                operation["security"] = []
    return spec
