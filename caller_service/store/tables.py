"""The tables (docs/privacy.md). Columns named sealed_… hold ciphertext (store/sealing.py).

Ids are ours (UUIDv7, text). Times are UTC. The journal holds references and codes only.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, registry

from caller_service.core.outbound import UNSENT, CallState


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """An aware UTC datetime. SQLite stores no time zone: it is removed on write and restored on
    read."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


# SQLite stores such a table in the order of its primary key (a UUIDv7: in order of time), so that
# there is no second tree to write.
_BY_KEY = {"sqlite_with_rowid": False}


# states in which a phone is busy: the database refuses a second call to it
_ON_A_CALL = (
    CallState.TRYING,
    CallState.QUEUED,
    CallState.INITIATED,
    CallState.RINGING,
    CallState.IN_PROGRESS,
)


def _in(states: Iterable[str]) -> str:
    """The condition of a partial index. The states are our own constants, without quotes."""
    return f"state IN ({', '.join(repr(str(state)) for state in states)})"


def _partial(name: str, *columns: str, where: str, unique: bool = False) -> sa.Index:
    """A partial index: rows that do not match cost nothing."""
    return sa.Index(
        name, *columns, unique=unique, sqlite_where=sa.text(where), postgresql_where=sa.text(where)
    )


class Base(DeclarativeBase):
    registry = registry(
        metadata=sa.MetaData(naming_convention=_NAMES),
        type_annotation_map={datetime: UtcDateTime(), dict[str, Any]: sa.JSON()},
    )


db = SQLAlchemy(model_class=Base)


class ContactRow(Base):
    __tablename__ = "contact"
    id: Mapped[str] = mapped_column(primary_key=True)
    number_index: Mapped[bytes] = mapped_column(sa.LargeBinary(32), unique=True)
    # the id of the index key; None: written before the id was stored
    index_key: Mapped[str | None]
    sealed_number: Mapped[bytes]
    language: Mapped[str]
    created_at: Mapped[datetime]
    stopped_at: Mapped[datetime | None]
    stopped_because: Mapped[str | None]
    sealed_care_note: Mapped[bytes | None]  # a human's words, in place of the screening
    care_until: Mapped[datetime | None]
    slowed_until: Mapped[datetime | None]  # a supervisor slowed this number down
    # our number that they wrote to last, and get texts from; "": unknown
    our_number: Mapped[str] = mapped_column(server_default=sa.text("''"))


class CaseRow(Base):
    __tablename__ = "case"
    id: Mapped[str] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(unique=True)
    contact_id: Mapped[str] = mapped_column(sa.ForeignKey("contact.id"))
    status: Mapped[str]
    version: Mapped[int]
    level: Mapped[str | None]
    response: Mapped[str]
    area: Mapped[str]
    language: Mapped[str]
    state: Mapped[dict[str, Any]]
    sealed_narrative: Mapped[bytes | None]
    sealed_place: Mapped[bytes | None]
    sealed_code_word: Mapped[bytes | None]
    due_at: Mapped[datetime | None]
    protocol_hash: Mapped[str]
    outcome: Mapped[str]
    unserved: Mapped[str]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    # when something of an ended case is erased next (core/retention.py)
    erase_at: Mapped[datetime | None]
    # a case of the synthetic resident: left out of every count
    test: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    # parked: the phone is in other hands
    parked: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    __table_args__ = (
        _partial("ix_case_test", "id", where="test"),
        _partial(
            "uq_case_open_contact",
            "contact_id",
            where="closed_at IS NULL AND NOT parked",
            unique=True,
        ),
        _partial("ix_case_danger", "id", where="closed_at IS NULL AND level IN ('R1', 'R2')"),
        _partial("ix_case_due_at", "due_at", where="due_at IS NOT NULL"),
        _partial("ix_case_erase_at", "erase_at", where="erase_at IS NOT NULL"),
        sa.Index("ix_case_contact_id_opened_at", "contact_id", "opened_at"),
    )


