"""the console: what each person of the staff has read of a case, and their drafts

One new table; nothing is rewritten. What was open before counts as unread.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015_console"
down_revision = "0014_staff_accounts"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "staff_case",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("read_at", MOMENT, nullable=False),
        sa.Column("sealed_draft", sa.LargeBinary(), nullable=True),
        sa.Column("draft_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_staff_case_person_id"),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name="fk_staff_case_case_id"),
        sa.PrimaryKeyConstraint("id", name="pk_staff_case"),
        sa.UniqueConstraint("person_id", "case_id", name="uq_staff_case_person_id_case_id"),
    )
    op.create_index("ix_staff_case_case_id", "staff_case", ["case_id"])


def downgrade() -> None:
    op.drop_table("staff_case")
