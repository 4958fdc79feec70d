"""The page for backlogs: what is uploaded, what stands on it, and where each refusal leads."""

from __future__ import annotations

import errno
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from casework.service.batch_work import BatchWork
from casework.service.desk import Desk
from casework.service.jobs import Jobs
from casework.service.office import Office
from casework.service.permissions import console
from casework.service.uploads import Uploads
from casework.storage import audit
from classifier.model.classifier import Classifier
from tests.casework.test_jobs import work_off
from tests.clients import add_user, register_of, sign_in, with_token

TABLE = "编号,诉求内容,承办单位\n1,砖厂半夜冒黑烟呛得睡不着,生态环境\n2,村东头的耕地被人挖沙卖钱,教育\n3,,\n"


@pytest.fixture
def app(make_app: Callable[..., Flask], tmp_path: Path) -> Flask:
    """An office with a supervisor, where nothing larger than 64 KiB may be uploaded."""
    app = make_app(uploads_dir=tmp_path / "uploads", max_upload_bytes=1 << 16, max_request_bytes=1 << 12)
    add_user(app, "李主管", "supervisor")
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """The supervisor, signed in."""
    return sign_in(app, "李主管")


def send(client: FlaskClient, content: str | bytes = TABLE, name: str = "来信.csv", **headers: str) -> TestResponse:
    """Upload a file."""
    content = content.encode() if isinstance(content, str) else content
    return client.post("/batch", data={"file": (io.BytesIO(content), name)}, headers=headers)


def uploaded(client: FlaskClient, content: str | bytes = TABLE, name: str = "来信.csv") -> str:
    """The page of an uploaded file."""
    response = send(client, content, name)
    assert response.status_code == 302
    assert re.fullmatch("/batch/[0-9a-f]{16}", response.location)
    return response.location


def work(app: Flask, classifier: Classifier) -> None:
    """Do what is queued, as the worker does."""
    jobs: Jobs = app.extensions["fenban.jobs"]
    uploads: Uploads = app.extensions["fenban.uploads"]
    desk = Desk(console(), Office(), classifier.taxonomy)
    jobs._work = BatchWork(register_of(app), uploads, app.extensions["fenban.models"], lambda: desk).by_kind()
    work_off(jobs)


def text(client: FlaskClient, path: str) -> str:
    """A page."""
    response = client.get(path)
    assert response.status_code == 200
    return response.get_data(as_text=True)


def test_a_file_through_its_pages(app: Flask, client: FlaskClient, classifier: Classifier) -> None:
    """Uploaded, looked at, reclassified, read, downloaded and deleted; each step is on record, none of the content."""
    page = uploaded(client)
    seen = text(client, page)
    assert "砖厂半夜冒黑烟" in seen
    assert "共 3 行" in seen
    form = {"text": "诉求内容", "title": "", "department": "承办单位", "encoding": "utf-8", "format": "same"}
    assert client.post(f"{page}/start", data=form).location == page
    assert "排队：重新分类" in text(client, page)
    part = client.get(page, headers={"HX-Request": "true"})
    assert part.get_data(as_text=True).lstrip().startswith("<section")
    work(app, classifier)
    assert client.get(page, headers={"HX-Request": "true"}).headers["HX-Refresh"] == "true"
    seen = text(client, page)
    assert "读不了" in seen
    assert "没有编号列" not in seen
    for group in re.findall(r"\?group=\d+", seen):
        assert "行中的前" in text(client, f"{page}{group}")
    assert text(client, f"{page}?group=99")
    with client.get(f"{page}/result") as result:
        assert "%E6%9D%A5%E4%BF%A1-%E5%BB%BA%E8%AE%AE.csv" in result.headers["Content-Disposition"]
        assert result.get_data(as_text=True).startswith("编号,诉求内容,承办单位,suggested_department")
    with client.get(f"{page}/given") as given:
        assert given.get_data(as_text=True) == TABLE
    assert "来信.csv" in text(client, "/batch")
    assert client.post(f"{page}/delete").location == "/batch"
    assert "已删除 来信.csv" in text(client, "/batch")
    assert client.get(page).status_code == 404
    with register_of(app).reading() as session:
        entries = audit.entries(session)
    actions = {one.action for one in entries}
    assert {"upload.added", "job.requested", "upload.downloaded", "upload.deleted"} <= actions
    assert not any("黑烟" in f"{one.old}{one.new}" for one in entries)


def test_an_export_is_applied_and_undone(app: Flask, client: FlaskClient, classifier: Classifier) -> None:
    """After a look at what would change; the run is on the list."""
    for one in ("砖厂半夜冒黑烟呛得睡不着", "村东头的耕地被人挖沙卖钱"):
        assert client.post("/api/v1/cases", json={"text": one}).status_code == 201
    exported = client.get("/api/v1/cases/export?status=open&format=csv").get_data(as_text=True)
    page = uploaded(client, exported.replace("砖厂半夜冒黑烟呛得睡不着", "残疾证换了三个月没有换下来"), "open.csv")
    client.post(f"{page}/start", data={"department": "department"})
    work(app, classifier)
    assert "看看会改变什么" in text(client, page)
    client.post(f"{page}/preview")
    work(app, classifier)
    assert "应用到这 1 件" in text(client, page)
    client.post(f"{page}/apply")
    work(app, classifier)
    assert "更新了 <b>1</b> 件" in text(client, page)
    client.post(f"{page}/apply")
    assert "第 1 批" in text(client, "/batch")
    work(app, classifier)
    assert client.post("/batch/runs/1/undo").location == "/batch"
    assert "排队：撤销" in text(client, "/batch")
    assert client.get("/batch", headers={"HX-Request": "true"}).get_data(as_text=True).count("排队：撤销") == 1
    work(app, classifier)
    assert client.get("/batch", headers={"HX-Request": "true"}).headers["HX-Refresh"] == "true"
    assert "恢复 1 件" in text(client, "/batch")
    assert client.post("/batch/runs/1/undo", data={"upload": page.rpartition("/")[2]}).location == page
    assert "已撤销，不能再次撤销" in text(client, page)


