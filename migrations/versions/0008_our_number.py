"""contacts: the number of ours that somebody wrote to last

Whoever wrote before this release has none and is answered from the first, as they were. The column
begins empty on the server, so that nothing is rewritten.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008_our_number"
down_revision = "0007_token_scopes"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "contact",
        sa.Column("our_number", sa.String(), server_default=sa.text("''"), nullable=False),
    )


def downgrade() -> None:
    op.drop_column("contact", "our_number")
