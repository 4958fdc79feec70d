"""What holds for every page, whoever makes the next one."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.clients import add_user, sign_in

HTML = {"Accept": "text/html"}
_IN_THE_PAGE = re.compile(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|hx-on|javascript:")


@pytest.fixture
def admin(app: Flask) -> FlaskClient:
    """Somebody who may open all pages."""
    add_user(app, "admin", "admin")
    return sign_in(app, "admin")


def pages(app: Flask, client: FlaskClient) -> dict[str, str]:
    """Every page that needs no case, model or file to be shown, by its address."""
    found = {}
    for rule in app.url_map.iter_rules():
        if "GET" in rule.methods and not rule.arguments and not rule.rule.startswith(("/api/", "/openapi", "/docs")):
            response = client.get(rule.rule, headers=HTML)
            if response.mimetype == "text/html" and response.status_code == 200:
                found[rule.rule] = response.get_data(as_text=True)
                policy = response.headers["Content-Security-Policy"]
                assert "default-src 'none'; script-src 'self'" in policy, rule.rule
                assert "unsafe" not in policy, rule.rule
    return found


def test_pages_obey_their_own_policy(app: Flask, admin: FlaskClient) -> None:
    """On an empty register: each is strict, and holds nothing that the policy forbids or that another host serves."""
    found = pages(app, admin)
    assert {"/", "/new", "/batch", "/models", "/figures", "/settings/labels", "/settings/audit"} <= set(found)
    for path, page in found.items():
        assert not _IN_THE_PAGE.findall(page), path
        assert not re.findall(r'(?:src|href|action|hx-\w+)="(?:https?:)?//', page), path


def test_pages_are_built_for_everybody(app: Flask, admin: FlaskClient) -> None:
    """A language, a title of its own, one heading, a way past the navigation, and a name for every field."""
    found = pages(app, admin)
    titles = [re.findall(r"<title>(.*?)</title>", page, re.S)[0].strip() for page in found.values()]
    for path, page in found.items():
        assert '<html lang="zh-CN">' in page, path
        assert len(re.findall(r"<h1[ >]", page)) == 1, path
        assert '<a class="skip" href="#main">' in page, path
        ids = re.findall(r'\sid="([^"]+)"', page)
        assert len(ids) == len(set(ids)), path
    assert len(set(titles)) == len(titles)
