"""tokens: kind, destination, scopes and expiry stand in the token

A token in force keeps what it could do, for the destination of its name in the program file. One
whose name is no destination has none, and opens nothing until there is a new one.
"""

import sqlalchemy as sa
from alembic import op
from flask import current_app

revision = "0007_token_scopes"
down_revision = "0006_keys"
branch_labels = None
depends_on = None

ALL = "read act transcript converse"
KINDS = {"page": "browser", "browser": "browser", "console": "console"}
token = sa.table(
    "token",
    *(sa.column(name) for name in ("name", "kind", "destination", "scopes")),
    sa.column("expires_at", sa.DateTime(timezone=True)),
    sa.column("revoked_at", sa.DateTime(timezone=True)),
)


def upgrade() -> None:
    op.add_column("token", sa.Column("kind", sa.String(), server_default="api", nullable=False))
    op.add_column("token", sa.Column("destination", sa.String(), nullable=True))
    op.add_column(
        "token", sa.Column("scopes", sa.String(), server_default=sa.text("''"), nullable=False)
    )
    op.add_column("token", sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True))
    conn = op.get_bind()
    conn.execute(sa.update(token).values(scopes=ALL))
    for destination in current_app.extensions["caller_parts"].program.destinations:
        kind = KINDS.get(destination.kind, "api")
        conn.execute(
            sa.update(token)
            .where(token.c.name == destination.name)
            .values(
                kind=kind,
                destination=destination.name,
                scopes="read" if kind == "browser" else ALL,
            )
        )


def downgrade() -> None:
    """The release before knows names alone: what it would let do more than here is revoked."""
    less = (
        (token.c.name != token.c.destination)
        | (token.c.expires_at.is_not(None))
        | ((token.c.kind != "browser") & (token.c.scopes != ALL))
    )
    op.get_bind().execute(
        sa.update(token)
        .where(token.c.destination.is_not(None), token.c.revoked_at.is_(None), less)
        .values(revoked_at=sa.func.current_timestamp())
    )
    for name in ("expires_at", "scopes", "destination", "kind"):
        op.drop_column("token", name)
