"""The pages for signing in and out and for one's own account."""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, render_template, request
from flask import session as cookie
from flask_login import current_user
from werkzeug import Response

from casework.service import sessions
from casework.web.access import begin, landing
from casework.web.database import database
from classifier.errors import InvalidInputError, NotSignedInError

blueprint = Blueprint("accounts", __name__)


@blueprint.get("/sign-in")
def sign_in() -> str:
    """Show the form."""
    return render_template("sign_in.html", next=_next(), name="")


@blueprint.post("/sign-in")
def try_sign_in() -> Response | tuple[str, int]:
    """Begin a session and lead to where the person wanted to go."""
    name = request.form.get("name", "")
    try:
        secret, user = sessions.sign_in(database(), name, request.form.get("password", ""))
    except NotSignedInError as error:
        return render_template("sign_in.html", next=_next(), name=name, problem=str(error)), 401
    begin(secret, user)
    return redirect(_next())


@blueprint.post("/sign-out")
def sign_out() -> Response:
    """End the session."""
    with database().writing() as transaction:
        sessions.sign_out(transaction, current_user.get_id())
    cookie.clear()
    return redirect("/sign-in")


@blueprint.get("/password")
def password() -> str:
    """Show one's own account: the form for the password, and where else one is signed in."""
    return _password_page()


@blueprint.post("/password")
def change_password() -> Response | tuple[str, int]:
    """Change one's own password."""
    old, new, again = (request.form.get(name, "") for name in ("old", "new", "again"))
    try:
        if new != again:
            raise InvalidInputError("两次输入的新密码不一样，请重新输入。")
        secret = sessions.change_password(database(), g.user, old, new)
    except (InvalidInputError, NotSignedInError) as error:
        return _password_page(problem=str(error)), 422
    begin(secret, g.user)
    flash("密码已改，别处的登录都已退出。", "done")
    return redirect(_next())


@blueprint.post("/sign-out/others")
def sign_out_others() -> Response:
    """End one's own sessions on other machines."""
    with database().writing() as transaction:
        ended = sessions.end_others(transaction, g.user, current_user.get_id())
    flash(f"已退出别处的 {ended} 个登录。", "done")
    return redirect("/password", 303)


def _password_page(problem: str = "") -> str:
    with database().reading() as session:
        others = sessions.others(session, g.user, current_user.get_id())
    return render_template("password.html", next=_next(), problem=problem, others=others)


def _next() -> str:
    return landing(request.values.get("next", "/"))
