"""The API for files: handled cases come in, cases go out."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from apiflask import APIBlueprint
from apiflask.fields import UploadFile
from flask import Response
from pydantic import BaseModel, ConfigDict, Field

from casework.service import exchange, listing
from casework.service.uploads import safe_name
from casework.web.database import database
from casework.web.desk import desk
from casework.web.schemas import Input
from classifier.errors import InvalidInputError

blueprint = APIBlueprint("exchange", __name__, url_prefix="/api/v1/cases", tag="cases")

_SUFFIXES = {"csv": "text/csv", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}


class FileIn(Input):
    """A file of handled cases, as multipart/form-data."""

    file: UploadFile = Field(description="CSV 或 Excel 文件")
    columns: str = Field("{}", description='各项对应的列名，JSON 对象，如 {"text": "事由"}；常用列名自动识别')


class ImportIn(FileIn):
    """The same, and what to do with rows that cannot be taken."""

    skip_invalid: bool = Field(False, description="跳过不能导入的行")


class PreviewOut(BaseModel):
    """What an import would do."""

    model_config = ConfigDict(from_attributes=True)

    rows: int
    n_problems: int
    problems: list[str] = Field(description="前 20 处，按行")
    columns: dict[str, str] = Field(description="各项对应的列名")


class ImportedOut(BaseModel):
    """What an import did."""

    model_config = ConfigDict(from_attributes=True)

    imported: int
    known: int = Field(description="以前导入过的")
    left_out: int = Field(description="有错而跳过的")


class ExportQuery(Input):
    """Which cases to write, in which format."""

    format: str = "xlsx"
    status: str = "closed"
    department: str | None = None


@blueprint.post("/import/preview")
@blueprint.input(FileIn, location="files", arg_name="sent")
@blueprint.output(PreviewOut)
@blueprint.doc(summary="预览要导入的办结件", description="认出的列，和前几处不能导入的行；不导入。")
def preview(sent: FileIn) -> PreviewOut:
    """Look a file through."""
    with _uploaded(sent) as path:
        return PreviewOut.model_validate(exchange.preview(desk(), path, _columns(sent)))


@blueprint.post("/import")
@blueprint.input(ImportIn, location="files", arg_name="sent")
@blueprint.output(ImportedOut)
@blueprint.doc(
    summary="导入办结件", description="同一文件再次导入不会重复；有错则一行也不导入，除非 skip_invalid=true。"
)
def take_in(sent: ImportIn) -> ImportedOut:
    """Take handled cases in."""
    with _uploaded(sent) as path:
        done = exchange.import_handled(database(), desk(), path, _columns(sent), skip_invalid=sent.skip_invalid)
        return ImportedOut.model_validate(done)


@blueprint.get("/export")
@blueprint.input(ExportQuery, location="query", arg_name="query")
@blueprint.doc(summary="导出诉求件", description="format 为 csv 或 xlsx；内容已隐去个人信息。")
def give_out(query: ExportQuery) -> Response:
    """Write cases to a file."""
    if query.format not in _SUFFIXES:
        raise InvalidInputError(f"不能导出为“{query.format[:20]}”，format 应为 csv 或 xlsx。")
    own = desk()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"cases.{query.format}"
        with database().reading() as session:
            wanted = listing.Filters(query.status, query.department)
            exchange.export_cases(session, own, listing.filters_for(own.actor, own.office, wanted), path)
        content = path.read_bytes()
    return Response(
        content,
        mimetype=_SUFFIXES[query.format],
        headers={"Content-Disposition": f'attachment; filename="cases.{query.format}"'},
    )


@contextmanager
def _uploaded(sent: FileIn) -> Iterator[Path]:
    """The file sent, under its own name, as far as that is one."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / safe_name(sent.file.filename or "")
        sent.file.save(path)
        yield path


def _columns(sent: FileIn) -> dict[str, str]:
    try:
        columns = json.loads(sent.columns)
    except ValueError as error:
        raise InvalidInputError('columns 不是 JSON，应形如 {"text": "事由"}。') from error
    if not isinstance(columns, dict) or not all(isinstance(one, str) for one in columns.values()):
        raise InvalidInputError('columns 应为 JSON 对象，形如 {"text": "事由"}。')
    return columns
