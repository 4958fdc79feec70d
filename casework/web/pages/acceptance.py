"""批量接受: many certain suggestions at once, looked at first, and taken back in one go."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug import Response

from casework.service import acceptance
from casework.web.access import landing
from casework.web.database import database
from casework.web.desk import desk
from casework.web.pages.queue import address, asked_for, wanted_by
from classifier.errors import InvalidInputError

blueprint = Blueprint("acceptance", __name__, url_prefix="/acceptance")

_MOST_TOLD = 10


@blueprint.get("")
def preview() -> str:
    """Show what would be accepted."""
    asked = asked_for()
    numbers = request.args.getlist("number") if request.args.get("which") == "chosen" else None
    with database().reading() as session:
        found = acceptance.preview(session, desk(), wanted_by(asked), numbers)
    return render_template(
        "acceptance.html", found=found, back=address(asked), chosen=numbers is not None, most=acceptance.MOST
    )


@blueprint.post("")
def accept() -> Response:
    """Accept what was looked at."""
    done = acceptance.accept(database(), desk(), [_chosen(one) for one in request.form.getlist("chosen")])
    flash(f"接受了 {done.done} 件建议。", "done")
    _tell(done.skipped)
    return redirect(url_for("acceptance.show", batch=done.batch, next=landing(request.form.get("next", "/"))), 303)


@blueprint.get("/<batch>")
def show(batch: str) -> str:
    """Show what was accepted in one go, and how much of it can still be withdrawn."""
    with database().reading() as session:
        found = acceptance.find_batch(session, desk(), batch)
    return render_template("accepted.html", found=found, batch=batch, back=landing(request.args.get("next", "/")))


@blueprint.post("/<batch>/withdrawal")
def take_back(batch: str) -> Response:
    """Withdraw all of it that nobody has changed since."""
    done = acceptance.withdraw_batch(database(), desk(), batch)
    flash(f"撤回了 {done.done} 件，它们回到待分办。", "done")
    _tell(done.skipped)
    return redirect(landing(request.form.get("next", "/")), 303)


def _chosen(text: str) -> tuple[str, int]:
    number, _, version = text.partition(":")
    if not version.isdecimal() or len(version) > 9:
        raise InvalidInputError(f"“{text[:40]}”不是选中的件，请回到待分办重新选。")
    return number, int(version)


def _tell(skipped: list[str]) -> None:
    """Say what was not done; a notice has room for the first of many."""
    for words in skipped[:_MOST_TOLD]:
        flash(words, "problem")
    if (more := len(skipped) - _MOST_TOLD) > 0:
        flash(f"还有 {more} 件也没有做，原因相同或类似。", "problem")
