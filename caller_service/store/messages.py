"""Texts in and out. The table is also the inbox: one provider id is one turn, and a repeat finds
the stored replies."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from caller_service.core.outbound import UNSENT, TextState
from caller_service.store.database.compiled import CompiledStatement

from .claim import CLAIM, PAUSED
from .claim import claim as _claim
from .sealing import CannotOpen, Sealer
from .tables import message

# Twilio's statuses in the order a text goes through them; a later one is never overwritten by an
# earlier one.
RANKS: Mapping[TextState, int] = {
    TextState.ACCEPTED: 1, TextState.SCHEDULED: 1, TextState.QUEUED: 2, TextState.SENDING: 3,
    TextState.SENT: 4, TextState.FAILED: 5, TextState.UNDELIVERED: 5, TextState.CANCELED: 5,
    TextState.DELIVERED: 6, TextState.READ: 7,
}  # fmt: skip
FAILED = frozenset({TextState.FAILED, TextState.UNDELIVERED, TextState.CANCELED, TextState.DEAD})
MOST_ASKED = 500  # ids in one query
NEVER_SEEN = FAILED | {TextState.HELD, TextState.OVERTAKEN}  # nobody has read it, and nobody will
ARRIVED = frozenset({TextState.DELIVERED, TextState.READ})


_COLUMNS = (
    "id", "direction", "state", "at", "contact_id", "case_id", "person", "answers", "place",
    "keys", "language", "provider_id", "tries", "next_at", "provider",
)  # fmt: skip
_ADD = CompiledStatement(sa.insert(message), (*_COLUMNS, "sealed_words", "rank"))


@dataclass(frozen=True, slots=True)
class Text:
    """One text, in or out."""

    id: str
    direction: str
    words: str = field(repr=False)
    state: TextState
    at: datetime
    contact_id: str | None = None
    case_id: str | None = None
    person: str | None = None
    answers: str | None = None
    place: int = 0
    keys: str = ""
    language: str = ""
    provider_id: str | None = None
    tries: int = 0
    next_at: datetime | None = None
    provider: str = "twilio"
    opened: bool = True  # False: its words do not open; `words` is ""

    @property
    def erased(self) -> bool:
        """Are the words gone for good (store/erasure.py)?"""
        return self.opened and not self.words

    @classmethod
    def inbound(cls, text_id: str, words: str, at: datetime, **more: Any) -> Text:
        """A text that somebody wrote. `more`: what is known of them and of the text."""
        return cls(text_id, "in", words, TextState.HEARD, at, **more)

    @classmethod
    def outbound(
        cls, text_id: str, words: str, state: TextState, at: datetime, **more: Any
    ) -> Text:
        """A text from us: it waits to be sent, goes out in the webhook's response, or is held."""
        return cls(text_id, "out", words, state, at, **more)


def rows(sealer: Sealer, texts: Sequence[Text]) -> list[dict[str, Any]]:
    """Texts as the values of their rows, words sealed. Built before the write lock is taken."""
    return [
        {name: getattr(text, name) for name in _COLUMNS}
        | {"sealed_words": sealer.seal(text.words, f"message.words.{text.id}"), "rank": 0}
        for text in texts
    ]


def add(conn: sa.Connection, new: Sequence[Mapping[str, Any]]) -> None:
    """Insert the `rows` of texts. Raises IntegrityError for a provider id that was received
    before."""
    if new:
        _ADD.many(conn, new)


def known(conn: sa.Connection, provider_ids: Sequence[str]) -> frozenset[str]:
    """Those of the provider's ids that were received before."""
    found: set[str] = set()
    for start in range(0, len(provider_ids), MOST_ASKED):
        some = provider_ids[start : start + MOST_ASKED]
        query = sa.select(message.c.provider_id).where(
            message.c.provider == "twilio", message.c.provider_id.in_(some)
        )
        found.update(conn.execute(query).scalars())
    return frozenset(found)


def is_known(conn: sa.Connection, provider_id: str) -> bool:
    """Was this message received?"""
    return conn.execute(_heard(provider_id)).first() is not None


def was_heard(conn: sa.Connection, provider: str, provider_id: str) -> bool:
    """Was this id of another source received: a step of a call, a form that was posted?"""
    query = sa.select(message.c.id).where(
        message.c.provider == provider, message.c.provider_id == provider_id
    )
    return conn.execute(query).first() is not None


def last_sent_to(
    conn: sa.Connection, contact_ids: Sequence[str], key: str, since: datetime
) -> str | None:
    """The id of the newest message with this key that was sent to one of these contacts since
    then."""
    query = sa.select(sa.func.max(message.c.id)).where(
        message.c.contact_id.in_(contact_ids), message.c["keys"] == key, message.c.at > since
    )
    found: str | None = conn.execute(query).scalar()
    return found


