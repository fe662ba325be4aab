"""Background work after a response has been sent, such as receipts."""

import threading
from collections.abc import Callable


class Errands:
    """Runs each errand in a daemon thread of its own; a test waits for their end instead of
    sleeping.

    No thread exists before the first errand, because `rehearse` builds the apps and then forks.
    """

    def __init__(self) -> None:
        self._under_way = 0
        self._changed = threading.Condition()

    def run(self, errand: Callable[[], None]) -> None:
        """Start the errand and return at once."""

        def carried() -> None:
            try:
                errand()
            finally:
                with self._changed:
                    self._under_way -= 1
                    self._changed.notify_all()

        with self._changed:
            self._under_way += 1
        threading.Thread(target=carried, daemon=True).start()

    def settled(self, seconds: float = 10.0) -> bool:
        """Wait until no errand is running; False after `seconds`."""
        with self._changed:
            return self._changed.wait_for(lambda: self._under_way == 0, seconds)
