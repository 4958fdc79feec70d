"""Turns errors into RFC 9457 problem responses: one table says which status and code each gets."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from apiflask import APIFlask
from apiflask.exceptions import HTTPError
from flask import Response, json, render_template, request
from flask.json.provider import DefaultJSONProvider
from werkzeug.exceptions import HTTPException

from casework.web.pages.shell import is_part
from casework.web.schemas import ProblemOut
from classifier.errors import (
    ConflictError,
    FenbanError,
    InvalidComplaintError,
    InvalidInputError,
    InvalidLabelsError,
    InvalidModelError,
    InvalidTableError,
    NotAllowedError,
    NotFoundError,
    NotSignedInError,
    StaleFormError,
    StorageError,
)

API = ("/api/", "/openapi.json")

PROBLEMS: dict[type[FenbanError], tuple[int, str]] = {
    InvalidComplaintError: (422, "invalid_complaint"),
    InvalidModelError: (503, "no_model"),
    InvalidInputError: (422, "invalid_input"),
    NotSignedInError: (401, "not_signed_in"),
    NotAllowedError: (403, "not_allowed"),
    StaleFormError: (400, "stale_form"),
    StorageError: (503, "no_database"),
    NotFoundError: (404, "not_found"),
    ConflictError: (409, "conflict"),
    InvalidTableError: (422, "invalid_table"),
    InvalidLabelsError: (422, "invalid_labels"),
}

_HTTP_DETAILS = {
    400: "请求体不是有效的 JSON，请检查引号、逗号和编码（应为 UTF-8）。",
    404: "没有这个地址，请对照 /docs 检查路径。",
    405: "这个地址不支持该请求方法，请对照 /docs。",
    413: "请求体过大，请分批发送。",
    415: "请求的 Content-Type 应为 application/json。",
    500: "服务内部出错，已记录，请稍后再试或联系管理员。",
}

# By how pydantic begins its message; what follows in it, where it says more, is put in place of {}.
_MESSAGES = {
    "Field required": "缺少这一项",
    "Extra inputs are not permitted": "没有这一项，请对照 /docs",
    "Input should be a valid string": "应为文字",
    "Input should be a valid list": "应为列表",
    "Input should be a valid dictionary": "应为 JSON 对象",
    "Input should be a valid integer": "应为整数",
    "Input should be a valid number": "应为数字",
    "Input should be a valid boolean": "应为 true 或 false",
    "Input should be a valid datetime": "应为时间，形如 2026-03-05T08:30:00+08:00",
    "Input should be a valid date": "应为日期，形如 2026-03-05",
    "Datetimes provided to dates": "应为日期，形如 2026-03-05",
    "Value error, Not a valid file": "应为文件，请用 multipart/form-data 上传",
    "Input should be greater than or equal to ": "应不小于 {}",
    "Input should be less than or equal to ": "应不大于 {}",
    "Input should be less than ": "应小于 {}",
    "Input should be ": "应为 {}",
    "String should have at most ": "过长，最多 {}",
    "String should have at least ": "不能为空",
    "List should have at least": "列表不能为空",
    "List should have at most ": "过多，最多 {} 件",
    "Value error, ": "{}",
}


class _Json(DefaultJSONProvider):
    ensure_ascii = False
    sort_keys = False

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        try:
            return super().loads(s, **kwargs)
        except RecursionError as error:
            raise ValueError("nested too deeply") from error  # as any other JSON that cannot be read


def install(app: APIFlask) -> None:
    """Let ``app`` answer every error in this shape; pages get a readable page instead."""
    app.json = _Json(app)

    @app.errorhandler(FenbanError)
    def fenban_error(error: FenbanError) -> Response:
        status, code = next(PROBLEMS[kind] for kind in type(error).__mro__ if kind in PROBLEMS)
        return _respond(status, code, str(error))

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        status = error.code or 500
        return _respond(status, _code(status), _HTTP_DETAILS.get(status, HTTPStatus(status).phrase))

    @app.errorhandler(HTTPError)
    def validation_error(error: HTTPError) -> Response:
        # By where it stands in the request: json, query or files.
        fields: dict[str, list[str]] = next(iter(error.detail.values()))
        names = {"_schema": "整个请求"}
        parts = [
            f"{names.get(name, name)}：{_in_chinese(message)}"
            for name, messages in fields.items()
            for message in messages
        ]
        return _respond(422, "invalid_request", "请求内容不符合要求。" + "；".join(parts))


def wants_page() -> bool:
    """Whether a browser asks for a whole page, rather than a program, or a page's script for a part."""
    return not request.path.startswith(API) and request.accept_mimetypes.accept_html and not is_part()


def _in_chinese(message: str) -> str:
    for english, chinese in _MESSAGES.items():
        if message.startswith(english):
            more = message.removeprefix(english)
            return chinese.format(more.replace(" characters", " 字").partition(" item")[0].replace(" or ", " 或 "))
    return "不符合要求，请对照 /docs"


def _code(status: int) -> str:
    return HTTPStatus(status).name.lower()


def _respond(status: int, code: str, detail: str) -> Response:
    if wants_page():
        return Response(render_template("error.html", status=status, detail=detail), status, mimetype="text/html")
    problem = ProblemOut(title=HTTPStatus(status).phrase, status=status, detail=detail, code=code)
    body = json.dumps(problem.model_dump(), ensure_ascii=False)
    response = Response(body, status, mimetype="application/problem+json")
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response
