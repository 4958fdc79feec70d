"""Who may use which route, by which means, and how the pages for signing in behave."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from apiflask import APIFlask
from flask import Flask, request
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from api import create_app
from casework.service import accounts, clock
from casework.service.permissions import ROLES, Permission, console
from casework.web.access import landing
from casework.web.routes import ACCESS, ANY_SIGNED_IN
from settings import Settings
from tests.clients import PASSWORD, add_user, csrf_token, register_of, sign_in, with_token

EVERYBODY = {"anonymous", "triage", "supervisor", "admin", *Permission}
SENIOR = {"supervisor", "admin"}
STAFF = {"triage", *SENIOR}

ROUTES: dict[str, set[str]] = {
    "GET /healthz": EVERYBODY,
    "GET /readyz": EVERYBODY,
    "GET /static/<path:filename>": EVERYBODY,
    "GET /sign-in": EVERYBODY,
    "POST /sign-in": EVERYBODY,
    "POST /sign-out": STAFF,
    "POST /sign-out/others": STAFF,
    "GET /password": STAFF,
    "POST /password": STAFF,
    "GET /": STAFF | {"read"},
    "GET /acceptance": STAFF | {"decide"},
    "POST /acceptance": STAFF | {"decide"},
    "GET /acceptance/<batch>": STAFF | {"decide"},
    "POST /acceptance/<batch>/withdrawal": STAFF | {"decide"},
    "GET /new": STAFF | {"suggest"},
    "POST /new": STAFF | {"suggest"},
    "POST /new/registration": STAFF | {"register"},
    "GET /cases/<number>": STAFF | {"read"},
    "GET /cases/<number>/standing": STAFF | {"read"},
    "POST /cases/<number>/suggestions": STAFF | {"suggest"},
    "POST /cases/<number>/original": SENIOR | {"originals"},
    "GET /docs": STAFF | {"suggest"},
    "GET /openapi.json": STAFF | {"suggest"},
    "POST /api/v1/suggestions": STAFF | {"suggest"},
    "POST /api/v1/suggestions/batch": STAFF | {"suggest"},
    "POST /api/v1/cases": STAFF | {"register"},
    "GET /api/v1/cases": STAFF | {"read"},
    "GET /api/v1/cases/<number>": STAFF | {"read"},
    "GET /api/v1/cases/<number>/original": SENIOR | {"originals"},
    "POST /api/v1/cases/<number>/suggestions": STAFF | {"suggest"},
    "POST /api/v1/cases/<number>/decisions": STAFF | {"decide"},
    "POST /api/v1/cases/<number>/hand-backs": STAFF | {"decide"},
    "POST /api/v1/cases/<number>/outcome": STAFF | {"decide"},
    "POST /api/v1/cases/<number>/withdrawal": STAFF | {"decide"},
    "POST /cases/<number>/decisions": STAFF | {"decide"},
    "POST /cases/<number>/hand-backs": STAFF | {"decide"},
    "POST /cases/<number>/outcome": STAFF | {"decide"},
    "POST /cases/<number>/withdrawal": STAFF | {"decide"},
    "POST /api/v1/cases/import": SENIOR | {"exchange"},
    "POST /api/v1/cases/import/preview": SENIOR | {"exchange"},
    "GET /api/v1/cases/export": SENIOR | {"exchange"},
    "GET /batch": SENIOR | {"exchange"},
    "POST /batch": SENIOR | {"exchange"},
    "GET /batch/<upload_id>": SENIOR | {"exchange"},
    "POST /batch/<upload_id>/start": SENIOR | {"exchange"},
    "POST /batch/<upload_id>/resume": SENIOR | {"exchange"},
    "POST /batch/<upload_id>/stop": SENIOR | {"exchange"},
    "POST /batch/<upload_id>/preview": SENIOR | {"exchange"},
    "POST /batch/<upload_id>/apply": SENIOR | {"exchange"},
    "POST /batch/<upload_id>/delete": SENIOR | {"exchange"},
    "GET /batch/<upload_id>/given": SENIOR | {"exchange"},
    "GET /batch/<upload_id>/result": SENIOR | {"exchange"},
    "POST /batch/runs/<int:run_id>/undo": SENIOR | {"exchange"},
    "GET /api/v1/models": SENIOR | {"models"},
    "GET /api/v1/models/<version>": SENIOR | {"models"},
    "POST /api/v1/models/<version>/promotion": SENIOR | {"models"},
    "POST /api/v1/models/rollback": SENIOR | {"models"},
    "POST /api/v1/retraining": SENIOR | {"models"},
    "GET /api/v1/jobs/<int:job_id>": SENIOR | {"models"},
    "GET /api/v1/label-checks": SENIOR | {"models"},
    "POST /api/v1/label-checks/<number>": SENIOR | {"models"},
    "DELETE /api/v1/label-checks/<number>": SENIOR | {"models"},
    "GET /models": SENIOR | {"models"},
    "GET /models/history": SENIOR | {"models"},
    "GET /models/versions/<version>": SENIOR | {"models"},
    "POST /models/versions/<version>/promotion": SENIOR | {"models"},
    "POST /models/rollback": SENIOR | {"models"},
    "GET /models/training": SENIOR | {"models"},
    "POST /models/training": SENIOR | {"models"},
    "GET /models/label-checks": SENIOR | {"models"},
    "POST /models/label-checks/<number>": SENIOR | {"models"},
    "POST /models/label-checks/<number>/reopening": SENIOR | {"models"},
    "GET /models/confusion": SENIOR | {"models"},
    "GET /models/confusion/cases": SENIOR | {"models"},
    "GET /api/v1/holidays": STAFF | {"read"},
    "PUT /api/v1/holidays": SENIOR | {"office"},
    "GET /api/v1/deadlines": STAFF | {"read"},
    "PUT /api/v1/deadlines": SENIOR | {"office"},
    "GET /api/v1/audit": SENIOR | {"audit"},
    "GET /api/v1/watch": SENIOR | {"watch"},
    "GET /figures": SENIOR | {"watch"},
    "GET /figures/cases": SENIOR,  # a token needs watch and read
    "GET /figures/export": SENIOR | {"watch"},
    "GET /figures/quality": SENIOR | {"watch"},
    "GET /watch": SENIOR | {"watch"},
    "GET /metrics": SENIOR | {"watch"},
    "GET /settings": SENIOR | {"office"},
    "GET /settings/labels": SENIOR | {"office"},
    "POST /settings/labels": SENIOR | {"office"},
    "GET /settings/deadlines": SENIOR | {"office"},
    "POST /settings/deadlines": SENIOR | {"office"},
    "POST /settings/deadlines/removal": SENIOR | {"office"},
    "GET /settings/holidays": SENIOR | {"office"},
    "POST /settings/holidays": SENIOR | {"office"},
    "POST /settings/holidays/preview": SENIOR | {"office"},
    "POST /settings/holidays/removal": SENIOR | {"office"},
    "GET /settings/staff": {"admin", "accounts"},
    "POST /settings/staff": {"admin", "accounts"},
    "GET /settings/staff/<int:user_id>": {"admin", "accounts"},
    "POST /settings/staff/<int:user_id>/role": {"admin", "accounts"},
    "POST /settings/staff/<int:user_id>/password": {"admin", "accounts"},
    "POST /settings/staff/<int:user_id>/active": {"admin", "accounts"},
    "POST /settings/staff/<int:user_id>/sign-out": {"admin", "accounts"},
    "GET /settings/tokens": {"admin", "accounts"},
    "POST /settings/tokens": {"admin", "accounts"},
    "POST /settings/tokens/revocation": {"admin", "accounts"},
    "GET /settings/audit": SENIOR | {"audit"},
    "GET /settings/audit/export": SENIOR | {"audit"},
}
"""Who may use each route: people by role, tokens by their only scope."""


def routes(app: Flask) -> list[tuple[str, Rule]]:
    """Every route of an application, by method and path."""
    rules = app.url_map.iter_rules()
    return [(f"{method} {rule.rule}", rule) for rule in rules for method in rule.methods - {"HEAD", "OPTIONS"}]


@pytest.fixture(scope="module")
def office(models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """An application with somebody of each role."""
    path = tmp_path_factory.mktemp("office") / "fenban.db"
    app = create_app(Settings(models_dir=models_dir, database_url=f"sqlite:///{path}"))
    for role in ROLES:
        add_user(app, role, role)
    yield app
    register_of(app).close()


@pytest.fixture(scope="module")
def clients(office: Flask) -> Callable[[str], FlaskClient]:
    """A client for each of those a route is tried by; whoever is signed in signs in anew, for one route signs out."""
    with_tokens = {one: with_token(office, one, user="admin") for one in Permission}

    def client(who: str) -> FlaskClient:
        if who == "anonymous":
            return office.test_client()
        return sign_in(office, who) if who in ROLES else with_tokens[Permission(who)]

    return client


def refused(response: TestResponse) -> bool:
    """Whether the answer is no."""
    to_sign_in = response.status_code == 302 and response.location.startswith("/sign-in?next=")
    return response.status_code in (401, 403) or to_sign_in


def test_every_route_is_in_the_table(app: Flask) -> None:
    """A new one must be added, here and in casework.web.routes."""
    assert {route for route, _ in routes(app)} == set(ROUTES)
    assert {rule.endpoint for rule in app.url_map.iter_rules()} == set(ACCESS) | ANY_SIGNED_IN


@pytest.mark.parametrize("who", sorted(EVERYBODY))
def test_who_may_use_what(office: Flask, clients: Callable[[str], FlaskClient], who: str) -> None:
    """Nobody else, whatever else is wrong with the request."""
    client = clients(who)
    for route, rule in routes(office):
        if route in ("POST /sign-out", "POST /sign-in"):
            client = clients(who)
        method, path = route.split()
        path = re.sub(r"<int:\w+>", "999", path).replace("<path:filename>", "fenban.css")
        data = {"csrf_token": csrf_token(client)} if route == "POST /sign-in" else {}
        with client.open(path, method=method, data=data) as response:
            expected = who in ROUTES[route]
            # A wrong password is not a refusal of the route.
            wrong_password = route == "POST /sign-in" and response.status_code == 401
            assert (not refused(response) or wrong_password) is expected, (route, rule.endpoint, response.status)
        if route == "POST /sign-out":
            client = clients(who)


def test_a_forgotten_route_is_closed(app: Flask) -> None:
    """Even to an administrator."""
    app.add_url_rule("/forgotten", "forgotten", lambda: "secret")
    add_user(app, "admin", "admin")
    assert sign_in(app, "admin").get("/forgotten").status_code == 403
    assert refused(app.test_client().get("/forgotten", headers={"Accept": "text/html"}))


def test_programs_are_told_what_is_wrong(app: Flask) -> None:
    """401 without an account or token, 403 without the permission, each a problem document."""
    for client, status, code in (
        (app.test_client(), 401, "not_signed_in"),
        (with_token(app, "read"), 403, "not_allowed"),
    ):
        response = client.post("/api/v1/suggestions", json={"text": "油烟"})
        assert (response.status_code, response.get_json()["code"]) == (status, code)
        assert response.content_type == "application/problem+json"
        assert response.headers.get("WWW-Authenticate") == ("Bearer" if status == 401 else None)


@pytest.mark.parametrize("header", ["Bearer fb_wrong", "bearer ", "Bearer", "Bearer 油烟"])
def test_a_wrong_token_opens_nothing(app: Flask, header: str) -> None:
    """Not even beside a session, so that a program learns that its token ended."""
    add_user(app, "zhang", "triage")
    client = sign_in(app, "zhang")
    headers = {"Authorization": header.encode().decode("latin-1")}
    assert client.post("/api/v1/suggestions", json={"text": "油烟"}, headers=headers).status_code == 401


def test_another_scheme_is_not_ours(app: Flask) -> None:
    """A proxy may ask for a password of its own and send it on."""
    add_user(app, "zhang", "triage")
    assert sign_in(app, "zhang").get("/new", headers={"Authorization": "Basic YTpi"}).status_code == 200


@pytest.mark.parametrize("path", ["/new", "/api/v1/suggestions", "/password", "/sign-out", "/sign-in"])
@pytest.mark.parametrize("key", [None, "", "wrong"])
def test_forms_need_the_key_of_their_page(app: Flask, path: str, key: str | None) -> None:
    """And programs that use a session the same key as a header; a token needs none."""
    add_user(app, "zhang", "triage")
    client = sign_in(app, "zhang")
    del client.environ_base["HTTP_X_CSRFTOKEN"]
    headers = {} if key is None else {"X-CSRFToken": key}
    response = client.post(path, json={"text": "油烟"}, headers=headers)
    assert (response.status_code, response.get_json()["code"]) == (400, "stale_form")
    headers = {"X-CSRFToken": csrf_token(client)}
    assert client.post("/api/v1/suggestions", json={"text": "油烟"}, headers=headers).status_code == 200
    assert with_token(app, "suggest").post("/api/v1/suggestions", json={"text": "油烟"}).status_code == 200


def test_signing_in_and_out(app: Flask) -> None:
    """The page shows who is signed in; after signing out the cookie is worth nothing, even a copy of it."""
    add_user(app, "zhang", "triage")
    client = sign_in(app, "zhang")
    page = client.get("/new")
    assert "zhang" in page.get_data(as_text=True)
    assert "分办员" in page.get_data(as_text=True)
    assert page.headers["Cache-Control"] == "no-store"
    kept = client.get_cookie("fenban_session")
    assert kept is not None
    assert client.post("/sign-out").location == "/sign-in"
    assert refused(client.get("/", headers={"Accept": "text/html"}))
    client.set_cookie("fenban_session", kept.value)
    assert refused(client.get("/", headers={"Accept": "text/html"}))


def test_a_wrong_password_keeps_the_name(app: Flask) -> None:
    """And says in words what is wrong, the wait included; the password is never shown again."""
    client = app.test_client()
    data = {"name": "zhang<b>", "password": "wrong-one", "next": "/docs", "csrf_token": csrf_token(client)}
    pages = [client.post("/sign-in", data=data) for _ in range(4)]
    assert {page.status_code for page in pages} == {401}
    text = pages[0].get_data(as_text=True)
    assert 'value="zhang&lt;b&gt;"' in text
    assert 'name="next" value="/docs"' in text
    assert "用户名或密码不对" in text
    assert "wrong-one" not in text
    assert "请等" in pages[3].get_data(as_text=True)


def test_a_session_that_ended_leads_back(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """To the page that was asked for, or that the form was on; a script is told, and its page stays as it is."""
    add_user(app, "zhang", "triage")
    client = sign_in(app, "zhang")
    later = clock.now() + timedelta(minutes=31)
    monkeypatch.setattr(clock, "now", lambda: later)
    html = {"Accept": "text/html"}
    assert client.get("/docs?a=1", headers=html).location == "/sign-in?next=/docs?a%3D1"
    part = client.post("/new", data={"text": "油烟"}, headers=html | {"HX-Request": "true"})
    assert (part.status_code, part.get_json()["code"]) == (401, "not_signed_in")
    asked = client.post("/new", data={"text": "油烟"}, headers=html)
    assert asked.location == "/sign-in?next=/new"
    data = {"name": "zhang", "password": PASSWORD, "next": "/docs?a=1", "csrf_token": csrf_token(client)}
    assert client.post("/sign-in", data=data).location == "/docs?a=1"


@pytest.mark.parametrize(
    ("target", "place"),
    [
        ("/", "/"),
        ("/docs", "/docs"),
        ("/docs?a=1&b=2", "/docs?a=1&b=2"),
        ("/docs/nothing/here?a=1", "/docs"),
        ("/sign-out", "/"),
        ("/nothing", "/"),
        ("", "/"),
        ("docs", "/"),
        ("//example.org", "/"),
        ("///example.org", "/"),
        ("////static/x", "/"),
        ("/\\example.org", "/"),
        ("\\\\example.org", "/"),
        ("/\t/example.org", "/"),
        ("https://example.org/docs", "/"),
        ("javascript:alert(1)", "/"),
        ("http:///docs", "/"),
        ("//[", "/"),
    ],
)
def test_sign_in_leads_to_our_own_pages_only(app: Flask, target: str, place: str) -> None:
    """Whatever stands in the address."""
    with app.app_context():
        assert landing(target) == place


def test_a_one_time_password_must_be_changed_first(app: Flask) -> None:
    """Nothing else is open before; then the way leads on."""
    with register_of(app).writing() as session:
        password = accounts.first_administrator(session, console())
    assert password
    client = sign_in(app, "admin", password)
    html = {"Accept": "text/html"}
    assert client.get("/docs", headers=html).location == "/password?next=/docs"
    assert client.post("/api/v1/suggestions", json={"text": "油烟"}).status_code == 403
    assert "一次性密码" in client.get("/password").get_data(as_text=True)
    for old, new, again, message in (
        (password, PASSWORD, PASSWORD + "x", "两次输入的新密码不一样"),
        (password, "short", "short", "至少要 12 个字符"),
        ("wrong", PASSWORD, PASSWORD, "密码不对"),
    ):
        response = client.post("/password", data={"old": old, "new": new, "again": again})
        assert (response.status_code, message in response.get_data(as_text=True)) == (422, True)
    data = {"old": password, "new": PASSWORD, "again": PASSWORD, "next": "/docs"}
    assert client.post("/password", data=data).location == "/docs"
    assert client.get("/docs").status_code == 200


@pytest.mark.parametrize("secure", [False, True])
def test_cookies(make_app: Callable[..., Flask], secure: bool) -> None:
    """No script and no other site uses them; where there is HTTPS they go no other way."""
    app = make_app(behind_proxy=secure)
    response = app.test_client().get("/sign-in")
    cookie = response.headers["Set-Cookie"]
    assert ("HttpOnly" in cookie, "SameSite=Lax" in cookie, "Secure" in cookie) == (True, True, secure)


def test_a_program_has_no_session(app: Flask) -> None:
    """A cookie sent beside a token counts for nothing, and none is given."""
    add_user(app, "zhang", "triage")
    client = sign_in(app, "zhang")
    answer = client.post("/api/v1/suggestions", json={"text": "污水"}, headers={"Authorization": "Bearer fb_x"})
    assert answer.status_code == 401
    answer = with_token(app, "suggest").post("/api/v1/suggestions", json={"text": "污水直排入河"})
    assert answer.status_code == 200
    assert not {"Set-Cookie", "Vary"} & set(answer.headers.keys())


def test_forwarded_headers_count_behind_a_proxy_only(make_app: Callable[..., Flask]) -> None:
    """Anybody could send them."""
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "office.example"}
    for behind_proxy, expected in ((False, "http://localhost/"), (True, "https://office.example/")):
        with make_app(behind_proxy=behind_proxy).test_client() as client:
            client.get("/healthz", headers=headers)
            assert request.host_url == expected


def test_the_api_document_names_the_means(office: APIFlask) -> None:
    """Tokens and sessions for all but health."""
    document = with_token(office, "suggest").get("/openapi.json").get_json()
    assert set(document["components"]["securitySchemes"]) == {"token", "session"}
    assert document["security"] == [{"token": []}, {"session": []}]
    assert document["paths"]["/healthz"]["get"]["security"] == []
    assert "security" not in document["paths"]["/api/v1/suggestions"]["post"]
    assert {"401", "403"} <= set(document["paths"]["/api/v1/suggestions"]["post"]["responses"])
