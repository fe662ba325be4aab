"""private pages: what opens them

One new table; nothing is rewritten. A case says in its state whether it has a private page.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013_web"
down_revision = "0012_failures"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "visit",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("sealed_state", sa.LargeBinary(), nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name="fk_visit_case_id"),
        sa.PrimaryKeyConstraint("id", name="pk_visit"),
        sa.UniqueConstraint("secret_hash", name="uq_visit_secret_hash"),
    )
    op.create_index("ix_visit_case_id", "visit", ["case_id"])
    open_still = sa.text("ended_at IS NULL")
    op.create_index(
        "ix_visit_seen_at",
        "visit",
        ["seen_at"],
        sqlite_where=open_still,
        postgresql_where=open_still,
    )


def downgrade() -> None:
    op.drop_table("visit")
