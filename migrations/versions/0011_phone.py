"""calls of residents: their legs, who spoke with them, and callbacks that were promised

Three new tables; nothing is rewritten. A call may now be to somebody on a ladder about a callback.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011_phone"
down_revision = "0010_delivery_claimed_by"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "callback",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("booked_by", sa.String(), nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("until_at", MOMENT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("most", sa.Integer(), nullable=False),
        sa.Column("spacing", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=True),
        sa.Column("tried", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.String(), nullable=True),
        sa.Column("resident_call_id", sa.String(), nullable=True),
        sa.Column("sealed_name", sa.LargeBinary(), nullable=True),
        sa.Column("next_at", MOMENT, nullable=True),
        sa.Column("talked_until", MOMENT, nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name="fk_callback_case_id"),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name="fk_callback_call_id"),
        sa.ForeignKeyConstraint(
            ["resident_call_id"], ["call.id"], name="fk_callback_resident_call_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_callback"),
    )
    op.create_index("ix_callback_case_id", "callback", ["case_id"])
    _partial("ix_callback_next_at", "callback")
    op.create_table(
        "leg",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("callback_id", sa.String(), nullable=True),
        sa.Column("provider_id", sa.String(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("sealed_state", sa.LargeBinary(), nullable=True),
        sa.Column("our_number", sa.String(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("next_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name="fk_leg_case_id"),
        sa.ForeignKeyConstraint(["callback_id"], ["callback.id"], name="fk_leg_callback_id"),
        sa.PrimaryKeyConstraint("id", name="pk_leg"),
        sa.UniqueConstraint("provider_id", name="uq_leg_provider_id"),
    )
    op.create_index("ix_leg_case_id", "leg", ["case_id"])
    _partial("ix_leg_next_at", "leg")
    op.create_table(
        "talk",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("leg_id", sa.String(), nullable=False),
        sa.Column("call_id", sa.String(), nullable=True),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name="fk_talk_case_id"),
        sa.ForeignKeyConstraint(["leg_id"], ["leg.id"], name="fk_talk_leg_id"),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name="fk_talk_call_id"),
        sa.PrimaryKeyConstraint("id", name="pk_talk"),
    )
    op.create_index("ix_talk_case_id", "talk", ["case_id"])
    op.create_index("ix_talk_leg_id", "talk", ["leg_id"])


def _partial(name: str, table: str) -> None:
    where = sa.text("next_at IS NOT NULL")
    op.create_index(name, table, ["next_at"], sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    op.drop_table("talk")
    op.drop_table("leg")
    op.drop_table("callback")