def sent_for(conn: sa.Connection, case_id: str, key: str) -> int:
    """How many messages with this key were sent for a case."""
    mine = (message.c.case_id == case_id, message.c["keys"] == key)
    return int(
        conn.execute(sa.select(sa.func.count()).select_from(message).where(*mine)).scalar_one()
    )


def newest_shown(conn: sa.Connection, case_id: str) -> str | None:
    """The id of the newest message of a case that a page has shown, or that was written on it."""
    seen = message.c.state.in_((TextState.READ, TextState.HEARD, TextState.DELIVERED))
    query = sa.select(sa.func.max(message.c.id)).where(message.c.case_id == case_id, seen)
    found: str | None = conn.execute(query).scalar()
    return found


def mark_read(conn: sa.Connection, message_ids: Sequence[str], now: datetime) -> None:
    """Record that a private page shows these messages: they have been read."""
    conn.execute(
        sa.update(message)
        .where(message.c.id.in_(message_ids), message.c.state == TextState.ON_PAGE)
        .values(state=TextState.READ, rank=RANKS[TextState.READ], state_at=now, next_at=None)
    )


def _heard(provider_id: str) -> sa.Select[Any]:
    return sa.select(message.c.id, message.c.case_id).where(
        message.c.provider == "twilio", message.c.provider_id == provider_id
    )


def replies_to(conn: sa.Connection, sealer: Sealer, provider_id: str) -> tuple[Text, ...] | None:
    """The replies to this message, in order; None if it was never received. Replies sent by REST
    are left out, so that they are not sent twice. Raises CannotOpen if a reply does not open: the
    endpoint then uses its fallback text."""
    first = conn.execute(_heard(provider_id)).first()
    if first is None:
        return None
    same_case = (
        message.c.case_id.is_(None) if first.case_id is None else message.c.case_id == first.case_id
    )
    by_webhook = (message.c.tries == 0, message.c.state != TextState.WAITING)
    query = (
        sa.select(message)
        .where(same_case, message.c.answers == first.id, *by_webhook)
        .order_by(message.c.place)
    )
    answers = tuple(_text(row, sealer) for row in conn.execute(query))
    if not all(text.opened for text in answers):
        raise CannotOpen(f"message.words: an answer to {first.id}")
    return tuple(text for text in answers if not text.erased)


def by_id(conn: sa.Connection, sealer: Sealer, message_id: str) -> Text | None:
    row = conn.execute(sa.select(message).where(message.c.id == message_id)).first()
    return None if row is None else _text(row, sealer)


def of_case(conn: sa.Connection, sealer: Sealer, case_id: str) -> list[Text]:
    """The conversation of a case, oldest first; pages to staff are not part of it."""
    query = sa.select(message).where(message.c.case_id == case_id, message.c.person.is_(None))
    return [_text(row, sealer) for row in conn.execute(query.order_by(message.c.at, message.c.id))]


def _text(row: sa.Row[Any], sealer: Sealer) -> Text:
    words = sealer.try_open(row.sealed_words, f"message.words.{row.id}")
    return Text(
        row.id, row.direction, words or "",
        TextState(row.state), row.at, row.contact_id, row.case_id, row.person, row.answers,
        row.place, row.keys, row.language, row.provider_id, row.tries, row.next_at, row.provider,
        words is not None,
    )  # fmt: skip


def keys_since(
    conn: sa.Connection, case_id: str, since: datetime, states: Collection[TextState] = ()
) -> frozenset[str]:
    """The message keys of the texts to a resident written since then that have arrived or may still
    arrive; or only of those in `states`."""
    there = message.c.state.in_(states) if states else message.c.state.not_in(NEVER_SEEN)
    theirs = (
        message.c.case_id == case_id,
        message.c.direction == "out",
        message.c.person.is_(None),
        there,
    )
    rows = conn.execute(sa.select(message.c["keys"]).where(*theirs, message.c.at > since)).scalars()
    return frozenset(key for keys in rows for key in keys.split())


def human_words(conn: sa.Connection, case_id: str, but: str, since: datetime | None) -> bool:
    """Have a human's own words reached the resident, or may they still, not counting the text
    `but`? `since`: earlier words are another human's."""
    theirs = (
        message.c.case_id == case_id,
        message.c.direction == "out",
        message.c.person.is_(None),
        message.c["keys"].like("note%"),
        message.c.id != but,
        message.c.state.not_in(NEVER_SEEN),
        *([message.c.at >= since] if since is not None else []),
    )
    return conn.execute(sa.select(message.c.id).where(*theirs).limit(1)).first() is not None


def words_lost(conn: sa.Connection, case_id: str) -> bool:
    """Are a human's own words known not to have reached the resident?"""
    theirs = (
        message.c.case_id == case_id,
        message.c.direction == "out",
        message.c.person.is_(None),
        message.c["keys"].like("note%"),
        message.c.state.in_(NEVER_SEEN),
    )
    return conn.execute(sa.select(message.c.id).where(*theirs).limit(1)).first() is not None


