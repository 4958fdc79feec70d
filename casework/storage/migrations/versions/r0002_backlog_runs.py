"""Campaigns that change many cases at once, and where each case stood before."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_OF_A_RUN = sa.text("run_id IS NOT NULL")


def upgrade() -> None:
    """Add runs, and to suggestions what ties them to one; no row is rewritten."""
    op.create_table(
        "backlog_runs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("applied_by", sa.String(length=200), nullable=False),
        sa.Column("applied_at", sa.DateTime(), nullable=False),
        sa.Column("undone_by", sa.String(length=200), nullable=True),
        sa.Column("undone_at", sa.DateTime(), nullable=True),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("restored", sa.Integer(), nullable=False),
        sa.Column("left", sa.JSON(none_as_null=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_backlog_runs")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_backlog_runs_fingerprint")),
    )
    run_id = sa.Column(
        "run_id", sa.Integer(), sa.ForeignKey("backlog_runs.id", name=op.f("fk_suggestions_run_id")), nullable=True
    )
    # In the column's own definition, as SQLite adds no constraint to a table it has.
    op.add_column("suggestions", run_id, inline_references=True)
    op.add_column("suggestions", sa.Column("before", sa.JSON(none_as_null=True), nullable=True))
    op.drop_index("ix_suggestions_watch", "suggestions")
    op.create_index(
        "ix_suggestions_watch",
        "suggestions",
        ["made_at", "department", "needs_review", "known_share", "run_id"],
        unique=False,
    )
    op.create_index(
        "ux_suggestions_run",
        "suggestions",
        ["run_id", "case_id"],
        unique=True,
        sqlite_where=_OF_A_RUN,
        postgresql_where=_OF_A_RUN,
    )
