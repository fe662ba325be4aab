"""The key rotation commands know every sealed column."""

from __future__ import annotations

from caller_service.store.keys import SEALED
from caller_service.store.tables import Base


def test_every_sealed_column_is_counted_and_rewrapped() -> None:
    """A column that is left out could not be decrypted once its key is removed."""
    sealed = {
        (table.name, column.name)
        for table in Base.metadata.sorted_tables
        for column in table.c
        if column.name.startswith("sealed_")
    }
    assert sealed == {(table.name, name) for table, names in SEALED.items() for name in names}
