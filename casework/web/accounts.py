"""The pages for signing in and out and for one's own password."""

from __future__ import annotations

from flask import Blueprint, g, redirect, render_template, request, session
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
    session.clear()
    return redirect("/sign-in")


@blueprint.get("/password")
def password() -> str:
    """Show the form for one's own password."""
    return render_template("password.html", next=_next())


@blueprint.post("/password")
def change_password() -> Response | tuple[str, int]:
    """Change one's own password."""
    old, new, again = (request.form.get(name, "") for name in ("old", "new", "again"))
    try:
        if new != again:
            raise InvalidInputError("两次输入的新密码不一样，请重新输入。")
        secret = sessions.change_password(database(), g.user, old, new)
    except (InvalidInputError, NotSignedInError) as error:
        return render_template("password.html", next=_next(), problem=str(error)), 422
    begin(secret, g.user)
    return redirect(_next())


def _next() -> str:
    return landing(request.values.get("next", "/"))