class MessageRow(Base):
    """Every text in and out. Inbound rows are the inbox; replies point to the message they answer,
    so that a repeated webhook gets them again."""

    __tablename__ = "message"
    id: Mapped[str] = mapped_column(primary_key=True)
    direction: Mapped[str]  # in, out
    provider: Mapped[str]
    provider_id: Mapped[str | None]
    # the case's contact; no foreign key or index, so that a turn writes one index less
    contact_id: Mapped[str | None]
    case_id: Mapped[str | None] = mapped_column(sa.ForeignKey("case.id"))
    person: Mapped[str | None]  # the name of somebody on a ladder, when it is to or from them
    answers: Mapped[str | None]  # the inbound message, of the same case, that this replies to
    place: Mapped[int] = mapped_column(default=0)
    sealed_words: Mapped[bytes]
    keys: Mapped[str] = mapped_column(default="")
    language: Mapped[str] = mapped_column(default="")
    state: Mapped[str]  # TextState
    rank: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None]
    tries: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime | None]
    claimed_by: Mapped[str | None]  # the job whose attempt is under way
    state_at: Mapped[datetime | None]  # when the last receipt came
    at: Mapped[datetime]
    erased_at: Mapped[datetime | None]  # when the words were erased here
    # when the provider is next asked to erase its copy; None: no need, or done
    redact_at: Mapped[datetime | None]
    __table_args__ = (
        _partial(
            "uq_message_provider_provider_id",
            "provider",
            "provider_id",
            where="provider_id IS NOT NULL",
            unique=True,
        ),
        sa.Index("ix_message_case_id_answers", "case_id", "answers"),
        _partial("ix_message_contact_id_unsent", "contact_id", where=_in(UNSENT)),
        _partial("ix_message_next_at", "next_at", where="next_at IS NOT NULL"),
        _partial("ix_message_no_request", "at", where="case_id IS NULL AND erased_at IS NULL"),
        _partial("ix_message_redact_at", "redact_at", where="redact_at IS NOT NULL"),
        _BY_KEY,
    )


class HandOffRow(Base):
    __tablename__ = "hand_off"
    case_id: Mapped[str] = mapped_column(sa.ForeignKey("case.id"), primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    because: Mapped[str]
    sealed_packet: Mapped[bytes]
    at: Mapped[datetime]


class DeliveryRow(Base):
    __tablename__ = "delivery"
    id: Mapped[str] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(sa.ForeignKey("case.id"))
    revision: Mapped[int]
    destination: Mapped[str]
    state: Mapped[str]  # DeliveryState
    tries: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime | None]
    claimed_by: Mapped[str | None]  # the job whose attempt is under way
    error: Mapped[str | None]
    at: Mapped[datetime]
    received_at: Mapped[datetime | None]
    __table_args__ = (
        sa.UniqueConstraint("case_id", "revision", "destination"),
        _partial("ix_delivery_next_at", "next_at", where="next_at IS NOT NULL"),
    )


class PageRow(Base):
    __tablename__ = "page"
    id: Mapped[str] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(sa.ForeignKey("case.id"))
    ladder: Mapped[str]
    round: Mapped[int]
    rung: Mapped[int]
    person: Mapped[str]
    at: Mapped[datetime]
    # of a test case: nobody was paged
    held: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    __table_args__ = (sa.UniqueConstraint("case_id", "ladder", "round", "rung", "person"),)


class CallRow(Base):
    """Every outbound call. `person` is a name on a ladder; the number is stored as a keyed hash, by
    which the database ensures that no phone has two calls at once."""

    __tablename__ = "call"
    id: Mapped[str] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(sa.ForeignKey("case.id"))
    page_id: Mapped[str | None] = mapped_column(sa.ForeignKey("page.id"))
    # the lost text to a resident that this call replaces
    text_id: Mapped[str | None] = mapped_column(sa.ForeignKey("message.id"))
    person: Mapped[str | None]  # the name of somebody on a ladder; None: it is to the resident
    number_index: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    index_key: Mapped[str | None]
    provider_id: Mapped[str | None]
    state: Mapped[str]  # CallState
    rank: Mapped[int] = mapped_column(default=0)
    # the call is no longer needed: end it unless somebody has answered
    over: Mapped[bool] = mapped_column(default=False)
    machine: Mapped[bool] = mapped_column(default=False)  # a voicemail answered
    answer: Mapped[str] = mapped_column(default="")  # accepted, passed_on
    error: Mapped[str | None]
    tries: Mapped[int] = mapped_column(default=0)
    tried_at: Mapped[datetime | None]
    next_at: Mapped[datetime | None]
    claimed_by: Mapped[str | None]  # the job whose attempt is under way
    at: Mapped[datetime]
    __table_args__ = (
        _partial(
            "uq_call_provider_id", "provider_id", where="provider_id IS NOT NULL", unique=True
        ),
        _partial("uq_call_text_id", "text_id", where="text_id IS NOT NULL", unique=True),
        _partial(
            "uq_call_number_index",
            "number_index",
            where=_in(_ON_A_CALL),
            unique=True,
        ),
        _partial("ix_call_next_at", "next_at", where="next_at IS NOT NULL"),
        sa.Index("ix_call_case_id", "case_id"),
    )


