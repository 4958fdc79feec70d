"""What may go in as a complaint, and what a taxonomy may say."""

from __future__ import annotations

from pathlib import Path

import pytest

from classifier.errors import InvalidComplaintError, InvalidTaxonomyError
from classifier.records import MAX_CHARS, Complaint
from classifier.taxonomy import Department, Taxonomy, Urgency


@pytest.mark.parametrize(
    ("title", "text", "message"),
    [
        ("", "", "内容为空"),
        (" ", "\n\u3000", "内容为空"),
        ("", "a" * (MAX_CHARS + 1), "内容过长：100001 字"),
        ("", "污水\x00河", "内容第 3 个字符（U\\+0000）"),
        ("标\ud83d题", "污水", "标题第 2 个字符（U\\+D83D）"),
    ],
)
def test_unreadable_complaints_are_refused(title: str, text: str, message: str) -> None:
    """The message says what is wrong and where."""
    with pytest.raises(InvalidComplaintError, match=message):
        Complaint(title, text)


def test_a_title_alone_is_a_complaint() -> None:
    """Operators sometimes fill in the title only."""
    assert Complaint("路灯坏了", "").title == "路灯坏了"


def test_the_default_taxonomy_has_the_five_departments_and_three_levels() -> None:
    """Ids never change once used."""
    taxonomy = Taxonomy.read()
    assert [one.id for one in taxonomy.departments] == ["environment", "land", "education", "disability", "other"]
    assert [(one.id, one.respond_within_hours) for one in taxonomy.urgencies] == [
        ("routine", 168), ("urgent", 72), ("critical", 2)
    ]  # fmt: skip
    assert taxonomy.department_id("生态环境") == taxonomy.department_id("environment") == "environment"
    assert taxonomy.department_id("交通") is None
    assert Taxonomy.from_dict(taxonomy.to_dict()) == taxonomy


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "条目不完整"),
        ("[[departments]", "读不了分类表"),
        ('[[departments]]\nid="a"\nname="甲"\n', "至少要有两个部门"),
        ('[[departments]]\nid="a"\nname="甲"\n[[departments]]\nid="b"\nname="甲"\n', "“甲”为空或重复"),
        ('[[departments]]\nid="a"\nname="甲"\n[[departments]]\nid="b"\n', "条目不完整"),
        (
            '[[departments]]\nid="a"\nname="甲"\n[[departments]]\nid="b"\nname="乙"\n'
            '[[urgencies]]\nid="u"\nname="急"\nrespond_within_hours=0\n',
            "必须大于 0",
        ),
    ],
)
def test_contradictory_taxonomies_are_refused(tmp_path: Path, content: str, message: str) -> None:
    """A taxonomy that cannot be meant is an error that names the entry."""
    path = tmp_path / "taxonomy.toml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InvalidTaxonomyError, match=message):
        Taxonomy.read(path)


def test_labels_found_in_a_file_make_a_taxonomy() -> None:
    """Each is its own name, sorted."""
    taxonomy = Taxonomy.from_labels(["环保", "交通", "环保"], (Urgency("u", "急", 1),))
    assert taxonomy.departments == (Department("交通", "交通"), Department("环保", "环保"))
