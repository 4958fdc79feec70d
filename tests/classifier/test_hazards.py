"""Hazard rules see a present danger, and are not fooled by negation, past, hypothesis or idiom."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.model.classifier import Classifier
from classifier.model.hazards import Rule, _chosen, _lexicon, find_hazards, rules
from classifier.records import Complaint
from classifier.taxonomy import Taxonomy
from classifier.text.normalise import SEPARATOR
from classifier.text.prepare import Prepared
from classifier.text.trie import offsets_of, points_of

DANGERS = [
    ("楼道里煤气味越来越浓,敲三楼的门没人应,我们都下楼站着不敢回去", "leak"),
    ("一辆装浓硫酸的槽车侧翻在国道边,液体流了一地,路边就是住户", "leak"),
    ("楼下小饭馆的液化气瓶漏气,老板还在旁边点火炒菜,说了不听,店里坐满了客人", "leak"),
    ("食堂吃完午饭到现在已经有二十多个学生上吐下泻,还在往医院送", "poisoning"),
    ("车间里刚倒下三个工人,嘴唇发紫叫不醒,老板不让打急救电话", "poisoning"),
    ("孩子误喝了工地上矿泉水瓶装的农药,现在口吐白沫,路被挖断救护车进不来", "poisoning"),
    ("今早自来水放出来是黑的,有股柴油味,全村人还在用它煮饭", "fouled_water"),
    ("屋后山上的土一直在往下掉,院墙已经推倒了,我们一家五口还在屋里", "collapse"),
    ("桥面中间沉下去一大截,桥墩歪了,大货车和校车还在上面过", "collapse"),
    ("半边房子刚塌了,剩下那半边也在往外倒,老人腿脚不便还没出来", "collapse"),
    ("电梯停在九楼半,里面关着孕妇和两个小孩,物业电话没人接,快一个小时了", "trapped"),
    ("厂里宿舍夜里把大门和安全出口都用铁链锁死,里面睡着八十多个女工", "trapped"),
    ("挖沟的时候土方垮下来,有两个人埋在下面,只听见微弱的喊声", "trapped"),
    ("涨水了,我们七个人困在河中间的沙洲上,水还在往上涨", "trapped"),
    ("儿子八岁,放学到现在没回家,老师也说没看见,已经找了五个小时了", "child"),
    ("药我买好了,今晚孩子睡着我就喝下去,麻烦你们以后照看她", "self_harm"),
]

NO_DANGERS = [
    "燃气公司上门检测过了,未发现泄漏,只是想问检测报告去哪里拿",
    "昨天闻到的味道经消防确认不是煤气,没有泄漏,是下水道返味,请物业清理",
    "食堂的饭确实难吃,好在没有学生中毒,也没有人不舒服,就是想换一家供应商",
    "化验结果出来了,不是食物中毒,孩子只是普通感冒,现要求学校退还当月伙食费",
    "水质检测各项都合格,没有受到污染,只是水压偏低,高层洗澡不方便",
    "大前年井水被化肥厂弄脏过,后来通了自来水,老井早封了,补偿款一直没结清",
    "鉴定说房屋结构安全,没有倒塌危险,但墙皮脱落难看,希望开发商重新粉刷",
    "后山边坡做过排查,未发现滑动迹象,只是排水沟堵了,请安排人清一清",
    "电梯昨天停了几分钟,没有人被困,请问维保单位多久检修一次",
    "学校消防通道都是开着的,并未上锁,只是指示牌不亮,建议更换",
    "两个孩子闹了点别扭,谁也没有受伤,老师却要我们写检讨,觉得处理不公",
    "孩子没走丢,已经在奶奶家了,只是对学校放学不点名这事提个意见",
    "请放心,我没有轻生的念头,只是想把房产证办下来,已经跑了三趟了",
    "孩子做了心理测评,没有自杀倾向,想问学校测评结果会不会放进档案",
    "双方只是吵了几句,没有动手,也没人带刀,希望社区帮忙调解一下停车位",
    "经查老师并未殴打学生,是误会一场,家长要求在群里澄清",
    "我家不在拆迁范围内,也没有人来强拆,只想问这片规划什么时候公布",
    "村里并没有要推坟,是大家传错了,请问公墓墓位多少钱一个",
    "电工来测过,灯杆不带电,没有触电风险,只是灯泡坏了麻烦换一个",
    "井盖有点响,但没有松动,也没人掉下去受伤,晚上车过有点吵",
    "停电那天备用电源够用,呼吸机没有断电,老人也没事,特来感谢电工师傅",
    "我妹妹药没有停,情绪也稳定,只是想换个近一点的医院领免费药",
]


def fired(text: str, title: str = "") -> set[str]:
    """Ids of the rules that fire."""
    return {one.rule.id for one in find_hazards(Prepared([Complaint(title, text)]))[0]}


@pytest.mark.parametrize(("text", "rule"), DANGERS)
def test_present_dangers_fire(text: str, rule: str) -> None:
    """Whatever the tone."""
    assert rule in fired(text)


@pytest.mark.parametrize("text", NO_DANGERS)
def test_what_is_no_present_danger_does_not(text: str) -> None:
    """Negated, past, hypothetical, asked about, or a figure of speech."""
    assert fired(text) == set()


@pytest.mark.parametrize(("text", "rule"), DANGERS[:4])
def test_form_changes_nothing(text: str, rule: str) -> None:
    """In the title, in full width, between other sentences, with a number to call."""
    assert rule in fired("请速来", title=text)
    assert rule in fired(text.translate({i: i + 0xFEE0 for i in range(0x21, 0x7F)}))
    assert rule in fired("您好，我是本村村民。" + text + "。我的电话13800001234")


def test_a_rule_raises_a_level_and_is_shown(classifier: Classifier) -> None:
    """The level is the rule's at least, the reason names it and quotes the complaint."""
    complaint = Complaint("", DANGERS[0][0])
    suggestion = classifier.suggest(complaint)
    assert suggestion.urgency
    assert suggestion.urgency.level == classifier.taxonomy.urgencies[-1]
    shown = [reason for reason in suggestion.reasons if reason.rule]
    assert shown
    assert all(complaint.text[reason.start : reason.end] == reason.text for reason in shown)
    assert "gravest" in {cause.code for cause in suggestion.review_causes}


def test_every_rule_names_a_level_and_its_source() -> None:
    """The levels are the default taxonomy's; ids are unique."""
    levels = {level.id for level in Taxonomy.read().urgencies}
    assert {rule.level for rule in rules()} <= levels
    assert len({rule.id for rule in rules()}) == len(rules())
    assert all(rule.source and rule.name for rule in rules())


@pytest.mark.parametrize(
    ("rule", "pattern"),
    [pytest.param(one, p, id=f"{one.id}{i}") for one in rules() for i, p in enumerate(one.patterns)],
)
@given(data=st.data())
@settings(max_examples=60)
def test_needed_words_hide_no_match(rule: Rule, pattern: re.Pattern[str], data: st.DataObject) -> None:
    """The cheap first look never skips a text that a pattern matches."""
    matched = data.draw(st.from_regex(pattern, fullmatch=True).filter(lambda text: SEPARATOR not in text))
    found = _lexicon().find(points_of(matched), offsets_of([matched]))
    assert rule in _chosen(int(found[0]))
