"""failures to sign in, counted over all processes

Counted anew: until this release each process counted in its memory.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012_failures"
down_revision = "0011_phone"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "failure",
        sa.Column("key_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("failures", sa.Double(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key_hash", name="pk_failure"),
    )
    op.create_index("ix_failure_at", "failure", ["at"])


def downgrade() -> None:
    op.drop_table("failure")
