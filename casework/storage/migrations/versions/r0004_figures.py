"""Figures count what came in and what came due by department, channel and urgency without reading the cases."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the two indexes that hold all that is counted; no row is rewritten."""
    parts = ["department", "urgency", "channel"]
    op.create_index("ix_cases_figures_received", "cases", ["received_at", *parts], unique=False)
    op.create_index("ix_cases_figures_due", "cases", ["due_at", "closed_at", *parts], unique=False)
