"""Accounts of the staff: signing in, second factors, sessions, and who manages whom.

Passwords are hashed before a transaction begins; what was read before is looked at again inside.
Every act is journaled, by names and codes alone. The secret of a session or link is returned once.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from caller_service.core.journal_events import Event
from caller_service.core.roles import Role, must_have_second_factor
from caller_service.core.staff_session import (
    ABSOLUTE,
    TRIES,
    UNFINISHED,
    StaffSession,
    Stage,
)
from caller_service.store import journal, people, staff_sessions
from caller_service.store.database.transaction import reading
from caller_service.store.journal import Author
from caller_service.store.people import NEW_TOTP, TOTP, Person

from . import passwords, second_factor
from .parts import Parts

LINK_FOR = timedelta(hours=24)
KNOWN_FOR = timedelta(days=30)  # a browser, or an address, since somebody signed in from there
SESSIONS_KEPT = timedelta(days=30)  # rows, after they ended
LONGEST_NAME = 40  # characters
THEMES = ("", "light", "dark")


class Refused(Exception):
    """What was asked for is not done. `words` say why, to whoever asked."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


class Ended(StrEnum):
    """Why a session is over. Kept in the database."""

    SIGNED_OUT = "signed_out"
    REVOKED = "revoked"
    DISABLED = "disabled"
    RESET = "reset"
    PASSWORD = "password_changed"
    CODES = "too_many_codes"
    REPLACED = "replaced"  # the account was set up anew


