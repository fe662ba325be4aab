"""Alembic's environment: our tables only, on the engine of the app; the job engine's tables are
left alone."""

from alembic import context
from flask import current_app

from caller_service.store.database.deadline import deadline

database = current_app.extensions["migrate"].db
options = current_app.extensions["migrate"].configure_args


def run() -> None:
    with database.engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET statement_timeout = 0")
            connection.commit()
        context.configure(
            connection=connection,
            target_metadata=database.metadata,
            **options,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()


with deadline(24 * 3600):  # a turn may wait four seconds; carrying a big table takes minutes
    run()
