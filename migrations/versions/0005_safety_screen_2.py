"""safety screen 2: parked cases, care notes, slowed numbers, and when a receipt came

One phone may have a case that is parked, because somebody else holds the phone now, beside the one
that is open. Columns begin empty or false on the server, so that nothing is rewritten.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005_safety_screen_2"
down_revision = "0004_test_cases"
branch_labels = None
depends_on = None

OPEN = sa.text("closed_at IS NULL")
OPEN_ACTIVE = sa.text("closed_at IS NULL AND NOT parked")
DANGER = sa.text("closed_at IS NULL AND level IN ('R1', 'R2')")


def upgrade() -> None:
    op.add_column(
        "case", sa.Column("parked", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.drop_index("uq_case_open_contact", "case")
    op.create_index(
        "uq_case_open_contact",
        "case",
        ["contact_id"],
        unique=True,
        sqlite_where=OPEN_ACTIVE,
        postgresql_where=OPEN_ACTIVE,
    )
    op.create_index("ix_case_danger", "case", ["id"], sqlite_where=DANGER, postgresql_where=DANGER)
    op.add_column("contact", sa.Column("sealed_care_note", sa.LargeBinary(), nullable=True))
    op.add_column("contact", sa.Column("care_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("contact", sa.Column("slowed_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("message", sa.Column("state_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("message", "state_at")
    op.drop_column("contact", "slowed_until")
    op.drop_column("contact", "care_until")
    op.drop_column("contact", "sealed_care_note")
    op.drop_index("ix_case_danger", "case")
    op.drop_index("uq_case_open_contact", "case")
    op.create_index(
        "uq_case_open_contact",
        "case",
        ["contact_id"],
        unique=True,
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )
    op.drop_column("case", "parked")
