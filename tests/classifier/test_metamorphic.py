"""What must change no suggestion: the writer's mood, standing and petitions, and the form of the text."""

from __future__ import annotations

import pytest

from classifier.model.classifier import Classifier
from classifier.records import Complaint, Suggestion

COMPLAINTS = [
    Complaint(
        "反映石料厂粉尘", "村口石料厂没有除尘设备，白天晚上都在打砂，院里晒的被子一层灰，我娘咳了半个月。请派人来看看。"
    ),
    Complaint("", "学校后门那段围墙裂了一指宽，孩子们每天贴着墙根排队，昨天又往外歪了一些。"),
    Complaint("咨询宅基地", "我家老宅基地还有一张八几年的证，现在想翻建，村里说要先报批，请问去哪里办，要带什么。"),
    Complaint("", "轮椅上不去社区门口的台阶，去年说装坡道，现在还是三级台阶，每次都要叫保安抬。"),
    Complaint("公交改线", "12路改线以后我们小区到医院要转两趟车，能不能恢复原来的站点。"),
    Complaint("", "楼下夜宵摊的排烟管正对着我家窗户，屋里全是油味，小孩夜里呛醒，已经一个月没睡好。"),
]

ADDED = {
    "anger": ["真是气死人了！", "还有没有王法，天理何在！！", "我们实在忍无可忍，太让人寒心了。", "简直无法无天，岂有此理！", "你们就是不作为，踢皮球，可笑！"],
    "plea": ["求求各位领导救救我们老百姓吧。", "跪求青天大老爷为民做主！", "恳求领导帮帮我们，感激不尽。", "我们实在走投无路，叫天天不应，叫地地不灵。", "万分火急，盼复！"],
    "petition": ["你们再不解决我就去北京上访！", "要是没有人管，我们就集体去省里上访，拉横幅。", "再不处理就找媒体曝光。", "不给说法我们全村联名告到中央！"],
    "repeated": ["我已经上访十几次了，一直没有人管。", "我们多次向有关部门反映，至今没有结果。", "打热线投诉三次，都没有回音。", "这是我第5次写信。"],
    "person": ["我今年七十八岁了。", "本人今年63岁，年迈多病。", "我叫王小明，电话13800001234。", "联系人：李建国，身份证号110101199001010015。"],
}  # fmt: skip


def answer(suggestion: Suggestion) -> tuple[object, ...]:
    """Departments, assist, level and all probabilities of a suggestion."""
    urgency = suggestion.urgency
    return (
        [(one.department.id, round(one.confidence, 9)) for one in suggestion.candidates],
        suggestion.assist and suggestion.assist.department.id,
        urgency and (urgency.level.id, round(urgency.confidence, 9)),
    )


@pytest.mark.parametrize("kind", ADDED)
def test_mood_and_person_change_nothing(classifier: Classifier, kind: str) -> None:
    """Anger, pleas, threats to petition, many petitions, names, ages and numbers: the answer stays as it was."""
    plain = [answer(one) for one in classifier.suggest_many(COMPLAINTS)]
    for sentence in ADDED[kind]:
        for text in ("{text}{sentence}", "{sentence}{text}", "{text}\n{sentence}\n"):
            changed = [Complaint(one.title, text.format(text=one.text, sentence=sentence)) for one in COMPLAINTS]
            assert [answer(one) for one in classifier.suggest_many(changed)] == plain, sentence


@pytest.mark.parametrize(
    "sentence", ["厂里的废水已经流进我们喝水的井里", "我哥被他们打得头上流血", "明天上午就要推我家的房子"]
)
def test_what_tells_of_the_matter_stays(classifier: Classifier, sentence: str) -> None:
    """A clause that tells what happened is read, however angry the letter around it."""
    changed = [Complaint(one.title, f"{one.text}真是气死人了，{sentence}，求求领导！") for one in COMPLAINTS]
    plain, after = classifier.suggest_many(COMPLAINTS), classifier.suggest_many(changed)
    assert all(answer(a) != answer(b) for a, b in zip(plain, after, strict=True))


@pytest.mark.parametrize("order", ["{a}另外，{b}", "{b}还有一件事，{a}"])
def test_two_matters_give_lead_and_assist(classifier: Classifier, order: str) -> None:
    """A letter with two plain matters names both departments, whichever comes first, and asks to look."""
    a, b = (
        "石料厂的粉尘废水直排河里，臭气熏天，噪声整夜不停，环保局来查过也没有停。",
        "村里征地的补偿款没有发，承包地和宅基地的确权证也没有办，国土所不给登记。",
    )
    suggestion = classifier.suggest(Complaint("", order.format(a=a, b=b)))
    assert suggestion.assist
    assert {suggestion.lead.department.id, suggestion.assist.department.id} == {"environment", "land"}
    assert suggestion.needs_review
    for alone in (a, b):
        assert classifier.suggest(Complaint("", alone)).assist is None
