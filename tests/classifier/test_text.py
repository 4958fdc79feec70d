"""Reading a complaint: normalising, masking, preparing and cutting it."""

from __future__ import annotations

import unicodedata
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.records import Complaint
from classifier.text.edits import Chain, Rewritten
from classifier.text.mask import MASK, mask
from classifier.text.normalise import NORMALISE, SEPARATOR, normalise
from classifier.text.prepare import PREPARE, Prepared
from classifier.text.segment import default_segmenter, dictionary_words
from tests.jieba_reference import jieba_cut

# Text as nasty as offices get it: Chinese of both scripts, forms that NFKC changes, markup,
# numbers that may be personal data, and anything else.
ALPHABET = st.one_of(
    st.sampled_from(
        "的我市长長發現裡後乾淨坏沖著（）()<>&;#/bnbsp ：:，。！?…—１２0139８６+-@.xX\u3000\n\r\t\u200b\u0301\ufeffＡ①㎡ǎāé王李叫姓名电话微信qQ京津沪A"
        + SEPARATOR
    ),
    st.characters(exclude_categories=("Cs",)),
)
TEXTS = st.text(ALPHABET, max_size=60)


@pytest.mark.parametrize(
    ("written", "normalised"),
    [
        ("污水直排，臭氣熏天", "污水直排,臭气熏天"),
        ("校長(zhǎng)說(shuō)沒(méi)辦法", "校长说没办法"),
        ("長（zhǎng）期", "长期"),
        ("乾坤未定，衣服不乾", "乾坤未定,衣服不干"),
        ("第一段<br/>第二段&nbsp;&#27745;水", "第一段 第二段 污水"),
        ("上午_x000D_\r\n下午", "上午\n下午"),
        ("求求你们啊啊啊啊啊啊！！！！！", "求求你们啊啊啊!!!"),
        ("ＫＴＶ（１２３）", "KTV(123)"),
        ("零\u200b宽\ufeff字符", "零宽字符"),
        ("e\u0301tat", "état"),
        ("他家（KTV）太吵", "他家(KTV)太吵"),
    ],
)
def test_normalise(written: str, normalised: str) -> None:
    """One spelling for what reads the same; what only looks like markup or a note stays."""
    assert normalise(written) == normalised


@given(TEXTS)
@settings(max_examples=500)
def test_normalise_is_idempotent_and_nfkc(text: str) -> None:
    """Normalising again changes nothing, and the result is in NFKC."""
    once = normalise(text)
    assert normalise(once) == once
    assert unicodedata.is_normalized("NFKC", once)


@pytest.mark.parametrize(
    ("written", "masked"),
    [
        ("请打13800001234找我", "请打[电话]找我"),
        ("电话：138-0000-1234。", "电话：[电话]。"),
        ("＋86 138 0000 1234", "[电话]"),
        ("１３８００００１２３４", "[电话]"),
        ("座机0731-85550000转802", "座机[电话]转802"),
        ("联系电话85550000", "联系电话[电话]"),
        ("身份证110101199001010015", "身份证[身份证号]"),
        ("我的证件号是11010119900101001x", "我的证件号是[身份证号]"),
        ("卡4111 1111 1111 1111", "卡[银行卡号]"),
        ("账号：6222000000000", "账号：[银行卡号]"),
        ("发到zhang_3@example.com.cn谢谢", "发到[邮箱]谢谢"),
        ("车牌湘A12345、京AD12345", "车牌[车牌]、[车牌]"),
        ("微信wx_abc123", "微信[账号]"),
        ("QQ：12345678", "QQ：[账号]"),
        ("我叫欧阳，联系人：李四", "我叫[姓名]，联系人：[姓名]"),
        ("投诉人：张某某 138****1234", "投诉人：[姓名] [电话]"),
        # Numbers that are nobody's stay: sums, dates, areas, file numbers, hot lines.
        ("2023年5月1日赔了123456.78元", "2023年5月1日赔了123456.78元"),
        ("拨12345没用", "拨12345没用"),
        ("案号2021000000000002，面积1380平方米", "案号2021000000000002，面积1380平方米"),
        ("我叫不醒他", "我叫不醒他"),
    ],
)
def test_mask(written: str, masked: str) -> None:
    """Personal data becomes a typed placeholder; the rest stays as it was written."""
    assert mask(written) == masked


