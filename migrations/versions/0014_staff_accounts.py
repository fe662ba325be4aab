"""accounts of the staff: second factor, PIN, one-time links, sessions

Nobody could sign in before. What a person's row held as a password stays; whoever has one from the
first release is given a one-time link (`person reset`).
"""

import sqlalchemy as sa
from alembic import op

revision = "0014_staff_accounts"
down_revision = "0013_web"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
PERSON = sa.table("person", sa.column("id"), sa.column("name"), sa.column("name_key"))


def upgrade() -> None:
    with op.batch_alter_table("person") as batch:
        batch.alter_column("password", existing_type=sa.String(), nullable=True)
        batch.add_column(sa.Column("name_key", sa.String(), nullable=True))
        batch.add_column(sa.Column("pin", sa.String(), nullable=True))
        batch.add_column(sa.Column("sealed_totp", sa.LargeBinary(), nullable=True))
        batch.add_column(sa.Column("sealed_new_totp", sa.LargeBinary(), nullable=True))
        for name, kind, value in (
            ("totp_counter", sa.Integer(), sa.text("0")),
            ("theme", sa.String(), sa.text("''")),
            ("single_keys", sa.Boolean(), sa.true()),
            ("rehearsal", sa.Boolean(), sa.false()),
        ):
            batch.add_column(sa.Column(name, kind, nullable=False, server_default=value))
    _name_keys()
    with op.batch_alter_table("person") as batch:
        batch.alter_column("name_key", existing_type=sa.String(), nullable=False)
        batch.create_unique_constraint("uq_person_name_key", ["name_key"])
        for name, kind in (
            ("totp_counter", sa.Integer()),
            ("theme", sa.String()),
            ("single_keys", sa.Boolean()),
            ("rehearsal", sa.Boolean()),
        ):
            batch.alter_column(name, existing_type=kind, server_default=None)
    op.create_table(
        "recovery_code",
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_recovery_code_person_id"),
        sa.PrimaryKeyConstraint("hash", name="pk_recovery_code"),
    )
    op.create_index("ix_recovery_code_person_id", "recovery_code", ["person_id"])
    op.create_table(
        "person_link",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_person_link_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_person_link"),
        sa.UniqueConstraint("hash", name="uq_person_link_hash"),
    )
    op.create_index("ix_person_link_person_id", "person_link", ["person_id"])
    op.create_table(
        "staff_session",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("browser", sa.String(), nullable=False),
        sa.Column("source_index", sa.LargeBinary(32), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("ends_at", MOMENT, nullable=False),
        sa.Column("factor_at", MOMENT, nullable=True),
        sa.Column("stepped_up_at", MOMENT, nullable=True),
        sa.Column("locked_at", MOMENT, nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("ended_because", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_staff_session_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_staff_session"),
        sa.UniqueConstraint("hash", name="uq_staff_session_hash"),
    )
    op.create_index("ix_staff_session_person_id_made_at", "staff_session", ["person_id", "made_at"])


def _name_keys() -> None:
    """As store/people.py compares names. Of two that are alike the second is told apart by its
    id."""
    conn, taken = op.get_bind(), set()
    for row in conn.execute(sa.select(PERSON).order_by(PERSON.c.id)).all():
        key = " ".join(row.name.split()).casefold()
        key = f"{key} {row.id}" if key in taken else key
        taken.add(key)
        conn.execute(sa.update(PERSON).where(PERSON.c.id == row.id).values(name_key=key))


def downgrade() -> None:
    op.drop_table("staff_session")
    op.drop_table("person_link")
    op.drop_table("recovery_code")
    people = sa.table("person", sa.column("password"))
    nobodys = people.c.password.is_(None)  # nobody could sign in
    op.execute(sa.update(people).where(nobodys).values(password=""))
    with op.batch_alter_table("person") as batch:
        batch.drop_constraint("uq_person_name_key", type_="unique")
        for name in (
            "name_key", "pin", "sealed_totp", "sealed_new_totp", "totp_counter", "theme",
            "single_keys", "rehearsal",
        ):  # fmt: skip
            batch.drop_column(name)
        batch.alter_column("password", existing_type=sa.String(), nullable=False)
