"""令牌: keys for programs, shown once."""

from __future__ import annotations

from flask import Blueprint, request
from werkzeug import Response

from casework.service import accounts, tokens
from casework.service.permissions import NAMES, Permission
from casework.web.database import database
from casework.web.desk import desk
from casework.web.pages.settings.frame import NONE, Refusal, done, number, show, typed
from classifier.errors import ConflictError, InvalidInputError, NotAllowedError, NotFoundError

blueprint = Blueprint("tokens", __name__, url_prefix="/tokens")


@blueprint.get("")
def page(refusal: Refusal = NONE, made: tuple[str, str] | None = None) -> tuple[str, int]:
    """List the tokens; ``made`` is a name and the token itself, shown this once."""
    own = desk()
    with database().reading() as session:
        rows = tokens.all_tokens(session, own.actor)
        users = [one.name for one in accounts.all_users(session, own.actor) if one.active]
    return show(
        "tokens.html",
        refusal,
        rows=[(token, owner, tokens.ended(token)) for token, owner in rows],
        owners=[("", "无"), *zip(users, users, strict=True)],
        scopes=NAMES,
        needing=tokens.NEED_A_PERSON,
        ticked=request.form.getlist("scopes") if refusal.errors else [Permission.SUGGEST],
        max_days=tokens.MAX_DAYS,
        made=made,
    )


@blueprint.post("")
def create() -> tuple[str, int]:
    """Make a token."""
    own = desk()
    try:
        days = int(number("days"))
        with database().writing() as session:
            arguments = typed("name"), request.form.getlist("scopes"), days, typed("user") or None
            secret = tokens.create_token(session, own.actor, *arguments)
    except (InvalidInputError, ConflictError, NotAllowedError, NotFoundError) as error:
        return page(Refusal.of(error))
    return page(made=(typed("name"), secret))


@blueprint.post("/revocation")
def revoke() -> Response:
    """Stop a token for good."""
    own, name = desk(), typed("name")
    with database().writing() as session:
        tokens.revoke_token(session, own.actor, name)
    return done(f"令牌 {name} 已撤销，马上失效。", "settings.tokens.page")
