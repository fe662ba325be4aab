"""retention: texts whose words are erased, and whose copy at the provider is to be

Two new columns, and an index of texts that belong to no request. Texts of requests whose words were
erased before are redacted at the provider now.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017_provider_copies"
down_revision = "0016_retention"
branch_labels = None
depends_on = None

_message = sa.table(
    "message",
    *(sa.column(name) for name in ("case_id", "provider", "provider_id")),
    sa.column("erased_at", sa.DateTime(timezone=True)),
    sa.column("redact_at", sa.DateTime(timezone=True)),
)
_case = sa.table("case", sa.column("id"), sa.column("state", sa.JSON()))


def upgrade() -> None:
    for name in ("erased_at", "redact_at"):
        op.add_column("message", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    erased = sa.select(_case.c.id).where(_case.c.state["marks"]["erased"].as_string().is_not(None))
    now = sa.func.current_timestamp()
    mine = sa.update(_message).where(_message.c.case_id.in_(erased))
    op.execute(mine.values(erased_at=now))
    sent = (_message.c.provider == "twilio", _message.c.provider_id.is_not(None))
    op.execute(mine.where(*sent).values(redact_at=now))
    some = sa.text("redact_at IS NOT NULL")
    op.create_index(
        "ix_message_redact_at", "message", ["redact_at"], sqlite_where=some, postgresql_where=some
    )
    alone = sa.text("case_id IS NULL AND erased_at IS NULL")
    op.create_index(
        "ix_message_no_request", "message", ["at"], sqlite_where=alone, postgresql_where=alone
    )


def downgrade() -> None:
    op.drop_index("ix_message_no_request", "message")
    op.drop_index("ix_message_redact_at", "message")
    for name in ("redact_at", "erased_at"):
        op.drop_column("message", name)