def state_of(conn: sa.Connection, message_id: str) -> TextState:
    """The state of a text."""
    query = sa.select(message.c.state).where(message.c.id == message_id)
    return TextState(conn.execute(query).scalar_one())


def arrived_at(conn: sa.Connection, case_id: str) -> datetime | None:
    """When the newest text to a resident that has arrived was written."""
    theirs = (
        message.c.case_id == case_id,
        message.c.direction == "out",
        message.c.person.is_(None),
        message.c.state.in_(ARRIVED),
    )
    found: datetime | None = conn.execute(
        sa.select(message.c.at).where(*theirs).order_by(message.c.at.desc()).limit(1)
    ).scalar()
    return found


def latest(conn: sa.Connection) -> datetime | None:
    """When the newest text was written, read from its id."""
    newest = conn.execute(sa.select(sa.func.max(message.c.id))).scalar()
    try:
        return None if newest is None else made_at(newest)
    except (ValueError, OverflowError):
        return None


def made_at(one_id: str) -> datetime:
    """When one of our ids was made (UUIDv7: the first 48 bits are milliseconds). Raises ValueError
    or OverflowError for anything else."""
    return datetime.fromtimestamp(int(one_id.replace("-", "")[:12], 16) / 1000, UTC)


def is_news(conn: sa.Connection, message_id: str, state: TextState) -> bool:
    """Would a receipt with this state be news about a text of ours?"""
    older = (
        message.c.id == message_id,
        message.c.direction == "out",
        message.c.rank < RANKS[state],
    )
    return conn.execute(sa.select(message.c.id).where(*older)).first() is not None


_PUT = CompiledStatement(
    sa.select(message.c.state, message.c.state_at)
    .where(
        message.c.case_id == sa.bindparam("case"),
        message.c.direction == "out",
        sa.or_(
            message.c["keys"].like(sa.bindparam("worded"), escape="/"),
            (message.c["keys"] + " ").like(sa.bindparam("plain"), escape="/"),
        ),
    )
    .order_by(message.c.id.desc())
    .limit(1)
)


def question_delivered(conn: sa.Connection, case_id: str, question: str) -> datetime | None:
    """When the newest text with this question was delivered; None if it is not known to have
    been."""
    name = question.replace("_", "/_")
    row = _PUT.first(conn, {"case": case_id, "worded": f"%ask.{name}.%", "plain": f"%ask.{name} %"})
    delivered: datetime | None = (
        row["state_at"] if row is not None and row["state"] in ARRIVED else None
    )
    return delivered


def receipt(
    conn: sa.Connection,
    message_id: str,
    state: TextState,
    provider_id: str | None,
    error: str | None,
    now: datetime,
) -> bool:
    """Record how far a text has come. False if that is not new: receipts come late, twice and out
    of order."""
    rank = RANKS[state]
    changed = conn.execute(
        sa.update(message)
        .where(message.c.id == message_id, message.c.direction == "out", message.c.rank < rank)
        .values(
            state=state,
            rank=rank,
            error=error,
            next_at=None,
            state_at=now,
            provider_id=sa.func.coalesce(message.c.provider_id, provider_id),
        )
    )
    return changed.rowcount == 1


def earlier_waiting(conn: sa.Connection, text: Text, now: datetime) -> bool:
    """Is an earlier text to the same resident on its way, neither failed nor overdue? Residents get
    texts in order, but nothing waits for an attempt that failed. Pages to staff have no order.

    Locks the earlier row: the transaction that marks it as sent may have looked for the next text
    before ours existed, so ours has to wait for its result.
    """
    if text.person is not None:
        return False
    ahead = (message.c.id < text.id, message.c.error.is_(None), message.c.next_at > now)
    return (
        conn.execute(_unsent(text).where(*ahead).limit(1).with_for_update(read=True)).first()
        is not None
    )


def newer_update(conn: sa.Connection, text: Text) -> bool:
    """Has a newer status update been written for the same case?"""
    newer = sa.select(message.c.id).where(
        message.c.case_id == text.case_id,
        message.c.id > text.id,
        message.c["keys"].startswith("status."),
    )
    return (
        conn.execute(
            newer.where(message.c.direction == "out", message.c.answers.is_(None)).limit(1)
        ).first()
        is not None
    )


def next_waiting(conn: sa.Connection, text: Text) -> str | None:
    """The next text to the same resident, if it waits for this one."""
    if text.person is not None:
        return None
    return conn.execute(
        _unsent(text)
        .where(message.c.id > text.id, message.c.state == TextState.WAITING)
        .order_by(message.c.id)
        .limit(1)
    ).scalar()