class LegRow(Base):
    """A call that a resident is on: inbound, or ours to them. Its position and last document are
    sealed, and deleted when the call ends."""

    __tablename__ = "leg"
    id: Mapped[str] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(sa.ForeignKey("case.id"))
    callback_id: Mapped[str | None] = mapped_column(sa.ForeignKey("callback.id"))
    provider_id: Mapped[str] = mapped_column(unique=True)
    step: Mapped[int] = mapped_column(default=0)  # documents answered so far
    sealed_state: Mapped[bytes | None]
    our_number: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    next_at: Mapped[datetime | None]  # without news until then, the provider is asked about it
    __table_args__ = (
        sa.Index("ix_leg_case_id", "case_id"),
        _partial("ix_leg_next_at", "next_at", where="next_at IS NOT NULL"),
    )


class TalkRow(Base):
    """Who spoke with the resident of a case, from when to when."""

    __tablename__ = "talk"
    id: Mapped[str] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(sa.ForeignKey("case.id"))
    leg_id: Mapped[str] = mapped_column(sa.ForeignKey("leg.id"))
    call_id: Mapped[str | None] = mapped_column(sa.ForeignKey("call.id"))
    person: Mapped[str]
    at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    __table_args__ = (sa.Index("ix_talk_case_id", "case_id"), sa.Index("ix_talk_leg_id", "leg_id"))


class CallbackRow(Base):
    """A call that was promised to the resident: when, for whom, and its outcome. An attempt is
    claimed, so that nobody is called twice for it."""

    __tablename__ = "callback"
    id: Mapped[str] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(sa.ForeignKey("case.id"))
    booked_by: Mapped[str]
    due_at: Mapped[datetime]
    until_at: Mapped[datetime]  # no attempt begins after this
    attempts: Mapped[int] = mapped_column(default=0)
    most: Mapped[int]  # attempts
    spacing: Mapped[int]  # seconds between two
    state: Mapped[str]  # CallbackState
    outcome: Mapped[str] = mapped_column(default="")  # CallbackOutcome
    person: Mapped[str | None]  # who rings: the name of somebody on a ladder
    tried: Mapped[int] = mapped_column(default=0)  # people rung in this attempt
    call_id: Mapped[str | None] = mapped_column(sa.ForeignKey("call.id"))  # to them, now
    resident_call_id: Mapped[str | None] = mapped_column(sa.ForeignKey("call.id"))
    sealed_name: Mapped[bytes | None]  # whom to ask for, as agreed
    next_at: Mapped[datetime | None]
    talked_until: Mapped[datetime | None]
    at: Mapped[datetime]
    __table_args__ = (
        sa.Index("ix_callback_case_id", "case_id"),
        _partial("ix_callback_next_at", "next_at", where="next_at IS NOT NULL"),
    )


class VisitRow(Base):
    """A secret that opens the private page of a case: a browser's key, a link, a typed code, or a
    link to mark the place. Only the hash of the secret is stored. The position in the form is
    sealed."""

    __tablename__ = "visit"
    id: Mapped[str] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(sa.ForeignKey("case.id"))
    kind: Mapped[str]  # VisitKind
    secret_hash: Mapped[bytes] = mapped_column(sa.LargeBinary(32), unique=True)
    step: Mapped[int] = mapped_column(default=0)  # posts that were carried out
    sealed_state: Mapped[bytes | None]
    at: Mapped[datetime]
    seen_at: Mapped[datetime]  # a browser last requested the page, by a refresh or by a person
    used_at: Mapped[datetime]  # somebody last did something there
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    __table_args__ = (
        sa.Index("ix_visit_case_id", "case_id"),
        _partial("ix_visit_seen_at", "seen_at", where="ended_at IS NULL"),
    )


