"""Replaces personal data by typed placeholders before text is stored, logged or learned from."""

from __future__ import annotations

import re
from string import ascii_uppercase

from classifier.text.edits import Chain, Needs, Sub
from classifier.text.normalise import NORMALISE

_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖"
    "贾夏韦付傅方白邹孟熊秦邱江尹薛闫阎段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤常温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲翁冉骆蓝路游辛靳管柴蒙鲍华喻祁蒲房滕屈饶解牟艾尤阳时穆农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫费卜冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬师和仇栾隋商刁沙荣巫寇桑郎甄丛仲虞敖巩明佘池查麻苑迟邝"
)


def is_resident_id(number: str) -> bool:
    """Whether 18 characters carry a valid check character (GB 11643-1999, ISO 7064 MOD 11-2).

    >>> is_resident_id("11010119900101001X"), is_resident_id("110101199001010011")
    (False, False)
    >>> is_resident_id("110101199001010015")
    True
    """
    total = sum(int(digit) * weight for digit, weight in zip(number[:17], _ID_WEIGHTS, strict=True))
    return "10X98765432"[total % 11] == number[17].upper()


def is_bank_card(number: str) -> bool:
    """Whether a string of digits passes the Luhn check (ISO/IEC 7812-1 Annex B).

    >>> is_bank_card("4111111111111111"), is_bank_card("4111111111111112")
    (True, False)
    """
    digits = [int(digit) for digit in reversed(number)]
    return sum(digits[0::2] + [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]) % 10 == 0


PHONE, ID, CARD, EMAIL, PLATE, ACCOUNT, NAME = (
    "[电话]",
    "[身份证号]",
    "[银行卡号]",
    "[邮箱]",
    "[车牌]",
    "[账号]",
    "[姓名]",
)
PLACEHOLDER = re.compile("|".join(re.escape(p) for p in (PHONE, ID, CARD, EMAIL, PLATE, ACCOUNT, NAME)))

# Each kind of number, the kind that can be checked first. Other long numbers stay as they are.
_NUMBERS = re.compile(
    r"(?<![\d.])(?:"
    r"(?P<id>\d{17}[\dXx])"
    r"|(?P<card>\d{16,19}|\d{4}(?:[ -]\d{4}){3}(?:[ -]\d{1,3})?)"
    r"|(?P<mobile>(?:\+?86[ -]?)?1[3-9]\d[ -]?(?:\d{4}|\*{3,4})[ -]?\d{4})"
    r"|(?P<landline>\(?0\d{2,3}\)?[ -]?[2-9]\d{6,7}(?:[ -]\d{1,5})?)"
    r"|(?P<hotline>[48]00[ -]?\d{3}[ -]?\d{4})"
    r")(?!\d|\.\d)"
)


def _number(match: re.Match[str]) -> str:
    digits = re.sub("[ -]", "", match[0])
    if match["id"] and is_resident_id(digits):
        return ID
    if match["id"] or match["card"]:
        return CARD if digits.isdecimal() and is_bank_card(digits) else match[0]
    return PHONE


_BEARERS = ("联系人", "来电人", "来信人", "来访人", "投诉人", "举报人", "反映人", "申请人", "信访人", "户主")

# Written for text that `normalise` has been over. What a step needs are two characters that stand in every match.
MASK = (
    Sub(re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,4}"), EMAIL, needs=Needs.of("@")),
    Sub(re.compile(r"(?:身份证|证件)(?:号码?)?[是为:\s]*(?P<data>[\dxX*]{8,40})(?![\dxX*])"), ID, "data", Needs.of("身份", "证件", number=True)),
    Sub(re.compile(r"[\d+(][\d()+* -]{6,}[Xx]?"), lambda match: _NUMBERS.sub(_number, match[0]), needs=Needs(number=True)),
    Sub(re.compile(r"(?:卡号|账号|帐号|账户|帐户)[是为:\s]*(?P<data>\d[\d -]{6,22}\d)"), CARD, "data", Needs.of("卡号", "账号", "帐号", "账户", "帐户", number=True)),
    Sub(re.compile(r"(?:电话|手机|座机|联系方式|致电|拨打)(?:号码?)?[是为:\s]*(?P<data>[2-9]\d{6,7})(?!\d)"), PHONE, "data", Needs.of("电话", "手机", "座机", "联系", "致电", "拨打", number=True)),
    Sub(re.compile(
        r"[微QqVvWw](?<![A-Za-z][A-Za-z])[信QqXx]群?(?:账号|帐号|号码?)?[是为:\s]*"
        r"(?P<data>[A-Za-z][A-Za-z0-9_-]{5,19}|\d{5,12})(?![A-Za-z0-9_-])"
    ), ACCOUNT, "data", Needs.of(*(a + b for a in "微QqVvWw" for b in "信QqXx"))),
    Sub(re.compile(rf"[{_PROVINCES}][A-Z][·.\s]?(?:[A-HJ-NP-Z0-9]{{5,6}}|[A-HJ-NP-Z0-9]{{4}}[挂学警港澳])(?![A-Za-z0-9])"), PLATE, needs=Needs.of(*(a + b for a in _PROVINCES for b in ascii_uppercase))),
    Sub(re.compile(
        rf"(?:我叫|本人叫|我的名字[叫是]|姓名[是为:\s]+|(?:{'|'.join(_BEARERS)})[叫是为:\s]+)"
        rf"(?P<data>[{_SURNAMES}](?:某某?|[\u4e00-\u9fff]{{1,2}}?(?=$|[\W\d]|是|系|住|今年|家住|现|电话|身份证|男|女|和|与)|[\u4e00-\u9fff]{{2}}))"
    ), NAME, "data", Needs.of("我叫", "人叫", "名字", "姓名", *_BEARERS)),
)  # fmt: skip


_MASKING = Chain({}, MASK)


def mask(text: str) -> str:
    """Return ``text`` as it was written, its personal data replaced by placeholders.

    Numbers are found in the normalised text, so full-width digits and digits with
    zero-width characters between them are masked too. Idempotent.

    >>> mask("我叫王小明，电话１３８００００１２３４，厂里又冒黑烟了")
    '我叫[姓名]，电话[电话]，厂里又冒黑烟了'
    """
    plain = NORMALISE.run([text]).texts[0]
    worth_trying = _MASKING.worth_trying(plain.text)
    for step in MASK:
        if step in worth_trying and (changes := step.changes(plain.text)):
            for start, end, placeholder in reversed(changes):
                first, last = plain.source(start, end)
                text = text[:first] + placeholder + text[last:]
            plain = NORMALISE.run([text]).texts[0]
            worth_trying = _MASKING.worth_trying(plain.text)
    return text
