"""One spelling for what is the same to a reader: width, script, markup and stray characters."""

from __future__ import annotations

import html
import re
import unicodedata
from functools import cache

import opencc

from classifier.text.edits import Rewritten, Sub, Swap, holds

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


@cache
def _traditional() -> re.Pattern[str]:
    """Characters that OpenCC changes when they stand alone."""
    characters = [chr(code) for code in range(0x3400, 0xA000)]
    simplified = _to_simplified().convert("\n".join(characters)).split("\n")
    return re.compile(f"[{''.join(a for a, b in zip(characters, simplified, strict=True) if a != b)}]")


def _simplify(match: re.Match[str]) -> str:
    """Convert a run of Chinese characters in its own context (乾坤 stays, 乾净 becomes 干净)."""
    return str(_to_simplified().convert(match[0]))


def _has_hidden(text: str) -> bool:
    """Whether a text may hold control or format characters, or any white space but plain spaces."""
    return not text.isprintable()


def _is_not_nfkc(text: str) -> bool:
    """Any part of a text in NFKC is so too (UAX 15, section on substringing)."""
    return not unicodedata.is_normalized("NFKC", text)


def _has_white_space(text: str) -> bool:
    return "  " in text or _has_hidden(text)


CLEAN = (
    # Excel's carriage return, and control and format characters that no reader sees.
    Swap((("\x0b", "\n"), ("\x0c", "\n"), ("\r", "\n"))),
    Sub(re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\ufffe\uffff]"), "", worthwhile=_has_hidden),
    # NFKC: the commonest by plain swaps, the rest by runs. The character before a run comes
    # along because a combining mark merges with it, but not the separator; 、。“” and their like never change.
    Swap(tuple((char, unicodedata.normalize("NFKC", char)) for char in "，：（）！？；～％０１２３４５６７８９\u3000")),
    Sub(re.compile(f"[^{SEPARATOR}]?[^\x00-\x7f\u2018-\u201e\u3001-\u3011\u4e00-\u9fff{SEPARATOR}]+"), lambda match: unicodedata.normalize("NFKC", match[0]), worthwhile=_is_not_nfkc),
    Sub(re.compile("_x000[Dd]_|<[A-Za-z/!][^<>]{0,300}>"), " ", worthwhile=holds("<", "_x000")),
    Sub(re.compile(r"&(?:[A-Za-z]{2,8}|#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6});"), _entity, worthwhile=holds("&")),
    Sub(re.compile(rf"\((?<=[\u3400-\u9fff]\()(?:{_PINYIN})\)(?:\((?:{_PINYIN})\))*"), ""),
    Sub(re.compile("[\u3400-\u9fff]+"), _simplify, worthwhile=lambda text: _traditional().search(text)),
)  # fmt: skip

_FOLD = (
    Sub(re.compile(r"[^\S\n]*\n\s*"), "\n", worthwhile=holds("\n")),
    Sub(re.compile(r"[^\S\n]{2,}|[^\S\n ]"), " ", worthwhile=_has_white_space),
    # 啊啊啊啊啊 and !!!!!! say no more than three of them.
    Sub(re.compile(rf"([^\d\s])\1{{{_REPEAT},}}"), lambda match: match[1] * _REPEAT, worthwhile=re.compile("(.)" + r"\1" * _REPEAT).search),
)  # fmt: skip


STEPS = (*CLEAN, *_FOLD)


def normalise(text: str) -> str:
    """Return ``text`` in NFKC, Simplified characters, without markup, runs folded.

    Idempotent.

    >>> normalise("環保局：長(zhǎng)期&nbsp;<b>臭</b>！！！！！！")
    '环保局:长期 臭 !!!'
    """
    return Rewritten(STEPS, text).text
