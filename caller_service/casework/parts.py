"""What a piece of work needs, handed in once by create_app, and the one way to write."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from caller_service.core.case import Case
from caller_service.core.program import Program
from caller_service.core.reading import LanguageWords
from caller_service.core.routing import Scene
from caller_service.gateway.telephony import Telephony
from caller_service.gateway.webhooks import WebhookClient
from caller_service.jobs.queue import Jobs
from caller_service.language.catalog import Catalog
from caller_service.language.recordings import Pack
from caller_service.store import cases
from caller_service.store.database.group_commit import Writer
from caller_service.store.desk import OpenCases
from caller_service.store.sealing import Sealer


def utc_now() -> datetime:
    return datetime.now(UTC)


_last = 0
_making = threading.Lock()


def new_id() -> str:
    """A UUIDv7 (RFC 9562) as text: ids made later sort later, also within a millisecond (12 bits of
    its fraction)."""
    global _last
    with _making:  # also when the clock is set back
        _last = now = max(time.time_ns(), _last + 250)
    stamp, fraction = divmod(now, 1_000_000)
    value = (
        (stamp << 80)
        | (0x7 << 76)
        | ((fraction * 4096 // 1_000_000) << 64)
        | (0b10 << 62)
        | secrets.randbits(62)
    )
    plain = f"{value:032x}"
    return f"{plain[:8]}-{plain[8:12]}-{plain[12:16]}-{plain[16:20]}-{plain[20:]}"


# No vowels and nothing that looks alike: a reference is read aloud and never spells a word.
LETTERS, DIGITS = "BCDFGHJKMNPQRTVWXZ", "23456789"


def new_reference() -> str:
    """A short code for a case, like "K7M4Q2"; staff and residents say it. It opens nothing by
    itself."""
    return "".join(secrets.choice(DIGITS if place % 2 else LETTERS) for place in range(6))


@dataclass(frozen=True, slots=True)
class Parts:
    engine: sa.Engine
    writer: Writer = field(repr=False)
    sealer: Sealer = field(repr=False)
    program: Program = field(repr=False)
    catalog: Catalog = field(repr=False)
    language_words: Mapping[str, LanguageWords] = field(repr=False)
    jobs: Jobs = field(repr=False)
    telephony: Telephony = field(repr=False)
    webhooks: WebhookClient = field(repr=False)
    public_url: str = ""
    calls_a_second: int = 1  # new calls, made by REST
    packs: Mapping[str, Pack] = field(default_factory=dict, repr=False)  # recorded languages
    open_cases: OpenCases = field(default_factory=OpenCases, repr=False)
    now: Callable[[], datetime] = utc_now
    new_id: Callable[[], str] = new_id
    new_reference: Callable[[], str] = new_reference

    def speaks(self, language: str) -> bool:
        """Can a call be held in this language: by a voice, or by recordings?"""
        return self.catalog.languages[language].voice is not None or language in self.packs

    def spoken(self, language: str) -> str:
        """The language of a call: this one if it can be spoken, else the program's first that
        can; "" if none."""
        tags = (language, *self.program.languages)
        return next((tag for tag in tags if self.speaks(tag)), "")

    def interprets(self, case: Case) -> bool:
        """Does a caller of this case meet a human and the interpreter line in one room? Where no
        voice and no recording speaks their language, and there is such a line."""
        return bool(self.program.numbers.interpreter) and not self.speaks(case.language)

    def scene(
        self, conn: sa.Connection, full: frozenset[str] | None = None, surge: bool = False
    ) -> Scene:
        """What a decision is made against; `surge`: look whether somebody in danger has waited long
        (rule 4)."""
        now = self.now()
        waits = timedelta(seconds=self.program.clocks.surge_wait)
        long = surge and any(now - since >= waits for since in cases.waiting_since(conn))
        return Scene(self.program, now, cases.full_areas(conn, now) if full is None else full, long)
