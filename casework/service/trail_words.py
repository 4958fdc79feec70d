"""Says what stands in the audit trail in the words of the trade."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from casework.service.desk import STATUS_NAMES
from casework.service.permissions import NAMES, ROLE_NAMES, Permission
from casework.storage.tables import AuditEntry
from classifier.taxonomy import Taxonomy

ACTIONS = {
    "case.registered": "登记",
    "case.imported": "导入办结件",
    "case.suggested": "重新给出建议",
    "case.suggestion_undone": "撤回批量建议",
    "case.decided": "分办",
    "case.handed_back": "退回",
    "case.closed": "办结",
    "case.withdrawn": "撤回",
    "original.read": "查看原文",
    "label.checked": "核对疑似错分",
    "label.reopened": "撤销核对",
    "upload.added": "上传积案文件",
    "upload.downloaded": "下载积案文件",
    "upload.deleted": "删除积案文件",
    "upload.expired": "积案文件到期删除",
    "backlog.applying": "批量更新开始",
    "backlog.applied": "批量更新完成",
    "backlog.undoing": "批量更新开始撤回",
    "backlog.undone": "批量更新已撤回",
    "model.trained": "训练出新模型并启用",
    "model.rejected": "训练出新模型，未启用",
    "model.promoted": "启用模型",
    "model.rolled_back": "退回上一个模型",
    "model.found": "发现模型已更换",
    "job.requested": "提交后台任务",
    "job.stopped": "停止后台任务",
    "labels.set": "设置部门和紧急程度",
    "deadline.set": "设置时限",
    "deadline.removed": "删去时限",
    "holidays.set": "设置节假日",
    "holidays.removed": "删去节假日",
    "user.added": "新建账号",
    "user.role": "改角色或部门",
    "user.active": "停用或启用账号",
    "user.password": "重设密码",
    "user.sessions_ended": "结束登录",
    "user.signed_in": "登录",
    "user.signed_out": "退出登录",
    "token.created": "新建令牌",
    "token.revoked": "撤销令牌",
}
"""What each action is called; one that is missing here is shown by its id."""

_FIELDS = {
    "department": "部门",
    "assist": "协办",
    "urgency": "紧急程度",
    "due_at": "办理期限",
    "status": "状态",
    "reason": "理由",
    "note": "备注",
    "reference": "来文编号",
    "channel": "渠道",
    "place": "地点",
    "name": "名称",
    "contact": "联系人",
    "phone": "电话",
    "hours": "小时",
    "working_days": "只算工作日",
    "working": "上班",
    "role": "角色",
    "active": "启用",
    "one_time": "一次性密码",
    "scopes": "权限",
    "expires_at": "有效至",
    "user": "账号",
    "version": "版本",
    "why": "理由",
    "reasons": "理由",
    "closed_at": "办结时间",
    "run": "批次",
    "kind": "种类",
    "answer": "答复",
}


_KINDS = {
    "case": "诉求件",
    "user": "账号",
    "token": "令牌",
    "model": "模型",
    "job": "后台任务",
    "backlog": "批量更新",
    "labels": "部门与紧急程度",
    "holidays": "节假日",
    "deadline": "时限",
}
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:")
_HIDDEN = frozenset({"certain"})
"""What orders the queue, and tells nobody anything."""


@dataclass(frozen=True)
class Change:
    """One value before and after, in words; empty where there was or is none."""

    field: str
    old: str
    new: str

    @property
    def in_words(self) -> str:
        """Both in a line."""
        if not self.old:
            return f"{self.field}：{self.new}"
        return f"{self.field}：{self.old} → {self.new or '（删去）'}"


@dataclass(frozen=True)
class Wording:
    """Tells entries to an office: what ids are called there, and in which zone its clocks are."""

    names: Mapping[str, str]
    zone: ZoneInfo

    @classmethod
    def of(cls, taxonomy: Taxonomy, zone: ZoneInfo) -> Wording:
        """With the names of departments, levels, roles, scopes and states of cases."""
        scopes = {one.value: NAMES[one] for one in Permission}
        return cls(taxonomy.names | ROLE_NAMES | STATUS_NAMES | scopes, zone)

    def subject(self, entry: AuditEntry) -> str:
        """What was changed."""
        kind, _, which = entry.subject.partition(" ")
        if kind == "deadline":
            channel, department, urgency = which.rsplit("/", 2)
            any_of = {"*": "任何"}
            which = "、".join(any_of.get(one) or self.names.get(one, one) for one in (channel, department, urgency))
        return f"{_KINDS.get(kind, kind)} {which.removeprefix('run ')}".strip()

    def changes(self, entry: AuditEntry) -> list[Change]:
        """What an entry changed, value by value."""
        old, new = entry.old or {}, entry.new or {}
        changed = [key for key in {**old, **new} if old.get(key) != new.get(key) and key not in _HIDDEN]
        return [Change(self._field(key), self._words(old.get(key)), self._words(new.get(key))) for key in changed]

    def _field(self, key: str) -> str:
        return _FIELDS.get(key) or self.names.get(key, key)

    def _words(self, value: Any) -> str:
        if isinstance(value, bool):
            return "是" if value else "否"
        if isinstance(value, str):
            return self._moment(value) if _MOMENT.match(value) else self.names.get(value, value)
        if isinstance(value, list):
            return "、".join(map(self._words, value))
        if isinstance(value, dict):
            if "working" in value:  # a day
                return f"{'上班' if value['working'] else '放假'} {value.get('name', '')}".strip()
            parts = [f"{self._field(key)} {told}" for key, one in value.items() if (told := self._words(one))]
            return "，".join(parts)
        return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)

    def _moment(self, value: str) -> str:
        return f"{datetime.fromisoformat(value).astimezone(self.zone):%Y-%m-%d %H:%M}"