@given(TEXTS)
@settings(max_examples=300)
def test_mask_is_idempotent(text: str) -> None:
    """Masking again changes nothing."""
    assert mask(mask(text)) == mask(text)


# Pieces of personal data, and what may stand between, around and within them.
PIECES = """13800001234 １３８００００１２３４ 138-0000-1234 138****1234 110101199001010015 4111111111111111 0731-85550000 85550000
zhang_3@example.com.cn 湘A12345 湘Ａ１２３４５ wx_abc123 12345678 王小明 張某某 欧阳 [电话] [姓名] 我叫 我的名字叫 联系人： 聯繫人:
姓名 电话 電話： 拨打 身份证号 證件 账号 卡号是 微信 QQ群 vx 户主叫 &#25105;叫 (de) <b> ******* 0000 ＠ @ ① ++ ( ) :"""
PERSONAL = st.lists(
    st.one_of(
        st.sampled_from(PIECES.split()),
        st.sampled_from("\u200b\ufeff\u3000 \n\r\t\x0b\xad是为，。+-*x我叫"),
        TEXTS,
    ),
    max_size=12,
).map("".join)


def every_step(chain: Chain, text: str) -> Rewritten:
    """The reference: each step reads the text, whether it can change it or not."""
    one = Rewritten(text.translate(str.maketrans(dict(chain.swaps))))
    for step in chain.steps:
        one.run(step)
    return one


def mask_step_by_step(text: str) -> str:
    """The reference: every step reads the text anew, without any short cut."""
    for step in MASK:
        plain = every_step(NORMALISE, text)
        for match in reversed(list(step.pattern.finditer(plain.text))):
            placeholder = step.rewrite if isinstance(step.rewrite, str) else step.rewrite(match)
            if placeholder != match[step.group]:
                start, end = plain.source(*match.span(step.group))
                text = text[:start] + placeholder + text[end:]
    return text


@given(PERSONAL)
@settings(max_examples=500)
def test_short_cuts_of_mask_change_nothing(text: str) -> None:
    """Reading the text once, and passing over steps that have nothing to do, masks the same."""
    assert mask(text) == mask_step_by_step(text)
    assert mask(mask(text)) == mask(text)


TONE = st.sampled_from(["求求", "领导", "气死", "了", "我", "82", "岁", "多次", "上访", "，", "。", "厂里", "臭"])


@pytest.mark.parametrize("chain", [NORMALISE, PREPARE])
@given(texts=st.lists(st.one_of(PERSONAL, st.lists(TONE, max_size=15).map("".join), TEXTS), min_size=1, max_size=3))
@settings(max_examples=400)
def test_steps_are_spared_only_where_they_change_nothing(chain: Chain, texts: list[str]) -> None:
    """One look at many texts spares no step that would have changed one, and every character is traced to the same."""
    for one, text in zip(chain.run(texts).texts, texts, strict=True):
        reference = every_step(chain, text)
        assert one.text == reference.text
        assert [one.source(i, i + 1) for i in range(len(one.text))] == [
            reference.source(i, i + 1) for i in range(len(one.text))
        ]


@pytest.mark.parametrize(
    "changed",
    [
        "樓下燒烤店的油煙天天往家裡灌，小孩咳嗽，夜裡睡不著",
        "楼下烧烤店的油烟天天往家里灌。小孩咳嗽！夜里睡不着？",
        "楼下烧烤店的油烟天天往家里灌\n\n小孩咳嗽\t夜里睡不着",
        "楼下烧烤店的油烟天天往家里灌小孩咳嗽夜里睡不着13800001234",
        "我叫李四，楼下烧烤店的油烟天天往家里灌小孩咳嗽夜里睡不着"[5:],
        "楼下烧烤店的油烟天天往家里灌，&nbsp;小孩咳嗽<br>夜里睡不着",
    ],
)
def test_form_and_person_change_nothing_in_prepared_text(changed: str) -> None:
    """Script, punctuation, layout, markup and personal data leave no trace."""
    plain = Complaint("", "楼下烧烤店的油烟天天往家里灌，小孩咳嗽，夜里睡不着")
    assert Prepared([Complaint("", changed)]).texts[0].replace("睡不著", "睡不着") == Prepared([plain]).texts[0]


