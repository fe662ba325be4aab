"""retention: answers are erased, too

A request whose words and number were erased before is looked at once more: the next sweep sets when
its answers go.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018_answers"
down_revision = "0017_provider_copies"
branch_labels = None
depends_on = None

_case = sa.table(
    "case",
    sa.column("closed_at", sa.DateTime(timezone=True)),
    sa.column("erase_at", sa.DateTime(timezone=True)),
)


def upgrade() -> None:
    done = (_case.c.closed_at.is_not(None), _case.c.erase_at.is_(None))
    op.execute(sa.update(_case).where(*done).values(erase_at=_case.c.closed_at))


def downgrade() -> None:
    pass  # an older release finds nothing to erase, and looks no more
