"""One spelling for what is the same to a reader: width, script, markup and stray characters."""

from __future__ import annotations

import html
import re
import unicodedata
from functools import cache

import opencc

from classifier.text.edits import Chain, Needs, Sub
from classifier.text.trie import LAST

SEPARATOR = "\ue000"
"""A private character that stands between title and text while both are read in one pass."""

_TONES = "āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜ"
_NEUTRAL = "de|le|zhe|ma|ne|ba|a|ya|men|zi|me|guo|shang|li"
# 長(zhǎng): left behind where whole documents were converted to Traditional characters.
_PINYIN = rf"[a-zü]{{0,3}}[{_TONES}][a-zü]{{0,3}}|{_NEUTRAL}"
_REPEAT = 3


def _entity(match: re.Match[str]) -> str:
    """A numeric reference to a Chinese character becomes it; every other entity a space."""
    char = html.unescape(match[0])
    return char if re.fullmatch("[\u4e00-\u9fff]", char) else " "


@cache
def _to_simplified() -> opencc.OpenCC:
    return opencc.OpenCC("t2s")


def _traditional() -> list[str]:
    """Characters that OpenCC changes when they stand alone."""
    characters = [chr(code) for code in range(0x3400, 0xA000)]
    simplified = _to_simplified().convert("\n".join(characters)).split("\n")
    return [a for a, b in zip(characters, simplified, strict=True) if a != b]


def _simplify(match: re.Match[str]) -> str:
    """Convert a run of Chinese characters in its own context (乾坤 stays, 乾净 becomes 干净)."""
    return str(_to_simplified().convert(match[0]))


def _all_of(pattern: str) -> list[str]:
    """The characters of the first plane that a pattern matches."""
    return re.findall(pattern, "".join(map(chr, range(LAST + 1))))


def _not_nfkc() -> list[str]:
    """Characters that NFKC may change, or that merge with the one before; the last stands for all beyond the first plane."""
    characters = map(chr, range(LAST))
    return [char for char in characters if not _is_stable(char)] + [chr(LAST)]


def _is_stable(char: str) -> bool:
    # Marks and the later letters of a Hangul syllable may merge (UAX 15, quick check "maybe").
    return (
        unicodedata.is_normalized("NFKC", "a" + char)
        and unicodedata.category(char)[0] != "M"
        and not "\u1100" <= char <= "\u11ff"
    )


_HIDDEN = "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\ufffe\uffff"
# Excel's carriage return, and the commonest characters that NFKC changes.
SWAPS = {
    **dict.fromkeys("\x0b\x0c\r", "\n"),
    **{char: unicodedata.normalize("NFKC", char) for char in "，：（）！？；～％０１２３４５６７８９\u3000"},
}

CLEAN = (
    # Control and format characters that no reader sees.
    Sub(re.compile(f"[{_HIDDEN}]"), "", needs=Needs(lambda: _all_of(f"[{_HIDDEN}]"))),
    # By runs. The character before a run comes along because a combining mark merges with it, but not the separator; 、。“” and their like never change.
    Sub(re.compile(f"[^{SEPARATOR}]?[^\x00-\x7f\u2018-\u201e\u3001-\u3011\u4e00-\u9fff{SEPARATOR}]+"), lambda match: unicodedata.normalize("NFKC", match[0]), needs=Needs(_not_nfkc)),
    Sub(re.compile("_x000[Dd]_|<[A-Za-z/!][^<>]{0,300}>"), " ", needs=Needs.of("<", "_x000")),
    Sub(re.compile(r"&(?:[A-Za-z]{2,8}|#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6});"), _entity, needs=Needs.of("&")),
    Sub(re.compile(rf"\((?<=[\u3400-\u9fff]\()(?:{_PINYIN})\)(?:\((?:{_PINYIN})\))*"), "", needs=Needs.of(*_TONES, *(f"({one})" for one in _NEUTRAL.split("|")))),
    Sub(re.compile("[\u3400-\u9fff]+"), _simplify, needs=Needs(_traditional)),
)  # fmt: skip

_FOLD = (
    Sub(re.compile(r"[^\S\n]*\n\s*"), "\n", needs=Needs.of("\n")),
    Sub(re.compile(r"[^\S\n]{2,}|[^\S\n ]"), " ", needs=Needs(lambda: ["  ", *_all_of(r"[^\S\n ]")])),
    # 啊啊啊啊啊 and !!!!!! say no more than three of them.
    Sub(re.compile(rf"([^\d\s])\1{{{_REPEAT},}}"), lambda match: match[1] * _REPEAT),
)  # fmt: skip


NORMALISE = Chain(SWAPS, (*CLEAN, *_FOLD))


def normalise(text: str) -> str:
    """Return ``text`` in NFKC, Simplified characters, without markup, runs folded.

    Idempotent.

    >>> normalise("環保局：長(zhǎng)期&nbsp;<b>臭</b>！！！！！！")
    '环保局:长期 臭 !!!'
    """
    return NORMALISE.run([text]).texts[0].text
