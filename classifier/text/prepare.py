"""The text a model sees: what the matter is, without form, person, punctuation or layout."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, cached_property
from itertools import pairwise

import numpy as np

from classifier.compiled import compiled
from classifier.records import Complaint
from classifier.text.edits import Chain, Needs, Sub
from classifier.text.mask import MASK, PLACEHOLDER
from classifier.text.normalise import CLEAN, SEPARATOR, SWAPS
from classifier.text.tone import ToneStep
from classifier.text.trie import LAST, Ints, Points

_OFFICE = r"[\u4e00-\u9fff]{1,15}(?:局|办|委|部|厅|中心|政府|单位|联|街道|乡|镇)"
# What offices put before the complaint when they pass it on says nothing about the matter.
_HEADERS = "|".join(
    (
        r"[\[(【〔]?[\u4e00-\u9fff]{0,12}(?:转办|交办|督办|承办|受理|登记|呈批|处理)(?:单|函|件|表|通知书?)[\])】〕]?",
        r"(?:[\u4e00-\u9fff]{0,4}(?:编号|单号|文号|流水号|件号)[: ]{1,2}[\w()\[\]-]{2,30}号?)",
        r"[\[(【]?[\u4e00-\u9fff]{1,8}[\])】]?[\[(〔]\d{4}[\])〕][\w-]{1,12}号",
        r"关于[^\n。]{2,40}(?:的函|的通知|的转办)(?=[\n:。 ])",
        r"(?:现将|兹将|现转去|现转来|兹转去)[^\n。:]{2,60}(?:办理|处理|阅处|查处|酌处|研处|调查处理)[^\n。:]{0,20}",
        rf"请?{_OFFICE}(?:于|在)?[^\n。:]{{0,12}}(?:日前|日内|工作日内|个工作日)[^\n。:]{{0,20}}(?:办结|反馈|回复|答复|上报)[^\n。:]{{0,10}}",
        rf"(?:主送|抄送|转办|承办|转往|来文|责任|主办|协办)(?:单位|部门|机关)?:\s?{_OFFICE}",
        r"(?:来源|渠道|来电渠道|受理渠道|来信来源|受理时间|登记时间|来电时间|来信时间|来访时间|信访时间|转办时间|转办日期|办理时限|限办时间|截止时间|紧急程度|信访形式|信访目的|诉求类型|来电类别):\s?[^\n,;。]{0,25}",
        r"(?:来电人|来信人|来访人|信访人|投诉人|反映人|举报人|姓名|性别|联系电话|联系方式|电话|身份证号码?|证件号|单位或住址)(?:姓名|电话)?:\s?(?:\[[^\]]{1,6}\]|[\u4e00-\u9fff*]{0,4}|[\d* -]{0,20})(?=[\n,;。 ]|$)",
        r"(?:信访|反映|诉求|投诉|来电|来信|主要)?(?:内容|事项|摘要|概况|问题)(?:如下)?:",
    )
)
_ANNOUNCED = (
    "我叫|本人叫|我的名字|我的|我是|本人|姓名|联系人|来电人|来信人|来访人|投诉人|举报人|反映人|申请人|信访人|联系方式|联系电话|"
    "电话|手机|座机|身份证|证件|微信|[Qq][Qq]群?|账号|帐号|卡号|银行卡|邮箱|车牌|号码?"
)
_GAP = r"[\s:,;。|/-]{0,4}"

PREPARE = Chain(SWAPS, (
    *CLEAN,
    *MASK,
    # A header may hold the names and numbers just masked, so it goes next; it stands where the text begins.
    Sub(re.compile(rf"{SEPARATOR}(?P<data>{_GAP}(?:(?:{_HEADERS}){_GAP}){{1,12}})"), "", "data"),
    # With them go the words that only announce them.
    Sub(re.compile(rf"(?:{_ANNOUNCED}|[是为:,、\s])*(?:{PLACEHOLDER.pattern})"), "", needs=Needs.of("[")),
    ToneStep(),
))  # fmt: skip


class Prepared:
    """Complaints as the features see them, able to point back into what was written.

    Only Chinese characters, lower-case Latin letters and 0 (for any number) are left, so width,
    script, punctuation, line breaks and personal data change nothing. One complaint comes out
    the same alone as among others.

    Parameters
    ----------
    complaints : sequence of Complaint

    Attributes
    ----------
    codes : ndarray of int
        All texts set one after the other, as code points of Unicode's first plane.
    offsets : ndarray of shape (complaints + 1,)
        Where each text starts.
    points : ndarray of uint32
        The :meth:`punctuated` texts set one after the other.
    places, place_offsets : ndarray of int
        Where each of ``codes`` stands in ``points``, and where each text starts there.

    >>> Prepared([Complaint("油烟擾民", "樓下3家店，電話13800001234！")]).texts[0].split(SEPARATOR)
    ['油烟扰民', '楼下0家店']
    """

    def __init__(self, complaints: Sequence[Complaint]) -> None:
        self.complaints = complaints
        self._rewritten, self.points, self.place_offsets = PREPARE.run([_join(one) for one in complaints])
        self.codes, self.places, self.offsets = _kept(self.points, self.place_offsets, _kept_as())

    @cached_property
    def texts(self) -> list[str]:
        """Title, SEPARATOR, text of each."""
        together = self.codes.astype("<u2").tobytes().decode("utf-16-le")
        return [together[a:b] for a, b in pairwise(self.offsets.tolist())]

    def punctuated(self, document: int) -> str:
        """A complaint before punctuation, numbers and case go: normalised, masked, without headers."""
        return self._rewritten[document].text

    def locate(self, document: int, start: int, end: int) -> tuple[str, int, int]:
        """Where a piece of :meth:`punctuated`, inside one field, was written.

        Returns
        -------
        field : {"title", "text"}
        start, end : int
            Characters of that field as it was written.
        """
        first, last = self._rewritten[document].source(start, end)
        body = len(self.complaints[document].title) + len(SEPARATOR)
        return ("title", first, last) if last < body else ("text", first - body, last - body)


def _join(complaint: Complaint) -> str:
    return SEPARATOR.join(part.replace(SEPARATOR, "\n") for part in (complaint.title, complaint.text))


@cache
def _kept_as() -> Ints:
    """What each code point of the first plane becomes; 0 where it is left out."""
    table = np.zeros(LAST + 1, dtype=np.int64)
    for first, last in ((0x4E00, 0x9FD5), (ord("a"), ord("z")), (ord(SEPARATOR), ord(SEPARATOR))):
        table[first : last + 1] = np.arange(first, last + 1)
    table[ord("A") : ord("Z") + 1] = np.arange(ord("a"), ord("z") + 1)
    # Which number it is says where and when, not what.
    table[_ZERO : _ZERO + 10] = _ZERO
    return table


_ZERO, _FIRST_CHINESE = ord("0"), 0x4E00


@compiled
def _kept(points: Points, offsets: Ints, kept_as: Ints) -> tuple[Ints, Ints, Ints]:
    """The characters that stay, their places among all, and where each text begins among them.

    Left out are, besides what ``kept_as`` says, further digits of a number, and the third and later of one
    character in a row: 哈哈哈 could be cut as 哈哈, 哈 or 哈, 哈哈 with the same probability, which would
    leave the choice to rounding errors that differ between the two segmenters.
    """
    codes, places = np.empty(len(points), np.int64), np.empty(len(points), np.int64)
    starts, n = np.zeros(len(offsets), np.int64), 0
    for text in range(len(offsets) - 1):
        previous, in_row = np.int64(0), 0
        for place in range(offsets[text], offsets[text + 1]):
            code = kept_as[min(points[place], LAST)]
            if code == 0:
                continue
            in_row = in_row + 1 if code == previous else 1
            previous = code
            if (code == _ZERO and in_row > 1) or (code >= _FIRST_CHINESE and in_row > 2):
                continue
            codes[n], places[n] = code, place
            n += 1
        starts[text + 1] = n
    return codes[:n], places[:n], starts
