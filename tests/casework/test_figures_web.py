"""The pages of figures: every number leads to as many cases, nothing is lost on the way, and the workbook says the same."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook

from casework.service import accounts
from casework.service.listing import Filters, list_cases
from casework.service.office import Office
from casework.service.permissions import console
from casework.storage.cases import CLOSED, DECIDED, OPEN
from casework.storage.database import Database
from tests.casework.watched import add_case, decide, hand_back
from tests.clients import PASSWORD, register_of, sign_in, with_token

CHANNELS = ("来访", "12345热线", "", "<b>信&件</b>")
DEPARTMENTS = ("environment", "land", None, "education")


@pytest.fixture
def register(app: Flask) -> Database:
    """The register of the application, with 60 cases of the last weeks."""
    register = register_of(app)
    now = datetime.now(UTC)
    with register.writing() as session:
        for i in range(60):
            at = now - timedelta(days=i)
            department, status = DEPARTMENTS[i % 4], (OPEN, DECIDED, CLOSED)[i % 3]
            case = add_case(
                session,
                at,
                status=status,
                due_at=at + timedelta(days=3),
                channel=CHANNELS[i % 4],
                department=department,
                urgency=("routine", "critical", None)[i % 3],
                closed_at=at + timedelta(days=i % 7) if status == CLOSED else None,
            )
            if status != OPEN and department:
                decide(session, case, at + timedelta(minutes=i), department, blind=i % 5 == 0)
            if i % 6 == 1:
                hand_back(session, case, at + timedelta(hours=1), "land")
    return register


@pytest.fixture
def client(app: Flask, register: Database) -> FlaskClient:
    """A program that may watch and read."""
    return with_token(app, "watch", "read")


def page_of(client: FlaskClient, address: str) -> str:
    """A page that is there."""
    answer = client.get(address)
    assert answer.status_code == 200, address
    return answer.get_data(as_text=True)


def links(page: str, path: str) -> list[tuple[str, int]]:
    """Addresses below ``path`` that a number leads to, and that number."""
    found = re.findall(rf'<a href="({re.escape(path)}\?[^"]*)">([\d,]+)</a>', page)
    return [(html.unescape(address), int(number.replace(",", ""))) for address, number in found]


def sheets(content: bytes, folder: Path) -> dict[str, list[list[object]]]:
    """The rows of each sheet of a workbook."""
    path = folder / "figures.xlsx"
    path.write_bytes(content)
    book = CalamineWorkbook.from_path(path)
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def rows_behind(client: FlaskClient, address: str | None) -> int:
    """How many rows a list has, on all of its pages."""
    rows = 0
    while address:
        page = page_of(client, address)
        rows += page.partition("<tbody>")[2].count("<tr>")
        following = re.search(r'class="button" href="([^"]+)">下一页', page)
        address = html.unescape(following[1]) if following else None
    return rows


@pytest.mark.parametrize(
    "asked",
    ["", "?by=channel", "?by=urgency&unit=month", "?unit=day&by=channel&department=land", "?department=(none)"],
)
def test_every_number_leads_to_as_many_cases(client: FlaskClient, register: Database, asked: str) -> None:
    """Each list has as many rows as the number pressed, however it is parted and narrowed."""
    page = page_of(client, f"/figures{asked}")
    numbers = links(page, "/figures/cases")
    assert len(numbers) > 30
    for address, number in dict(numbers).items():
        assert rows_behind(client, address) == number > 0, address
    unlinked = re.sub(r"<a [^>]*>[^<]*</a>|<svg.*?</svg>|<input[^>]*>", "", page, flags=re.S)
    cells = re.findall(r'<td class="number">(.*?)</td>', unlinked, flags=re.S)
    # What is left beside links are zeros, shares and times.
    assert all(
        re.fullmatch(
            r"\s*(<span class=\"none\">(0|—)</span>|(<b>[<>]?\d+%</b> )?<small>.*</small>|[\d.]+ (分钟|小时|天)|不到 1 分钟|—|)\s*",
            html.unescape(cell),
        )
        for cell in cells
    )


def test_what_stands_now_leads_to_the_queue(client: FlaskClient, register: Database) -> None:
    """With filters that the queue knows and that list as many."""
    numbers = links(page_of(client, "/figures"), "/")
    assert len(numbers) >= 4
    for address, number in numbers:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        with register.reading() as session:
            found = list_cases(session, console(), Office(), Filters(asked["status"]), asked.get("due"), limit=200)
        assert len(found.lines) == number


def test_a_part_narrows_the_page_and_the_way_back_is_there(client: FlaskClient, register: Database) -> None:
    """Names are text, never markup, also in addresses."""
    page = page_of(client, "/figures?by=channel")
    assert "&lt;b&gt;信&amp;件&lt;/b&gt;" in page
    assert "<b>信" not in page
    only = html.unescape(re.search(r'<a href="([^"]+)" title="只看&lt;b&gt;', page)[1])
    narrowed = page_of(client, only)
    assert "渠道 <b>&lt;b&gt;信&amp;件&lt;/b&gt;</b>" in narrowed
    total = links(narrowed, "/figures/cases")[0][1]
    assert total == 15
    whole = html.unescape(re.search(r'<a class="chip" href="([^"]+)" aria-label="渠道', narrowed)[1])
    assert links(page_of(client, whole), "/figures/cases")[0][1] == 60
    behind = page_of(client, links(narrowed, "/figures/cases")[0][0])
    back = html.unescape(re.search(r'<a href="([^"]+)">← 回到统计', behind)[1])
    assert back.split("?")[1] == only.split("?")[1]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("first=2026-13-01", "日期“2026-13-01”不对"),
        ("first=2026-03-05&last=2026-03-01", "请对调"),
        ("unit=<i>", "不能按“&lt;i&gt;”统计"),
        ("by=clerk", "不能按“clerk”细分"),
        ("unit=day&first=2025-01-01&last=2026-01-01", "按日有 366 段"),
        ("first=0001-01-01", "太远"),
        ("channel=a%00b", "“a�b”含有不是文字的字符"),
    ],
)
def test_what_cannot_be_is_told_beside_the_form(client: FlaskClient, asked: str, words: str) -> None:
    """Which comes back as it was filled."""
    answer = client.get(f"/figures?{asked}")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert words in re.search(r'role="alert">(.*?)</p>', page)[1]
    for value in re.findall(r"(?:first|last)=([^&]+)", asked):
        assert f'value="{value}"' in page


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("figure=clerks", "没有“clerks”这一项"),
        ("figure=received&span=1999-01-01", "没有从“1999-01-01”开始"),
        ("figure=received&cursor=x", "第一页"),
        ("first=x", "日期“x”不对"),
    ],
)
def test_a_list_that_cannot_be_is_refused(client: FlaskClient, asked: str, words: str) -> None:
    """With what to do."""
    answer = client.get(f"/figures/cases?{asked}", headers={"Accept": "text/html"})
    assert answer.status_code == 422
    assert words in answer.get_data(as_text=True)


def test_a_register_without_cases_says_so(app: Flask) -> None:
    """Also one whose cases are at another time; the workbook is there all the same."""
    client = with_token(app, "watch", "read")
    for asked in ("", "?first=2031-01-01&last=2031-02-01", "?unit=month&channel=来信"):
        page = page_of(client, f"/figures{asked}")
        assert "没有可统计的件" in page
        assert "<svg" not in page
    assert "没有这样的件" in page_of(client, "/figures/cases?figure=overdue")
    assert client.get("/figures/export").status_code == 200


def test_the_workbook_has_the_numbers_of_the_page(client: FlaskClient, register: Database, tmp_path: Path) -> None:
    """Numbers are numbers; period and definitions come first; a channel is never a formula."""
    with register.writing() as session:
        add_case(session, datetime.now(UTC), channel="=1+1")
    answer = client.get("/figures/export?by=channel&department=land")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="figures-')
    book = sheets(answer.data, tmp_path)
    assert list(book) == ["说明", "按周", "按渠道"]
    about = dict(row[:2] for row in book["说明"])
    assert "按周" in about["时间"]
    assert about["只统计部门"] == "自然资源"
    assert "时限过后才办结" in about["超期"]
    total = dict(zip(book["按渠道"][0], book["按渠道"][-1], strict=True))
    page = page_of(client, "/figures?by=channel&department=land")
    shown = {parse_qs(urlsplit(address).query)["figure"][0]: one for address, one in links(page, "/figures/cases")}
    names = {"received": "受理", "decided": "分办", "handed_back": "退回", "overdue": "超期", "in_time": "按时办结"}
    assert {figure: total[name] for figure, name in names.items()} == {figure: shown[figure] for figure in names}
    assert total["及时率"] == pytest.approx(total["按时办结"] / total["到期"])
    assert sum(row[2] for row in book["按周"][1:-1]) == total["受理"]
    whole = sheets(client.get("/figures/export?by=channel").data, tmp_path)
    assert "=1+1" in [row[0] for row in whole["按渠道"]]


def test_a_department_sees_its_own_and_not_what_became_of_the_rest(app: Flask, register: Database) -> None:
    """A case that went on to another department is counted as handed back, and nothing of it shown."""
    with register.writing() as session:
        accounts.add_user(session, console(), "国土股长", "supervisor", PASSWORD, department="land")
    client = sign_in(app, "国土股长")
    page = page_of(client, "/figures")
    assert "生态环境" not in page
    assert "模型质量" not in page
    assert client.get("/figures/quality").status_code == 403
    assert client.get("/figures?department=education").status_code == 403
    backs = page_of(client, next(address for address, _ in links(page, "/figures/cases") if "handed_back" in address))
    assert backs.count("已改由其他部门主办") == 5
    assert backs.count("路灯坏了") == 5


def test_the_old_address_leads_on(client: FlaskClient) -> None:
    """To the quality of the model, for as many weeks; what else stands in it is left behind."""
    assert client.get("/watch?weeks=4&_external=1&endpoint=x").headers["Location"] == "/figures/quality?weeks=4"
    assert client.get("/watch").headers["Location"] == "/figures/quality"
    assert "模型质量" in page_of(client, "/figures/quality?weeks=4")
