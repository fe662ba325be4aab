"""Work that goes on after an answer has left, such as receipts."""

import threading
from collections.abc import Callable


class Errands:
    """Runs each errand in its own daemon thread; a test waits for their end instead of sleeping.

    No thread exists before the first errand, because `rehearse` builds the apps and then forks.
    """

    def __init__(self) -> None:
        self._under_way = 0
        self._changed = threading.Condition()

    def run(self, errand: Callable[[], None]) -> None:
        """Start the errand and come back at once."""

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
        """Wait until no errand is under way; False when the time runs out first."""
        with self._changed:
            return self._changed.wait_for(lambda: self._under_way == 0, seconds)
