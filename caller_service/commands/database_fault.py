"""What is wrong with a database that cannot be used, for whoever has to put it right.

The driver's own text is never shown: it may quote a row, or part of the URL.
"""

from __future__ import annotations

from sqlalchemy.exc import SQLAlchemyError

URL = "CALLER_DATABASE_URL"
MIGRATE = "run caller-service migrate"
_RIGHTS = "database: this user has no rights to its tables; it must own the database"
# What the text of an error holds -> what to say. The first that is found is said.
_SAID = (
    ("password authentication failed", f"{URL}: the server refuses this user and password"),
    ("no password supplied", f"{URL}: the server wants a password"),
    ('role "', f"{URL}: the server has no such user, or does not let it sign in"),
    ('database "', f"{URL}: the server has no such database; create it first"),
    ("pg_hba.conf", f"{URL}: the server's pg_hba.conf does not admit this connection"),
    ("invalid connection option", f"{URL}: what stands after the ? is no option of PostgreSQL"),
    ("invalid uri query", f"{URL}: what stands after the ? is no option of PostgreSQL"),
    ("invalid sslmode", f"{URL}: there is no such sslmode"),
    ("root certificate file", f"{URL}: the certificate that sslmode needs is not there"),
    ("certificate", f"{URL}: the server's certificate does not hold for sslmode"),
    ("ssl", f"{URL}: the server does not speak TLS, which sslmode asks for"),
    ("connection refused", f"{URL}: nothing answers at its host and port"),
    ("no such file or directory", f"{URL}: nothing answers at its socket"),
    ("resolve host", f"{URL}: its host has no address"),
    ("translate host", f"{URL}: its host has no address"),
    ("name or service not known", f"{URL}: its host has no address"),
    ("too many", "database: the server takes no more connections"),
    ("starting up", "database: the server is still starting"),
    ("shutting down", "database: the server is stopping"),
    ("timeout", f"{URL}: its host does not answer in time"),
    ("timed out", f"{URL}: its host does not answer in time"),
    ("does not answer", f"{URL}: its host does not answer in time"),
    ("unable to open", f"database: the file is not there, or not this user's; {MIGRATE}"),
    ("readonly", "database: this user cannot write the file; its folder must be theirs too"),
    ("not a database", f"{URL}: this file is no SQLite database"),
    ("is locked", "database: another process is writing to it; try again"),
    ("disk is full", "database: the disk is full"),
    ("permission denied", _RIGHTS),
    ("must be owner", _RIGHTS),
    ("alembic_version", f"database: never migrated; {MIGRATE}"),
    ("no such table", f"database: not at this release's migration; {MIGRATE}"),
    ("no such column", f"database: not at this release's migration; {MIGRATE}"),
    ("undefined", f"database: not at this release's migration; {MIGRATE}"),
)  # fmt: skip


def database_fault(problem: SQLAlchemyError) -> str:
    """The fault in plain words."""
    cause = getattr(problem, "orig", None) or problem
    text = f"{type(cause).__name__} {cause}".lower()
    known = (words for part, words in _SAID if part in text)
    return next(known, f"database: cannot be used ({type(problem).__name__})")