def test_stopping_and_going_on(app: Flask, client: FlaskClient, classifier: Classifier) -> None:
    """By two buttons."""
    page = uploaded(client)
    client.post(f"{page}/start", data={})
    client.post(f"{page}/stop")
    seen = text(client, page)
    assert "李主管 让它停下了" in seen
    assert "接着做" in seen
    client.post(f"{page}/resume")
    work(app, classifier)
    assert "下载结果" in text(client, page)
    client.post(f"{page}/stop")
    client.post(f"{page}/resume")
    assert "没有中断的处理" in text(client, page)


@pytest.mark.parametrize(
    ("content", "name", "told"),
    [
        (b"", "空.csv", "空文件"),
        (b"%PDF-1.7 \xff\xfe\x00", "来信.pdf", "来信.pdf"),
        (b"PK\x03\x04", "来信.xlsx", "来信.xlsx"),
        (b"a,a\n1,2\n", "来信.csv", "出现了不止一次"),
        ("编号\n1\n", "来信.csv", "没有认出哪一列是诉求内容"),
        ("内容\n", "来信.csv", "没有一行内容"),
        ("text,suggested_department\n污水,land\n", "来信.csv", "已有本程序要添加的列"),
    ],
)
def test_what_cannot_be_read_leads_somewhere(client: FlaskClient, content: str | bytes, name: str, told: str) -> None:
    """Its page says what is wrong, without the server's paths, and it can be deleted there; it cannot be begun."""
    page = uploaded(client, content, name)
    seen = text(client, page)
    assert told in seen
    assert "/given/" not in seen
    assert "删除文件" in seen
    client.post(f"{page}/start", data={})
    assert "排队" not in text(client, page) or told == "没有一行内容"


def test_a_wrong_choice_is_told_and_the_rest_is_shown(client: FlaskClient) -> None:
    """The columns are still there to choose from."""
    page = uploaded(client)
    seen = text(client, f"{page}?text=没有的列&encoding=utf-8")
    assert "没有“没有的列”列" in seen
    assert '<option value="诉求内容" selected>' in seen


def test_markup_in_names_and_cells_is_text(client: FlaskClient) -> None:
    """Whatever a file holds."""
    page = uploaded(client, "内容,<b>列</b>\n<script>alert(1)</script>污水直排河里,<i>x</i>\n", "<img src=x>.csv")
    for path in (page, "/batch"):
        seen = text(client, path)
        assert "<script>alert" not in seen
        assert "<img src=x>" not in seen
        assert "<b>列" not in seen


def test_a_file_that_is_too_large(app: Flask, client: FlaskClient, tmp_path: Path) -> None:
    """Is refused in words, and nothing of it is kept; other requests keep their own, lower limit."""
    assert send(client, "内容\n" + "污水" * 20_000).location == "/batch"
    assert "文件太大，最多" in text(client, "/batch")
    assert list((tmp_path / "uploads").glob("*")) == []
    assert uploaded(client, "内容\n" + "污水" * 5000)
    assert client.post("/new", data={"text": "污水" * 5000}).status_code == 413


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
def test_a_full_disk(client: FlaskClient, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str]) -> None:
    """Noticed while the file comes in; the page says so."""

    class Full(io.BytesIO):
        def write(self, _: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    def spool(_: Uploads) -> IO[bytes]:
        return Full()

    monkeypatch.setattr(Uploads, "spool", spool)
    response = send(client, **headers)
    assert (response.headers.get("HX-Redirect") or response.location) == "/batch"
    assert "No space left on device" in text(client, "/batch")


def test_no_file_at_all(client: FlaskClient) -> None:
    """Nor one without a name."""
    for data in ({}, {"file": (io.BytesIO(b""), "")}):
        assert client.post("/batch", data=data).location == "/batch"
        assert "请先选一个表格文件" in text(client, "/batch")


def test_others_files_are_not_there(app: Flask, client: FlaskClient) -> None:
    """For a program that may exchange files but not read originals, by any route."""
    page = uploaded(client)
    program = with_token(app, "exchange")
    assert "来信.csv" not in text(program, "/batch")
    for method, path in (
        ("get", page),
        ("get", f"{page}/given"),
        ("post", f"{page}/delete"),
        ("post", f"{page}/start"),
    ):
        assert getattr(program, method)(path).status_code == 404
    add_user(app, "王主任", "admin")
    assert "来信.csv" in text(sign_in(app, "王主任"), "/batch")


def test_empty_pages(client: FlaskClient) -> None:
    """Lead to where the first file can come from."""
    seen = text(client, "/batch")
    assert "还没有上传过文件" in seen
    assert "/api/v1/cases/export?status=open" in seen


def test_what_was_deleted_meanwhile(client: FlaskClient) -> None:
    """A form of another tab leads to a page in words."""
    page = uploaded(client)
    client.post(f"{page}/delete")
    for step in ("start", "preview", "apply", "stop", "resume", "delete"):
        response = client.post(f"{page}/{step}", headers={"Accept": "text/html"})
        assert response.status_code in (302, 404)
    assert client.get(f"{page}/result").status_code == 404
