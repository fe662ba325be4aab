"""keys: under which index key a number stands, and which keys rows may need

The key of the rows that are there is not known: it stays empty until the row is rewritten. Columns
begin empty, so that nothing is rewritten here. `caller-service migrate` then notes the keys.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006_keys"
down_revision = "0005_safety_screen_2"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("contact", sa.Column("index_key", sa.String(), nullable=True))
    op.add_column("call", sa.Column("index_key", sa.String(), nullable=True))
    op.create_table(
        "sealing_key",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("proof", sa.LargeBinary(), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("kind", "id", name=op.f("pk_sealing_key")),
    )


def downgrade() -> None:
    op.drop_table("sealing_key")
    op.drop_column("call", "index_key")
    op.drop_column("contact", "index_key")
