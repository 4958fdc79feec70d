"""The tables of the case register."""

from __future__ import annotations

from casework.storage.tables.accounts import SignIn, Token, User, WrongPassword
from casework.storage.tables.base import Base, UTCDateTime
from casework.storage.tables.cases import (
    Case,
    Decision,
    HandBack,
    LabelCheck,
    Outcome,
    SuggestionMade,
    Withdrawal,
    registered_number,
)
from casework.storage.tables.office import AuditEntry, DeadlineRule, Holiday, Job, Setting
from casework.storage.tables.runs import BacklogRun

__all__ = [
    "APPEND_ONLY",
    "AuditEntry",
    "BacklogRun",
    "Base",
    "Case",
    "DeadlineRule",
    "Decision",
    "HandBack",
    "Holiday",
    "Job",
    "LabelCheck",
    "Outcome",
    "Setting",
    "SignIn",
    "SuggestionMade",
    "Token",
    "UTCDateTime",
    "User",
    "Withdrawal",
    "WrongPassword",
    "registered_number",
]

APPEND_ONLY = ("audit", "suggestions", "decisions", "hand_backs", "outcomes", "withdrawals")
"""Tables whose rows the database refuses to change or delete."""
