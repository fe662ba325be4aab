"""What is sealed is known to the commands that turn keys."""

from __future__ import annotations

from caller_service.store.keys import SEALED
from caller_service.store.tables import Base


def test_every_sealed_column_is_counted_and_rewrapped() -> None:
    """One that is left out would not open any more once its key is given up."""
    sealed = {
        (table.name, column.name)
        for table in Base.metadata.sorted_tables
        for column in table.c
        if column.name.startswith("sealed_")
    }
    assert sealed == {(table.name, name) for table, names in SEALED.items() for name in names}