@dataclass(frozen=True, slots=True)
class SignInClient:
    """Where somebody signs in from. `source`: keyed hash of the address."""

    source: bytes = field(repr=False)
    browser: str = ""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session and what its cookie holds from now on."""

    session: StaffSession
    secret: str = field(repr=False)


def session_of(parts: Parts, secret: str, live: bool) -> StaffSession | None:
    """The session of a cookie, whatever it is still good for."""
    with reading(parts.engine) as conn:
        return staff_sessions.find(conn, secret, live)


def seen(parts: Parts, session: StaffSession) -> None:
    """A human asked for something."""
    now = parts.now()
    parts.writer.write(lambda conn: staff_sessions.seen(conn, session.id, now))


# ---- signing in ----------------------------------------------------------------------------------
def person_id_of(parts: Parts, name: str) -> str:
    """The id of whoever has this name; "" for nobody."""
    with reading(parts.engine) as conn:
        found = people.named(conn, parts.sealer, name)
    return found.id if found else ""


def known_from(parts: Parts, person_id: str, sources: Sequence[bytes]) -> bool:
    """Did this person sign in from this address lately?"""
    with reading(parts.engine) as conn:
        since = parts.now() - KNOWN_FOR
        return staff_sessions.signed_in_from(conn, person_id, sources, since)


def sign_in(
    parts: Parts, name: str, password: str, client: SignInClient, live: bool
) -> SignedIn | None:
    """A new session, or None: whoever asks hears nothing of why. The work is the same whether the
    name is known or not. Raises passwords.Busy."""
    with reading(parts.engine) as conn:
        person = people.named(conn, parts.sealer, name)
    right = passwords.matches(person.password if person else None, password)

    def work(conn: sa.Connection) -> SignedIn | None:
        now_there = people.named(conn, parts.sealer, name)
        if (
            not right
            or person is None
            or now_there is None
            or now_there.password != person.password
            or not _may_sign_in(now_there, live)
        ):
            who = now_there.name if now_there else Author.SYSTEM
            _note(conn, parts, who, Event.SIGN_IN_REFUSED, known=now_there is not None)
            return None
        stage = _first_stage(now_there)
        if stage == Stage.TOTP:
            people.keep_totp(conn, parts.sealer, now_there.id, NEW_TOTP, second_factor.new_secret())
        if stage == Stage.OPEN:
            _note(conn, parts, now_there.name, Event.SIGNED_IN, second_factor=False)
        staff_sessions.forget(conn, parts.now(), SESSIONS_KEPT)
        return _new_session(conn, parts, now_there.id, stage, client)

    return parts.writer.write(work)


def _may_sign_in(person: Person, live: bool) -> bool:
    return person.ended_at is None and not (live and person.rehearsal)


def _first_stage(person: Person) -> Stage:
    if person.has_totp:
        return Stage.CODE
    return Stage.TOTP if must_have_second_factor(person.role) else Stage.OPEN


def _new_session(
    conn: sa.Connection, parts: Parts, person_id: str, stage: Stage, client: SignInClient
) -> SignedIn:
    now, session_id, secret = parts.now(), parts.new_id(), secrets.token_urlsafe(32)
    done = stage == Stage.OPEN
    staff_sessions.add(
        conn, session_id, person_id, secret, stage, now,
        now + (ABSOLUTE if done else UNFINISHED), client.browser, client.source,
        stepped_up_at=now if done else None,
    )  # fmt: skip
    return _found(conn, secret)


def _found(conn: sa.Connection, secret: str) -> SignedIn:
    session = staff_sessions.find(conn, secret)
    assert session is not None
    return SignedIn(session, secret)


def prove_code(parts: Parts, session: StaffSession, typed: str) -> SignedIn | None:
    """The second factor: the session is open, under another secret. None: the code is wrong, or
    was used."""

    def work(conn: sa.Connection) -> SignedIn | None:
        how = _use_code(conn, parts, session.person_id, typed)
        if not how:
            staff_sessions.count_failure(conn, session.id)
            _note(conn, parts, session.name, Event.CODE_REFUSED)
            return None
        if how == "recovery":
            left = people.recovery_codes_left(conn, session.person_id)
            _note(conn, parts, session.name, Event.RECOVERY_CODE_USED, left=left)
        _note(conn, parts, session.name, Event.SIGNED_IN, second_factor=True)
        return _opened(conn, parts, session, factor_at=parts.now())

    return parts.writer.write(work)


def _use_code(conn: sa.Connection, parts: Parts, person_id: str, typed: str) -> str:
    """Use a code up: "totp", "recovery", or "" if it is none that counts."""
    person = people.find(conn, parts.sealer, person_id)
    if person is None:
        return ""
    counter = person.totp and second_factor.counter_of(person.totp, typed, parts.now())
    if counter and people.use_counter(conn, person_id, counter):
        return "totp"
    code = second_factor.as_recovery_code(typed)
    return "recovery" if code and people.use_recovery_code(conn, person_id, code) else ""


def _opened(
    conn: sa.Connection, parts: Parts, session: StaffSession, **more: object
) -> SignedIn | None:
    """The session, open from now on, under another secret; None if it ended meanwhile."""
    now, secret = parts.now(), secrets.token_urlsafe(32)
    told = dict(
        stage=Stage.OPEN,
        seen_at=now,
        ends_at=now + ABSOLUTE,
        stepped_up_at=now,
        locked_at=None,
        failures=0,
    )
    if not staff_sessions.renew_secret(conn, session.id, secret, **told | more):
        return None
    return _found(conn, secret)


def give_up_codes(parts: Parts, session: StaffSession) -> None:
    """Too many wrong codes: the password is asked for again."""
    _end(parts, session, Ended.CODES)


def sign_out(parts: Parts, session: StaffSession) -> None:
    _end(parts, session, Ended.SIGNED_OUT)


def _end(parts: Parts, session: StaffSession, because: Ended) -> None:
    def work(conn: sa.Connection) -> None:
        if staff_sessions.end(conn, parts.now(), because, session.id):
            _note(conn, parts, session.name, Event.SESSION_ENDED, because=because)

    parts.writer.write(work)


# ---- a session in use ----------------------------------------------------------------------------
def lock(parts: Parts, session: StaffSession) -> None:
    now = parts.now()
    parts.writer.write(lambda conn: staff_sessions.update(conn, session.id, locked_at=now))


def unlock(parts: Parts, session: StaffSession, typed: str) -> bool:
    """With the PIN, a few times; with the password, always. Raises passwords.Busy."""
    with reading(parts.engine) as conn:
        person = people.find(conn, parts.sealer, session.person_id)
    if person is None:
        return False
    by_pin = session.failures < TRIES and person.pin is not None and typed.isdecimal()
    right = by_pin and passwords.matches(person.pin, typed)
    right = right or passwords.matches(person.password, typed)

    def work(conn: sa.Connection) -> bool:
        now = parts.now()
        if not right:
            staff_sessions.count_failure(conn, session.id)
            _note(conn, parts, session.name, Event.UNLOCK_REFUSED)
            return False
        _note(conn, parts, session.name, Event.UNLOCKED)
        return staff_sessions.update(conn, session.id, locked_at=None, seen_at=now, failures=0)

    return parts.writer.write(work)


def step_up(parts: Parts, session: StaffSession, password: str, code: str) -> SignedIn | None:
    """Password, and a code where there is a second factor: the same session, under another secret.
    Raises passwords.Busy."""
    right = _password_right(parts, session, password)

    def work(conn: sa.Connection) -> SignedIn | None:
        how = right and (not session.has_totp or _use_code(conn, parts, session.person_id, code))
        if not how:
            _note(conn, parts, session.name, Event.STEP_UP_REFUSED)
            return None
        _note(conn, parts, session.name, Event.STEPPED_UP)
        secret, now = secrets.token_urlsafe(32), parts.now()
        kept = staff_sessions.renew_secret(conn, session.id, secret, stepped_up_at=now, seen_at=now)
        return _found(conn, secret) if kept else None

    return parts.writer.write(work)


def _password_right(parts: Parts, session: StaffSession, password: str) -> bool:
    with reading(parts.engine) as conn:
        person = people.find(conn, parts.sealer, session.person_id)
    return passwords.matches(person.password if person else None, password)


# ---- setting up, and one's own account -----------------------------------------------------------
def link_opens(parts: Parts, secret: str) -> bool:
    with reading(parts.engine) as conn:
        return people.link_opens(conn, secret, parts.now())


def begin_by_link(parts: Parts, secret: str, client: SignInClient) -> SignedIn | None:
    """A session for setting up the account of a link, which is used up; None: it opens nothing."""

    def work(conn: sa.Connection) -> SignedIn | None:
        person_id = people.use_link(conn, secret, parts.now())
        person = people.find(conn, parts.sealer, person_id) if person_id else None
        if person is None:
            return None
        staff_sessions.end_all(conn, person.id, parts.now(), Ended.REPLACED)
        _note(conn, parts, person.name, Event.LINK_USED)
        return _new_session(conn, parts, person.id, Stage.PASSWORD, client)

    return parts.writer.write(work)


def set_password(parts: Parts, session: StaffSession, new: str, old: str | None) -> SignedIn:
    """A new password; every other session of theirs ends. `old` None: while setting up. Raises
    Refused, passwords.Busy."""
    if old is not None and not _password_right(parts, session, old):
        _noted(parts, session.name, Event.PASSWORD_REFUSED)
        raise Refused("The present password is not right.")
    if fault := passwords.password_fault(new, session.name, parts.program.name):
        raise Refused(fault)
    kept = passwords.hashed(new)

    def work(conn: sa.Connection) -> SignedIn:
        now = parts.now()
        people.update(conn, session.person_id, password=kept)
        staff_sessions.end_all(conn, session.person_id, now, Ended.PASSWORD, session.id)
        _note(conn, parts, session.name, Event.PASSWORD_SET)
        secret, more = secrets.token_urlsafe(32), {}
        if session.stage == Stage.PASSWORD:
            people.keep_totp(
                conn, parts.sealer, session.person_id, NEW_TOTP, second_factor.new_secret()
            )
            more["stage"] = Stage.TOTP
        if not staff_sessions.renew_secret(conn, session.id, secret, **more):
            raise Refused("Your sign-in has ended.")
        return _found(conn, secret)

    return parts.writer.write(work)


def begin_totp(parts: Parts, session: StaffSession) -> None:
    """A new secret, which counts once a first code of it was typed."""

    def work(conn: sa.Connection) -> None:
        people.keep_totp(
            conn, parts.sealer, session.person_id, NEW_TOTP, second_factor.new_secret()
        )

    parts.writer.write(work)


def new_totp(parts: Parts, session: StaffSession) -> str | None:
    """The secret that waits for its first code, to be shown."""
    with reading(parts.engine) as conn:
        person = people.find(conn, parts.sealer, session.person_id)
    return person.new_totp if person else None


def confirm_totp(parts: Parts, session: StaffSession, typed: str) -> bool:
    """The first code of the new secret: it counts from now on, and the earlier one no more."""

    def work(conn: sa.Connection) -> bool:
        person = people.find(conn, parts.sealer, session.person_id)
        if person is None or person.new_totp is None:
            return False
        counter = second_factor.counter_of(person.new_totp, typed, parts.now())
        if counter is None:
            _note(conn, parts, session.name, Event.CODE_REFUSED)
            return False
        people.keep_totp(conn, parts.sealer, person.id, TOTP, person.new_totp)
        people.keep_totp(conn, parts.sealer, person.id, NEW_TOTP, None)
        people.update(conn, person.id, totp_counter=counter)
        _note(conn, parts, session.name, Event.TOTP_SET)
        if session.stage == Stage.TOTP:
            now = parts.now()
            staff_sessions.update(conn, session.id, stage=Stage.RECOVERY, factor_at=now)
        return True

    return parts.writer.write(work)


def remove_totp(parts: Parts, session: StaffSession) -> None:
    """Raises Refused where the role must have a second factor."""
    if must_have_second_factor(session.role):
        raise Refused("Your role needs a code at each sign-in.")

    def work(conn: sa.Connection) -> None:
        _forget_totp(conn, parts, session.person_id)
        _note(conn, parts, session.name, Event.TOTP_REMOVED)

    parts.writer.write(work)


def _forget_totp(conn: sa.Connection, parts: Parts, person_id: str) -> None:
    for column in (TOTP, NEW_TOTP):
        people.keep_totp(conn, parts.sealer, person_id, column, None)
    people.set_recovery_codes(conn, person_id, ())


def make_recovery_codes(parts: Parts, session: StaffSession) -> list[str]:
    """New ones, to be shown once; the earlier ones count no more. Raises Refused without a second
    factor."""
    if not session.has_totp:
        raise Refused("Recovery codes stand in for a code. Set codes up first.")
    codes = second_factor.new_recovery_codes()

    def work(conn: sa.Connection) -> None:
        people.set_recovery_codes(conn, session.person_id, codes)
        _note(conn, parts, session.name, Event.RECOVERY_CODES_MADE, count=len(codes))

    parts.writer.write(work)
    return codes


def recovery_codes_left(parts: Parts, session: StaffSession) -> int:
    with reading(parts.engine) as conn:
        return people.recovery_codes_left(conn, session.person_id)


def set_pin(parts: Parts, session: StaffSession, pin: str) -> None:
    """Raises Refused, passwords.Busy."""
    if fault := passwords.pin_fault(pin):
        raise Refused(fault)
    kept = passwords.hashed(pin)

    def work(conn: sa.Connection) -> None:
        people.update(conn, session.person_id, pin=kept)
        _note(conn, parts, session.name, Event.PIN_SET)

    parts.writer.write(work)


def go_on(parts: Parts, session: StaffSession) -> SignedIn | None:
    """The next step of setting up; what cannot be left out is asked for again. The last one opens
    the session, under another secret. None if it ended meanwhile."""

    def work(conn: sa.Connection) -> SignedIn | None:
        person = people.find(conn, parts.sealer, session.person_id)
        if person is None:
            return None
        if session.stage == Stage.TOTP and not must_have_second_factor(person.role):
            return _at_stage(conn, parts, session, Stage.PIN)
        if session.stage == Stage.RECOVERY and people.recovery_codes_left(conn, person.id):
            return _at_stage(conn, parts, session, Stage.PIN)
        if session.stage == Stage.PIN:
            people.keep_totp(conn, parts.sealer, person.id, NEW_TOTP, None)
            _note(conn, parts, person.name, Event.SIGNED_IN, second_factor=person.has_totp)
            return _opened(conn, parts, session)
        return None

    return parts.writer.write(work)


def _at_stage(
    conn: sa.Connection, parts: Parts, session: StaffSession, stage: Stage
) -> SignedIn | None:
    secret = secrets.token_urlsafe(32)
    kept = staff_sessions.renew_secret(conn, session.id, secret, stage=stage)
    return _found(conn, secret) if kept else None


def set_looks(parts: Parts, session: StaffSession, theme: str, single_keys: bool) -> None:
    """Light or dark, and whether single keys act. Raises Refused."""
    if theme not in THEMES:
        raise Refused("Choose light, dark, or as this machine is.")

    def work(conn: sa.Connection) -> None:
        people.update(conn, session.person_id, theme=theme, single_keys=single_keys)

    parts.writer.write(work)


# ---- sessions ------------------------------------------------------------------------------------
def sessions_of(parts: Parts, person_id: str) -> list[StaffSession]:
    with reading(parts.engine) as conn:
        return staff_sessions.of_person(conn, person_id, parts.now())


def end_session(parts: Parts, by: str, person_id: str, session_id: str) -> bool:
    """End one session of somebody; False if it is over, or is not theirs."""

    def work(conn: sa.Connection) -> bool:
        done = staff_sessions.end(conn, parts.now(), Ended.REVOKED, session_id, person_id)
        if done:
            whose = people.find(conn, parts.sealer, person_id)
            name = whose.name if whose else ""
            _note(conn, parts, by, Event.SESSION_ENDED, person=name, because=Ended.REVOKED)
        return done

    return parts.writer.write(work)


def end_sessions(parts: Parts, by: str, person_id: str, except_id: str = "") -> int:
    """End all sessions of somebody but one; how many there were."""

    def work(conn: sa.Connection) -> int:
        many = staff_sessions.end_all(conn, person_id, parts.now(), Ended.REVOKED, except_id)
        whose = people.find(conn, parts.sealer, person_id)
        name = whose.name if whose else ""
        _note(conn, parts, by, Event.SESSIONS_ENDED, person=name, count=many)
        return many

    return parts.writer.write(work)


# ---- people --------------------------------------------------------------------------------------
def everybody(parts: Parts) -> list[Person]:
    with reading(parts.engine) as conn:
        return people.everybody(conn, parts.sealer)


def find(parts: Parts, person_id: str) -> Person | None:
    with reading(parts.engine) as conn:
        return people.find(conn, parts.sealer, person_id)


def find_named(parts: Parts, name: str) -> Person | None:
    with reading(parts.engine) as conn:
        return people.named(conn, parts.sealer, name)


def name_fault(parts: Parts, name: str) -> str:
    """Why nobody can be called this in the journal; "" if somebody can."""
    if not 1 <= len(name) <= LONGEST_NAME or name != " ".join(name.split()):
        return f"Write a name of 1 to {LONGEST_NAME} characters."
    if not name.isprintable() or any(sign in name for sign in "<>{}@"):
        return "Write the name with letters, digits and common signs."
    taken = {*Author, *(one.name for one in parts.program.destinations)}
    if people.name_key(name) in {people.name_key(one) for one in taken}:
        return "That is somebody else's name in the journal."
    return ""


def add_person(parts: Parts, by: str, name: str, role: Role) -> str:
    """Somebody new; the secret of their one-time link. Raises Refused."""
    if fault := name_fault(parts, name):
        raise Refused(fault)
    person_id = parts.new_id()

    def work(conn: sa.Connection) -> str:
        people.add(conn, person_id, name, role, parts.now())
        _note(conn, parts, by, Event.PERSON_ADDED, person=name, role=role)
        return _new_link(conn, parts, person_id)

    try:
        return parts.writer.write(work)
    except IntegrityError:
        raise Refused(f"{name}: already there") from None


def _new_link(conn: sa.Connection, parts: Parts, person_id: str) -> str:
    secret, now = secrets.token_urlsafe(32), parts.now()
    people.add_link(conn, parts.new_id(), person_id, secret, now, now + LINK_FOR)
    return secret


def reset(parts: Parts, by: str, person_id: str) -> str:
    """Password, codes and PIN are gone and every session ends; the secret of a new one-time link.
    Raises Refused."""

    def work(conn: sa.Connection) -> str:
        person = _there(conn, parts, person_id)
        if person.ended_at is not None:
            raise Refused(f"{person.name} is disabled. Enable them first.")
        people.update(conn, person_id, password=None, pin=None, rehearsal=False)
        _forget_totp(conn, parts, person_id)
        staff_sessions.end_all(conn, person_id, parts.now(), Ended.RESET)
        _note(conn, parts, by, Event.PERSON_RESET, person=person.name)
        return _new_link(conn, parts, person_id)

    return parts.writer.write(work)


def change_role(parts: Parts, by: str, person_id: str, role: Role) -> None:
    """From their next request on. Raises Refused."""

    def work(conn: sa.Connection) -> None:
        person = _there(conn, parts, person_id)
        people.update(conn, person_id, role=role)
        _note(conn, parts, by, Event.PERSON_ROLE, person=person.name, role=role, before=person.role)
        if person.role == Role.ADMINISTRATOR:
            _somebody_manages(conn)
        if must_have_second_factor(role) and not person.has_totp:
            # they set it up at their next sign-in
            staff_sessions.end_all(conn, person_id, parts.now(), Ended.REVOKED)

    parts.writer.write(work)


def disable(parts: Parts, by: str, person_id: str, last_too: bool = False) -> None:
    """Every session of theirs ends at once, and every link. `last_too`: even the last
    administrator. Raises Refused."""

    def work(conn: sa.Connection) -> None:
        person, now = _there(conn, parts, person_id), parts.now()
        if person.ended_at is not None:
            raise Refused(f"{person.name} is disabled already.")
        people.update(conn, person_id, ended_at=now)
        people.end_links(conn, person_id, now)
        staff_sessions.end_all(conn, person_id, now, Ended.DISABLED)
        _note(conn, parts, by, Event.PERSON_DISABLED, person=person.name)
        if person.role == Role.ADMINISTRATOR and not last_too:
            _somebody_manages(conn)

    parts.writer.write(work)


def enable(parts: Parts, by: str, person_id: str) -> None:
    """Raises Refused."""

    def work(conn: sa.Connection) -> None:
        person = _there(conn, parts, person_id)
        people.update(conn, person_id, ended_at=None)
        _note(conn, parts, by, Event.PERSON_ENABLED, person=person.name)

    parts.writer.write(work)


def _there(conn: sa.Connection, parts: Parts, person_id: str) -> Person:
    person = people.find(conn, parts.sealer, person_id)
    if person is None:
        raise Refused("There is nobody of this name.")
    return person


def _somebody_manages(conn: sa.Connection) -> None:
    """Looked at after the change, which is undone if nobody is left."""
    if not people.active_with_role(conn, Role.ADMINISTRATOR):
        raise Refused("Somebody must stay administrator. Make another one first.")


def set_up_for_rehearsal(
    parts: Parts, name: str, role: Role, password: str, totp: str | None
) -> None:
    """Somebody whose password and codes `rehearse` prints, whatever was changed before."""
    kept = passwords.hashed(password)

    def work(conn: sa.Connection) -> None:
        person = people.named(conn, parts.sealer, name)
        if person is None:
            people.add(conn, parts.new_id(), name, role, parts.now(), rehearsal=True)
            person = people.named(conn, parts.sealer, name)
            assert person is not None
        people.update(conn, person.id, role=role, password=kept, ended_at=None, rehearsal=True)
        if totp != person.totp:
            people.keep_totp(conn, parts.sealer, person.id, TOTP, totp)

    parts.writer.write(work)


def _noted(parts: Parts, who: str, event: Event) -> None:
    parts.writer.write(lambda conn: _note(conn, parts, who, event))


def _note(conn: sa.Connection, parts: Parts, who: str, event: Event, **detail: object) -> None:
    journal.write(conn, [journal.Entry(parts.new_id(), parts.now(), "", str(who), event, detail)])
