"""test cases: the mark of the synthetic resident's, pages held back for them, and the probe's last
results

Every case and page that is there is a resident's: the marks begin as false, on the server, so that
nothing is rewritten.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004_test_cases"
down_revision = "0003_calls"
branch_labels = None
depends_on = None

TESTS = sa.text("test")


def upgrade() -> None:
    op.add_column(
        "case", sa.Column("test", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.create_index("ix_case_test", "case", ["id"], sqlite_where=TESTS, postgresql_where=TESTS)
    op.add_column(
        "page", sa.Column("held", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.create_table(
        "probe_result",
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("conversation", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fault", sa.String(), nullable=False),
        sa.Column("turns", sa.Integer(), nullable=False),
        sa.Column("slowest", sa.Double(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("queued", sa.Double(), nullable=True),
        sa.Column("paged", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint(
            "channel", "language", "conversation", name=op.f("pk_probe_result")
        ),
    )


def downgrade() -> None:
    op.drop_table("probe_result")
    op.drop_column("page", "held")
    op.drop_index("ix_case_test", "case")
    op.drop_column("case", "test")
