"""calls: who is rung for which case, and how far each call has come

Two rows that ring one number at once are refused by the database.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003_calls"
down_revision = "0002_leaner_turn"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
PARTIAL = {
    "uq_call_provider_id": ("provider_id", "provider_id IS NOT NULL"),
    "uq_call_text_id": ("text_id", "text_id IS NOT NULL"),
    "uq_call_number_index": (
        "number_index",
        "state IN ('trying', 'queued', 'initiated', 'ringing', 'in-progress')",
    ),
    "ix_call_next_at": ("next_at", "next_at IS NOT NULL"),
}


def upgrade() -> None:
    op.create_table(
        "call",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("page_id", sa.String(), nullable=True),
        sa.Column("text_id", sa.String(), nullable=True),
        sa.Column("person", sa.String(), nullable=True),
        sa.Column("number_index", sa.LargeBinary(32), nullable=False),
        sa.Column("provider_id", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("over", sa.Boolean(), nullable=False),
        sa.Column("machine", sa.Boolean(), nullable=False),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("tried_at", MOMENT, nullable=True),
        sa.Column("next_at", MOMENT, nullable=True),
        sa.Column("claimed_by", sa.String(), nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name="fk_call_case_id"),
        sa.ForeignKeyConstraint(["page_id"], ["page.id"], name="fk_call_page_id"),
        sa.ForeignKeyConstraint(["text_id"], ["message.id"], name="fk_call_text_id"),
        sa.PrimaryKeyConstraint("id", name="pk_call"),
    )
    op.create_index("ix_call_case_id", "call", ["case_id"])
    for name, (column, where) in PARTIAL.items():
        held = sa.text(where)
        op.create_index(
            name,
            "call",
            [column],
            unique=name.startswith("uq"),
            sqlite_where=held,
            postgresql_where=held,
        )


def downgrade() -> None:
    op.drop_table("call")