@pytest.mark.parametrize(
    "header",
    [
        "【转办单】编号：XF-2024-0012 ",
        "关于王家村污染问题的函\n请县生态环境局于5日内办结并反馈。\n",
        "来电人：李四 联系电话：13800001234 反映内容：",
        "受理时间：2024-05-01；渠道：电话；内容：",
    ],
)
def test_forwarding_headers_are_no_features(header: str) -> None:
    """What offices write before a complaint when they pass it on is left out."""
    body = "河水发黑，鱼都死了"
    assert Prepared([Complaint("", header + body)]).texts == Prepared([Complaint("", body)]).texts


def written(prepared: Prepared, document: int, start: int, end: int) -> tuple[str, int, int]:
    """Where a piece of a prepared text was written."""
    first, last = (
        prepared.places[np.array([start, end - 1]) + prepared.offsets[document]] - prepared.place_offsets[document]
    )
    return prepared.locate(document, int(first), int(last) + 1)


@given(TEXTS, TEXTS)
@settings(max_examples=300)
def test_prepared_text_points_back(title: str, text: str) -> None:
    """Every character has a place in the field it was written in, in order."""
    complaint = Complaint(title.replace("\x00", ""), text.replace("\x00", "") + "河")
    prepared = Prepared([COMPANY, complaint, COMPANY])
    prepared_text = prepared.texts[1]
    assert prepared_text == Prepared([complaint]).texts[0]
    assert prepared_text.count(SEPARATOR) == 1
    places = [written(prepared, 1, i, i + 1) for i, char in enumerate(prepared_text) if char != SEPARATOR]
    for field, start, end in places:
        assert 0 <= start < end <= len(getattr(complaint, field))
    assert [place[:2] for place in places] == sorted(
        (place[:2] for place in places), key=lambda place: (place[0] != "title", place[1])
    )


def test_a_reason_is_found_where_it_was_written() -> None:
    """Positions count characters of the original, through every change before them."""
    text = "求助&nbsp;１３８００００１２３４！！！！！！校長(zhǎng)不讓殘疾孩子報名"
    prepared = Prepared([Complaint("標題", text)])
    start = prepared.texts[0].index("残疾孩子")
    field, first, last = written(prepared, 0, start, start + 4)
    assert (field, text[first:last]) == ("text", "殘疾孩子")


COMPANY = Complaint("1哈", "1哈哈")
SEGMENTER = default_segmenter()
WORDS = [word for word, _ in dictionary_words()]


@given(
    st.lists(
        st.one_of(
            st.sampled_from([*WORDS, *"".join(WORDS), *"abz0的一是了不在有", SEPARATOR]),
            st.characters(min_codepoint=0x4E00, max_codepoint=0x9FD5),
        ),
        max_size=40,
    ).map("".join)
)
@settings(max_examples=500)
def test_text_is_cut_as_jieba_cuts_it(text: str) -> None:
    """Any prepared text is cut into jieba's words, and joined they give it back."""
    prepared = Prepared([Complaint("", text + "。")]).texts[0]
    words = SEGMENTER(prepared)
    assert words == jieba_cut(prepared)
    assert "".join(words) == prepared


def test_many_texts_are_cut_as_one_by_one() -> None:
    """No word reaches from text to text."""
    prepared = Prepared([Complaint("不动", "产登记"), Complaint("", "中心a"), Complaint("b", "无障")])
    cuts = SEGMENTER.cut(prepared.codes, prepared.offsets)
    words = ["".join(map(chr, prepared.codes[a : a + n])) for a, n in zip(cuts.start, cuts.length, strict=True)]
    assert [words[a:b] for a, b in pairwise(cuts.first_word)] == [SEGMENTER(text) for text in prepared.texts]


def test_words_of_the_trade_stay_whole() -> None:
    """The domain dictionary holds."""
    words = SEGMENTER("无障碍设施和两项补贴还有不动产登记中心")
    assert {"无障碍设施", "两项补贴", "不动产登记中心"} <= set(words)
