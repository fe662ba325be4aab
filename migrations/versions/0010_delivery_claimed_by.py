"""deliveries: the job whose try is under way

A delivery that waits has none. Nothing is rewritten.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010_delivery_claimed_by"
down_revision = "0009_idempotency_keys"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("delivery", sa.Column("claimed_by", sa.String(), nullable=True))


def downgrade() -> None:
    op.execute("UPDATE delivery SET state = 'waiting' WHERE state = 'trying'")
    op.drop_column("delivery", "claimed_by")
