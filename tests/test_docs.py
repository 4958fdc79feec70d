"""What can be called, set or answered stands in the documents."""

from __future__ import annotations

from pathlib import Path

import click
from apiflask import APIFlask

from api import create_app
from casework.web.problems import _HTTP_DETAILS, PROBLEMS, _code
from cli import main
from settings import ROOT, Settings


def document(name: str) -> str:
    """A document's text."""
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def commands(group: click.Group, prefix: str) -> list[str]:
    """Every command below a group."""
    found = []
    for name, command in group.commands.items():
        found += commands(command, f"{prefix} {name}") if isinstance(command, click.Group) else [f"{prefix} {name}"]
    return found


def test_every_command_is_documented() -> None:
    """With every option it takes."""
    text = document("operating.md")
    for command in commands(main, "fenban"):
        assert command in text, command
    for command in main.commands.values():
        for option in (one for one in command.params if isinstance(one, click.Option) and one.name != "help"):
            assert option.opts[0] in text, option.opts[0]


def test_every_setting_is_documented() -> None:
    """By the name of its environment variable."""
    for name in Settings.model_fields:
        assert f"FENBAN_{name.upper()}" in document("operating.md"), name


def test_every_route_and_error_code_is_documented(tmp_path: Path) -> None:
    """Routes with their paths, errors with their codes."""
    text = document("api.md")
    app: APIFlask = create_app(Settings(models_dir=tmp_path, database_url=f"sqlite:///{tmp_path}/fenban.db"))
    for rule in app.url_map.iter_rules():
        if "static" not in rule.rule:
            assert f"`{rule.rule}`" in text or f" {rule.rule}`" in text, rule.rule
    for code in [*(code for _, code in PROBLEMS.values()), *map(_code, _HTTP_DETAILS), "invalid_request"]:
        assert f"`{code}`" in text, code


def test_both_readmes_begin_with_the_two_commands() -> None:
    """And say the same figures."""
    for name in ("README.md", "README.zh-CN.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert text.index("make serve") < text.index("## ")
        assert text.index("make test") < text.index("## ")