class JournalRow(Base):
    """Keyed by case, so that a case's entries are stored together, and one tree is written, not
    three. `case_id` is "" for an entry without a case."""

    __tablename__ = "journal"
    case_id: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    who: Mapped[str]
    event: Mapped[str]
    detail: Mapped[dict[str, Any]]
    __table_args__ = (_BY_KEY,)


class TokenRow(Base):
    """A destination's token: only its SHA-256 is stored. Its scopes are stored here, so that no
    edit of the program file can widen them (core/access.py). Without a destination it gives no
    access."""

    __tablename__ = "token"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]  # whom the journal names
    hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    kind: Mapped[str] = mapped_column(server_default="api")  # api, browser, console
    destination: Mapped[str | None]
    scopes: Mapped[str] = mapped_column(server_default=sa.text("''"))  # separated by spaces
    expires_at: Mapped[datetime | None]


class AreaStateRow(Base):
    """Areas a dispatcher marked as full, until when."""

    __tablename__ = "area_state"
    area: Mapped[str] = mapped_column(primary_key=True)
    full_until: Mapped[datetime]


class IdempotencyKeyRow(Base):
    """The Idempotency-Keys of a token's requests, for a day (casework/once.py). Keyed hashes."""

    __tablename__ = "idempotency_key"
    who: Mapped[str] = mapped_column(primary_key=True)  # the token's name
    key_hash: Mapped[bytes] = mapped_column(sa.LargeBinary(32), primary_key=True)
    request_hash: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    created_at: Mapped[datetime] = mapped_column(index=True)


class FailureRow(Base):
    """Failures of one source, or on one account, at one sign-in or code form
    (core/failure_pace.py), and sources of a recent success (no failures). Keyed hashes; deleted
    after half a day."""

    __tablename__ = "failure"
    key_hash: Mapped[bytes] = mapped_column(sa.LargeBinary(32), primary_key=True)
    failures: Mapped[float]
    at: Mapped[datetime] = mapped_column(index=True)


class ProbeRow(Base):
    """The last results of the synthetic resident, one row for each channel, language and
    conversation. Codes and numbers only."""

    __tablename__ = "probe_result"
    channel: Mapped[str] = mapped_column(primary_key=True)
    language: Mapped[str] = mapped_column(primary_key=True)
    conversation: Mapped[str] = mapped_column(primary_key=True)  # quiet, danger
    at: Mapped[datetime]
    fault: Mapped[str]  # "": no fault
    turns: Mapped[int]  # how many were played
    slowest: Mapped[float]  # seconds, of the slowest turn
    seconds: Mapped[float]  # of the whole conversation, including the time to read each question
    # seconds from the last answer until the hand-off was in the dispatch queue
    queued: Mapped[float | None]
    # seconds from the danger sign until the page that would have gone out
    paged: Mapped[float | None]


class KeyRow(Base):
    """A key that rows may need: registered before the first row is written with it, removed when
    the last was rewritten. Read instead of the rows, which may be millions (store/keys.py)."""

    __tablename__ = "sealing_key"
    kind: Mapped[str] = mapped_column(primary_key=True)  # data, index
    id: Mapped[str] = mapped_column(primary_key=True)
    # a keyed hash of a constant; None: the key is known only from rows
    proof: Mapped[bytes | None]
    since: Mapped[datetime]


class PersonRow(Base):
    """A member of staff: who they are and what they may do (core/roles.py). An account without a
    password cannot sign in: it is set up by a one-time link."""

    __tablename__ = "person"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)  # the journal's
    # the name as it is compared at sign-in: case-folded, with runs of spaces collapsed
    name_key: Mapped[str] = mapped_column(unique=True)
    role: Mapped[str]  # Role
    password: Mapped[str | None]  # argon2id
    pin: Mapped[str | None]  # argon2id: unlocks a session, opens none
    sealed_totp: Mapped[bytes | None]
    sealed_new_totp: Mapped[bytes | None]  # shown, and not confirmed by a first code yet
    totp_counter: Mapped[int] = mapped_column(default=0)  # counter of the last code that was used
    theme: Mapped[str] = mapped_column(default="")  # light, dark; "": as the machine
    single_keys: Mapped[bool] = mapped_column(default=True)
    # made by `rehearse`, which printed the password: cannot sign in to live mode
    rehearsal: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]  # disabled


