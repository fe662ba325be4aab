"""a leaner turn: fewer indexes to write for each text

Which message answers which is found through its case; texts not yet sent, through an index over
those alone; the journal is kept by case. On SQLite both tables are kept in the order of their key.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002_leaner_turn"
down_revision = "0001_first_tables"
branch_labels = None
depends_on = None

UNSENT = sa.text("state IN ('waiting', 'trying')")
GIVEN = sa.text("provider_id IS NOT NULL")


def upgrade() -> None:
    with op.batch_alter_table("message", table_kwargs={"sqlite_with_rowid": False}) as batch:
        batch.drop_index("ix_message_answers")
        batch.drop_index("ix_message_case_id")
        batch.drop_index("ix_message_contact_id")
        batch.drop_constraint("uq_message_provider_provider_id", type_="unique")
        batch.drop_constraint("fk_message_answers", type_="foreignkey")
        batch.drop_constraint("fk_message_contact_id", type_="foreignkey")
    op.create_index(
        "uq_message_provider_provider_id",
        "message",
        ["provider", "provider_id"],
        unique=True,
        sqlite_where=GIVEN,
        postgresql_where=GIVEN,
    )
    op.create_index("ix_message_case_id_answers", "message", ["case_id", "answers"])
    op.create_index(
        "ix_message_contact_id_unsent",
        "message",
        ["contact_id"],
        sqlite_where=UNSENT,
        postgresql_where=UNSENT,
    )
    op.execute("UPDATE journal SET case_id = '' WHERE case_id IS NULL")
    with op.batch_alter_table("journal", table_kwargs={"sqlite_with_rowid": False}) as batch:
        batch.drop_index("ix_journal_case_id")
        batch.alter_column("case_id", existing_type=sa.String(), nullable=False)
        batch.drop_constraint("pk_journal", type_="primary")
        batch.create_primary_key("pk_journal", ["case_id", "id"])


def downgrade() -> None:
    with op.batch_alter_table("journal", table_kwargs={"sqlite_with_rowid": True}) as batch:
        batch.drop_constraint("pk_journal", type_="primary")
        batch.create_primary_key("pk_journal", ["id"])
        batch.alter_column("case_id", existing_type=sa.String(), nullable=True)
        batch.create_index("ix_journal_case_id", ["case_id"])
    op.execute("UPDATE journal SET case_id = NULL WHERE case_id = ''")
    op.drop_index("ix_message_contact_id_unsent", "message")
    op.drop_index("ix_message_case_id_answers", "message")
    op.drop_index("uq_message_provider_provider_id", "message")
    # SQLite fills a table of another name and renames it: a key to itself must follow, or the old
    # table cannot be dropped.
    itself = "_alembic_tmp_message" if op.get_bind().dialect.name == "sqlite" else "message"
    with op.batch_alter_table("message", table_kwargs={"sqlite_with_rowid": True}) as batch:
        batch.create_foreign_key("fk_message_contact_id", "contact", ["contact_id"], ["id"])
        batch.create_foreign_key("fk_message_answers", itself, ["answers"], ["id"])
        batch.create_unique_constraint(
            "uq_message_provider_provider_id", ["provider", "provider_id"]
        )
        batch.create_index("ix_message_contact_id", ["contact_id"])
        batch.create_index("ix_message_case_id", ["case_id"])
        batch.create_index("ix_message_answers", ["answers"])
