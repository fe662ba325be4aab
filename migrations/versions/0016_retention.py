"""retention: when something of an ended case is erased next

One new column. What has ended before is due at once: the worker looks at it, and erases what is
over its time or notes when that will be.
"""

import sqlalchemy as sa
from alembic import op

revision = "0016_retention"
down_revision = "0015_console"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("case", sa.Column("erase_at", sa.DateTime(timezone=True), nullable=True))
    op.execute('UPDATE "case" SET erase_at = closed_at WHERE closed_at IS NOT NULL')
    some = sa.text("erase_at IS NOT NULL")
    op.create_index(
        "ix_case_erase_at", "case", ["erase_at"], sqlite_where=some, postgresql_where=some
    )


def downgrade() -> None:
    op.drop_index("ix_case_erase_at", "case")
    op.drop_column("case", "erase_at")
