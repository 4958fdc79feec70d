"""What was decided can be withdrawn, and the queue is listed and counted in more ways."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_WITHDRAWN = ("decisions", "hand_backs", "outcomes")
_OF_A_BATCH = sa.text("batch IS NOT NULL")
_CONFIDENCE = """
    UPDATE cases SET confidence = (SELECT department_confidence FROM suggestions WHERE suggestions.id = suggestion_id)
    WHERE suggestion_id IS NOT NULL AND NOT (blind AND department IS NULL)
"""


def upgrade() -> None:
    """Add withdrawals, append-only as the rest of history, the reader's mark, and what the queue sorts and counts by."""
    for table in _WITHDRAWN:
        op.add_column(table, sa.Column("before", sa.JSON(none_as_null=True), nullable=True))
    op.add_column("decisions", sa.Column("batch", sa.String(length=64), nullable=True))
    op.create_index(
        "ix_decisions_batch", "decisions", ["batch"], sqlite_where=_OF_A_BATCH, postgresql_where=_OF_A_BATCH
    )
    op.create_table(
        "withdrawals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.Column("made_by", sa.String(length=200), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("decision_id", sa.Integer(), nullable=True),
        sa.Column("hand_back_id", sa.Integer(), nullable=True),
        sa.Column("outcome_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_withdrawals_case_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_withdrawals_user_id")),
        sa.ForeignKeyConstraint(["decision_id"], ["decisions.id"], name=op.f("fk_withdrawals_decision_id")),
        sa.ForeignKeyConstraint(["hand_back_id"], ["hand_backs.id"], name=op.f("fk_withdrawals_hand_back_id")),
        sa.ForeignKeyConstraint(["outcome_id"], ["outcomes.id"], name=op.f("fk_withdrawals_outcome_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_withdrawals")),
        sa.UniqueConstraint("decision_id", name=op.f("uq_withdrawals_decision_id")),
        sa.UniqueConstraint("hand_back_id", name=op.f("uq_withdrawals_hand_back_id")),
        sa.UniqueConstraint("outcome_id", name=op.f("uq_withdrawals_outcome_id")),
    )
    op.create_index(op.f("ix_withdrawals_case_id"), "withdrawals", ["case_id"], unique=False)
    _refuse_changes("withdrawals")
    op.add_column("users", sa.Column("queue_seen_at", sa.DateTime(), nullable=True))
    op.add_column("cases", sa.Column("confidence", sa.Double(), nullable=False, server_default="0"))
    op.execute(_CONFIDENCE)
    op.create_index("ix_cases_unsure", "cases", ["status", "confidence", "id"], unique=False)
    op.create_index("ix_cases_received", "cases", ["status", "received_at", "id"], unique=False)
    counted_by = ["status", "department", "urgency", "certain", "due_at", "channel", "place", "received_at"]
    op.create_index("ix_cases_counts", "cases", counted_by, unique=False)


def _refuse_changes(table: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        return
    op.execute(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "EXECUTE FUNCTION refuse_change()"
    )