def _unsent(text: Text) -> sa.Select[Any]:
    theirs = (message.c.contact_id == text.contact_id, message.c.direction == "out")
    return sa.select(message.c.id).where(*theirs, message.c.state.in_(UNSENT))


def claim(
    conn: sa.Connection,
    message_id: str,
    job: str,
    now: datetime,
    hold: timedelta,
    settle: timedelta,
) -> bool | None:
    """Claim an attempt to send a text (store/claim.py)."""
    return _claim(conn, message, TextState, message_id, job, now, hold, settle)


def taken(conn: sa.Connection, message_id: str, provider_ids: Sequence[str]) -> frozenset[str]:
    """Which of these SIDs belong to another text."""
    others = (
        message.c.provider == "twilio",
        message.c.provider_id.in_(provider_ids),
        message.c.id != message_id,
    )
    query = sa.select(message.c.provider_id).where(*others)
    return frozenset(conn.execute(query).scalars())


def sent(conn: sa.Connection, message_id: str, provider_id: str) -> None:
    """The provider has accepted the text. If a receipt came first, its state stays."""
    conn.execute(
        sa.update(message)
        .where(message.c.id == message_id)
        .values(
            provider_id=sa.func.coalesce(message.c.provider_id, provider_id),
            next_at=None,
            state=sa.case((message.c.rank == 0, TextState.QUEUED), else_=message.c.state),
            rank=sa.case((message.c.rank == 0, RANKS[TextState.QUEUED]), else_=message.c.rank),
        )
    )


def give_back(conn: sa.Connection, provider_id: str, now: datetime) -> None:
    """Take this SID from the text that has it, which is then looked up again: a receipt says whose
    it is."""
    only_found = message.c.rank <= RANKS[TextState.QUEUED]
    again = {"state": TextState.TRYING, "rank": 0, "next_at": now, "claimed_by": None}
    conn.execute(
        sa.update(message)
        .where(message.c.provider == "twilio", message.c.provider_id == provider_id)
        .values(
            provider_id=None,
            **{
                name: sa.case((only_found, value), else_=message.c[name])
                for name, value in again.items()
            },
        )
    )


def send_after_all(conn: sa.Connection, message_id: str, next_at: datetime) -> None:
    """Queue for sending a reply that the webhook's response did not carry."""
    conn.execute(
        sa.update(message)
        .where(
            message.c.id == message_id, message.c.state == TextState.REPLIED, message.c.rank == 0
        )
        .values(state=TextState.WAITING, next_at=next_at)
    )


def later(
    conn: sa.Connection,
    message_id: str,
    state: TextState,
    next_at: datetime,
    error: str,
    job: str,
) -> None:
    """Try again at `next_at`: from the start (WAITING), or after a lookup (TRYING). Only the job
    whose attempt it is may say so."""
    conn.execute(
        sa.update(message)
        .where(message.c.id == message_id, message.c.rank == 0, message.c.claimed_by == job)
        .values(state=state, next_at=next_at, error=error, claimed_by=PAUSED)
    )


def dead(
    conn: sa.Connection, message_id: str, error: str, state: TextState = TextState.DEAD
) -> None:
    """The text will not be sent: DEAD, HELD by the safe-contact gate, or OVERTAKEN."""
    conn.execute(
        sa.update(message)
        .where(message.c.id == message_id, message.c.rank < 6)
        .values(state=state, rank=5, next_at=None, error=error)
    )


def due(
    conn: sa.Connection, now: datetime, staff: bool, limit: int
) -> Sequence[tuple[str, datetime]]:
    """Texts to staff, or to residents, that are due to be tried again: their ids, and since
    when."""
    whom = message.c.person.is_not(None) if staff else message.c.person.is_(None)
    query = sa.select(message.c.id, message.c.next_at).where(
        message.c.next_at.is_not(None), message.c.next_at <= now, whom
    )
    return [
        (row.id, row.next_at)
        for row in conn.execute(query.order_by(message.c.next_at).limit(limit))
    ]


def try_now(conn: sa.Connection, now: datetime) -> None:
    """Make due now whatever waits for a later time, because the clock was set back. An attempt
    under way keeps its lease."""
    trying = message.c.state == TextState.TRYING
    conn.execute(
        sa.update(message)
        .where(message.c.next_at > now)
        .values(next_at=sa.case((trying, now + CLAIM), else_=now))
    )


def hold(conn: sa.Connection, message_id: str, seen: datetime, until: datetime) -> bool:
    """Reserve the text for a job: nobody else tries before `until`. False if it has changed since
    it was `seen`: its own job has begun meanwhile."""
    waits = sa.update(message).where(message.c.id == message_id, message.c.next_at == seen)
    return conn.execute(waits.values(next_at=until, claimed_by=None)).rowcount == 1