class RecoveryCodeRow(Base):
    """A recovery code, in place of a second factor, once: its SHA-256. It is deleted when it is
    used."""

    __tablename__ = "recovery_code"
    hash: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[str] = mapped_column(sa.ForeignKey("person.id"))
    __table_args__ = (sa.Index("ix_recovery_code_person_id", "person_id"),)


class PersonLinkRow(Base):
    """A one-time link to set up an account: the SHA-256 of its secret."""

    __tablename__ = "person_link"
    id: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[str] = mapped_column(sa.ForeignKey("person.id"))
    hash: Mapped[str] = mapped_column(unique=True)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    __table_args__ = (sa.Index("ix_person_link_person_id", "person_id"),)


class StaffSessionRow(Base):
    """A staff session in one browser (core/staff_session.py)."""

    __tablename__ = "staff_session"
    id: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[str] = mapped_column(sa.ForeignKey("person.id"))
    hash: Mapped[str] = mapped_column(unique=True)  # SHA-256 of the cookie's secret
    stage: Mapped[str]  # Stage
    browser: Mapped[str] = mapped_column(default="")  # "Firefox on Linux"
    source_index: Mapped[bytes] = mapped_column(sa.LargeBinary(32))  # of the address
    made_at: Mapped[datetime]
    seen_at: Mapped[datetime]  # the last request made by a human
    ends_at: Mapped[datetime]
    factor_at: Mapped[datetime | None]  # the second factor was right
    stepped_up_at: Mapped[datetime | None]
    locked_at: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(default=0)  # wrong codes or PINs since the last right one
    ended_at: Mapped[datetime | None]
    ended_because: Mapped[str] = mapped_column(default="")
    __table_args__ = (sa.Index("ix_staff_session_person_id_made_at", "person_id", "made_at"),)


class StaffCaseRow(Base):
    """When a member of staff last read a case, and their unsent draft to the resident."""

    __tablename__ = "staff_case"
    id: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[str] = mapped_column(sa.ForeignKey("person.id"))
    case_id: Mapped[str] = mapped_column(sa.ForeignKey("case.id"))
    read_at: Mapped[datetime]
    sealed_draft: Mapped[bytes | None]
    draft_at: Mapped[datetime | None]
    __table_args__ = (
        sa.UniqueConstraint("person_id", "case_id"),
        sa.Index("ix_staff_case_case_id", "case_id"),
    )


contact: sa.Table = ContactRow.__table__  # type: ignore[assignment]
case: sa.Table = CaseRow.__table__  # type: ignore[assignment]
message: sa.Table = MessageRow.__table__  # type: ignore[assignment]
hand_off: sa.Table = HandOffRow.__table__  # type: ignore[assignment]
delivery: sa.Table = DeliveryRow.__table__  # type: ignore[assignment]
page: sa.Table = PageRow.__table__  # type: ignore[assignment]
call: sa.Table = CallRow.__table__  # type: ignore[assignment]
leg: sa.Table = LegRow.__table__  # type: ignore[assignment]
talk: sa.Table = TalkRow.__table__  # type: ignore[assignment]
callback: sa.Table = CallbackRow.__table__  # type: ignore[assignment]
visit: sa.Table = VisitRow.__table__  # type: ignore[assignment]
journal: sa.Table = JournalRow.__table__  # type: ignore[assignment]
token: sa.Table = TokenRow.__table__  # type: ignore[assignment]
area_state: sa.Table = AreaStateRow.__table__  # type: ignore[assignment]
idempotency_key: sa.Table = IdempotencyKeyRow.__table__  # type: ignore[assignment]
failure: sa.Table = FailureRow.__table__  # type: ignore[assignment]
probe_result: sa.Table = ProbeRow.__table__  # type: ignore[assignment]
sealing_key: sa.Table = KeyRow.__table__  # type: ignore[assignment]
person: sa.Table = PersonRow.__table__  # type: ignore[assignment]
recovery_code: sa.Table = RecoveryCodeRow.__table__  # type: ignore[assignment]
person_link: sa.Table = PersonLinkRow.__table__  # type: ignore[assignment]
staff_session: sa.Table = StaffSessionRow.__table__  # type: ignore[assignment]
staff_case: sa.Table = StaffCaseRow.__table__  # type: ignore[assignment]
