"""How long somebody who failed must wait before the next try: a few failures cost nothing, then the
pauses begin, and each failure is forgiven in time. Nobody is locked out for good."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

LONGEST_LOG = 64  # doublings: more than any pause needs, and no overflow


@dataclass(frozen=True, slots=True)
class Pace:
    """`free` failures cost nothing. After those one try every `pause` seconds, and with each more
    failure `growth` times as long, up to `most`. One failure is forgiven every `forgiven`
    seconds."""

    free: int = 10
    pause: float = 6.0
    growth: float = 1.0
    most: float = 6.0
    forgiven: float = 6.0

    @property
    def cap(self) -> int:
        """More failures than these lengthen no pause and are not counted."""
        if self.growth <= 1 or self.most <= self.pause:
            return self.free
        return self.free + math.ceil(math.log(self.most / self.pause, self.growth))


@dataclass(frozen=True, slots=True)
class Failures:
    """How many, as of their last moment."""

    count: float
    at: datetime

    def left(self, pace: Pace, now: datetime) -> float:
        """How many are not forgiven yet. A clock that was set back forgives none."""
        return max(0.0, self.count - max(0.0, (now - self.at).total_seconds()) / pace.forgiven)

    def wait(self, pace: Pace, now: datetime) -> int:
        """Whole seconds until the next try; 0: now."""
        if self.count <= pace.free - 1:
            return 0
        more = min(LONGEST_LOG, max(0, math.ceil(self.count) - pace.free))
        pause = min(pace.most, pace.pause * pace.growth**more)
        return math.ceil(max(0.0, pause - max(0.0, (now - self.at).total_seconds())))

    def one_more(self, pace: Pace, now: datetime) -> Failures:
        return Failures(min(self.left(pace, now) + 1, float(pace.cap)), now)

    def one_less(self) -> Failures:
        return Failures(max(0.0, self.count - 1), self.at)
