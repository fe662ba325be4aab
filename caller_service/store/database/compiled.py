"""Statements of the turn path, compiled once and run by the driver.

For statements this small, SQLAlchemy's own way (cache key, compiled form, adapted result) costs
several times what the database takes. Statements are still written in SQLAlchemy, and fail with its
errors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

Adapt = Callable[[Any], Any] | None


class CompiledStatement:
    """One statement, compiled on first use for each database. `names`: the columns that an INSERT
    or UPDATE sets; its other parameters are named in the statement, or are constants."""

    def __init__(
        self, statement: sa.Select[Any] | sa.Insert | sa.Update, names: Sequence[str] = ()
    ) -> None:
        self._statement = statement
        self._names = list(names)
        self._prepared: dict[tuple[str, int], _Prepared] = {}

    def run(self, conn: sa.Connection, values: Mapping[str, Any]) -> int:
        """Run it once; returns how many rows it wrote. Values that it has no parameter for are
        ignored."""
        prepared = self._for(conn.dialect)
        wrote: int = execute_raw(conn, prepared.sql, prepared.bound(values)).rowcount
        return wrote

    def many(self, conn: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert these rows. On PostgreSQL they go in one statement, because each statement is a
        round trip."""
        if conn.dialect.name == "sqlite" or len(rows) < 2:
            for row in rows:
                self.run(conn, row)
            return
        prepared = self._for(conn.dialect, len(rows))
        values = {
            f"{name}_{place}": row[name] for place, row in enumerate(rows) for name in self._names
        }
        execute_raw(conn, prepared.sql, prepared.bound(values))

    def first(self, conn: sa.Connection, values: Mapping[str, Any]) -> dict[str, Any] | None:
        """The first row, by column name; None if there is none."""
        prepared = self._for(conn.dialect)
        fetched = execute_raw(conn, prepared.sql, prepared.bound(values)).fetchone()
        return None if fetched is None else prepared.row(fetched)

    def _for(self, dialect: sa.Dialect, rows: int = 1) -> _Prepared:
        if (which := (dialect.name, rows)) not in self._prepared:
            one = rows == 1
            self._prepared[which] = _Prepared(
                self._statement if one else self._rows(rows), self._names if one else [], dialect
            )
        return self._prepared[which]

    def _rows(self, many: int) -> sa.Insert:
        assert isinstance(self._statement, sa.Insert)
        columns = self._statement.table.c
        rows = [
            {
                name: sa.bindparam(f"{name}_{place}", None, columns[name].type)
                for name in self._names
            }
            for place in range(many)
        ]
        return self._statement.values(rows)


def execute_raw(conn: sa.Connection, sql: str, values: Any) -> Any:
    """Run on the driver's cursor. Its errors are translated, and a pool of dead connections is
    discarded, as SQLAlchemy would."""
    try:
        return conn.connection.cursor().execute(sql, values)
    except conn.dialect.loaded_dbapi.Error as problem:
        conn._handle_dbapi_exception(problem, sql, None, None, None)


class _Prepared:
    """The SQL of a statement for one database, and how values are converted on the way in and
    out."""

    def __init__(
        self,
        statement: sa.Select[Any] | sa.Insert | sa.Update,
        names: list[str],
        dialect: sa.Dialect,
    ) -> None:
        compiled = statement.compile(
            dialect=dialect, column_keys=names or None, compile_kwargs={"render_postcompile": True}
        )
        self.sql = str(compiled)
        self._positional: Sequence[str] | None = (
            compiled.positiontup if compiled.positional else None
        )
        order = self._positional or tuple(compiled.params)
        self._in: list[tuple[str, Adapt]] = [
            (name, compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect))
            for name in order
        ]
        self._constants = {
            name: bind.value for name, bind in compiled.binds.items() if bind.value is not None
        }
        columns = statement.selected_columns if isinstance(statement, sa.Select) else ()
        self._out: list[tuple[str, Adapt]] = [
            (column.key, column.type.dialect_impl(dialect).result_processor(dialect, None))
            for column in columns
            if column.key
        ]

    def bound(self, values: Mapping[str, Any]) -> Any:
        values = {**self._constants, **values} if self._constants else values
        if self._positional is None:
            return {
                name: values[name] if adapt is None else adapt(values[name])
                for name, adapt in self._in
            }
        return tuple(
            [values[name] if adapt is None else adapt(values[name]) for name, adapt in self._in]
        )

    def row(self, fetched: Sequence[Any]) -> dict[str, Any]:
        return {
            name: value if adapt is None else adapt(value)
            for (name, adapt), value in zip(self._out, fetched, strict=True)
        }
