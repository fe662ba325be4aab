"""A database of the first release, full of people, is migrated to this release: no person and no
data is lost.

What the first release stored is written out here exactly as it wrote it; today's tables and cases
are not used for that.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import responses
import sqlalchemy as sa
from conftest import House, twiml
from flask import Flask
from flask_migrate import downgrade, upgrade
from running import connected, new_database

from caller_service.app import build
from caller_service.casework.parts import Parts
from caller_service.commands.database import database_faults, migrated
from caller_service.commands.tokens import token_report
from caller_service.config.settings import Settings
from caller_service.core.access import Token, why_refused
from caller_service.core.program import Destination
from caller_service.jobs.worker import migrate_engine
from caller_service.store import cases, contacts, hand_offs, messages
from caller_service.store.tables import db
from caller_service.store.tokens import add as add_token
from caller_service.store.tokens import find, token_hash
from upgrade.new_worker import NewWorker

FIRST = "0001_first_tables"
# tables added after the first release
SINCE = frozenset(
    {
        "call",
        "callback",
        "failure",
        "idempotency_key",
        "leg",
        "person_link",
        "probe_result",
        "recovery_code",
        "sealing_key",
        "staff_case",
        "staff_session",
        "talk",
        "visit",
    }
)
OURS = frozenset(db.metadata.tables) - SINCE
MARKS: dict[str, dict[str, Any]] = {
    "case": {"test": False, "parked": False},
    "page": {"held": False},
    "contact": {
        "sealed_care_note": None,
        "care_until": None,
        "slowed_until": None,
        "index_key": None,
        "our_number": "",
    },
    "message": {"state_at": None, "erased_at": None, "redact_at": None},
    "delivery": {"claimed_by": None},
}
CAD = "rehearsal-cad"
ANA, BEN, CARO, DINA, EMIL = (f"+1720555014{digit}" for digit in range(5))
DISPATCHER, DISPATCHERS_PHONE = "Dispatcher on duty", "+17205550130"
HOLD = timedelta(seconds=30)  # until then the sweep leaves alone what a job has claimed
Kept = dict[str, list[dict[str, Any]]]

# ---- what the first release stored ---------------------------------------------------------------

STATE: Mapping[str, Any] = {  # the state of a new case
    "answers": {}, "said": [], "located": "", "because": [], "set_aside": [], "review": False,
    "asked": "", "again": [], "unreadable": 0, "team": "", "interpreter": False, "round": 0,
    "rung": 0, "accepted_by": "", "revision": 0, "sent": "", "told": "", "quiet": False,
    "cannot_text": "", "related": "", "marks": {},
}  # fmt: skip
SCREENED = {
    "who": "adult", "health": "no", "safety": "no", "suicide": "no", "contact": "text",
    "where": "given", "need": "upset", "gun": "no", "want": "team", "if_none": "wait",
}  # fmt: skip
TEAM = {
    "answers": SCREENED, "said": ["hears_or_sees"], "located": "inside",
    "because": ["upset_hears_or_sees", "wants.team"], "team": "care-1",
}  # fmt: skip
TEAM_COLUMNS = {
    "level": "R3",
    "response": "team",
    "area": "central",
    "place": "Main St and 3rd Ave",
    "story": ["he is «shouting» 🙏", ""],
}


@dataclass
class OldRelease:
    """Writes rows as the first release did, on one connection."""

    parts: Parts
    conn: sa.Connection
    now: datetime
    words: dict[str, str] = field(default_factory=dict)  # the words of every text, by its id
    cases: dict[str, str] = field(default_factory=dict)  # case ids by reference
    numbers: dict[str, str] = field(default_factory=dict)  # by contact id
    # ids of texts on their way, by what they are
    texts: dict[str, str] = field(default_factory=dict)
    deliveries: dict[str, str] = field(default_factory=dict)  # the same for deliveries
    tables: sa.MetaData = field(default_factory=sa.MetaData)

    def ago(self, seconds: float) -> datetime:
        return self.now - timedelta(seconds=seconds)

    def keep(self, table: str, **row: Any) -> str:
        row.setdefault("id", self.parts.new_id())
        self.conn.execute(sa.insert(self.tables.tables[table]).values(row))
        return str(row["id"])

    def contact(self, number: str, **more: Any) -> str:
        contact, sealer = self.parts.new_id(), self.parts.sealer
        self.numbers[contact] = number
        sealed = {
            "number_index": sealer.index(number),
            "sealed_number": sealer.seal(number, f"contact.number.{contact}"),
        }
        return self.keep(
            "contact",
            **{"id": contact, "language": "en", "created_at": self.ago(9e5)} | sealed | more,
        )

    def case(
        self,
        contact: str,
        reference: str,
        status: str,
        state: Mapping[str, Any],
        marks: Mapping[str, datetime],
        **more: Any,
    ) -> str:
        case, sealer = self.parts.new_id(), self.parts.sealer
        story, place, code_word = (
            more.pop("story", None),
            more.pop("place", None),
            more.pop("code_word", None),
        )
        row = {
            "id": case, "reference": reference, "contact_id": contact, "status": status,
            "version": 3, "level": None, "response": "", "area": "", "language": "en",
            "protocol_hash": "c194bb6dd400d978", "outcome": "", "unserved": "",
            "opened_at": marks["opened"],
            "state": {**STATE, **state, "marks": {name: at.isoformat() for name, at in marks.items()}},
            "closed_at": marks.get("closed") or marks.get("cancelled"),
            "sealed_narrative": story and sealer.seal(json.dumps([story, [["María", "no hay equipo"]]]), f"case.narrative.{case}"),
            "sealed_place": place and sealer.seal(json.dumps([place, [-104.99, 39.74]]), f"case.place.{case}"),
            "sealed_code_word": code_word and sealer.seal(code_word, f"case.code_word.{case}"),
        }  # fmt: skip
        self.cases[reference] = case
        return self.keep("case", **row | more)

    def text(
        self,
        words: str,
        case: str | None,
        contact: str | None,
        direction: str = "out",
        state: str = "replied",
        **more: Any,
    ) -> str:
        text = self.parts.new_id()
        self.words[text] = words
        row = {
            "id": text, "direction": direction, "provider": "twilio", "contact_id": contact,
            "case_id": case, "place": 0, "keys": "",
            "sealed_words": self.parts.sealer.seal(words, f"message.words.{text}"),
            "language": "en", "state": state, "rank": 0, "tries": 0,
            "at": self.ago(60),  # shared by many rows
        }  # fmt: skip
        return self.keep("message", **row | more)

    def turn(self, case: str, contact: str, sid: str, words: str, *answers: str) -> None:
        """An inbound text and its replies. The last part is stored first, as can happen."""
        heard = self.text(words, case, contact, "in", "heard", provider_id=sid)
        for place, answer in reversed(list(enumerate(answers))):
            self.text(answer, case, contact, answers=heard, place=place)

    def hand_off(self, case: str, **delivery: Any) -> str:
        """One revision, which the console has received; `delivery` says how far its delivery to
        dispatch has got."""
        packet = {
            "type": "hand_off.v1",
            "hand_off_id": case,
            "revision": 1,
            "status": "handed_off",
            "notes": [{"words": "él grita 🙏"}],
        }
        sealed = self.parts.sealer.seal(
            json.dumps(packet, ensure_ascii=False), f"hand_off.packet.{case}.1"
        )
        table = self.tables.tables["hand_off"]
        self.conn.execute(
            sa.insert(table).values(
                case_id=case, revision=1, because="danger", sealed_packet=sealed, at=self.ago(60)
            )
        )
        both = {"case_id": case, "revision": 1, "tries": 0, "at": self.ago(60)}
        self.keep(
            "delivery", **both, destination="console", state="received", received_at=self.ago(60)
        )
        return self.keep(
            "delivery",
            **both
            | {"destination": CAD, "state": "waiting", "next_at": self.now + HOLD}
            | delivery,
        )

    def job(self, name: str, reference: str, status: str = "ENQUEUED") -> None:
        """A job that no worker has taken yet, one (PENDING) whose worker died while running it, or
        one that is done."""
        job = f"{name.partition('_')[0]}:{reference}:0"
        self.parts.jobs.enqueue(
            self.conn,
            name,
            job,
            reference,
            queue="texts" if name == "send_text" else f"deliver.{CAD}",
        )
        lite = self.conn.dialect.name == "sqlite"
        # on SQLite the executor is just "worker"
        taken = {"status": status, "executor": "worker" if lite else "worker-of-old", "job": job}
        if status != "ENQUEUED":
            table = "workflow_status" if lite else "dbos.workflow_status"
            query = f"UPDATE {table} SET status = :status, executor_id = :executor, application_version = 'caller-1' WHERE workflow_uuid = :job"
            assert self.conn.execute(sa.text(query), taken).rowcount == 1

    # ---- people ----------------------------------------------------------------------------------
    def everybody(self) -> None:
        self.tables.reflect(self.conn, only=sorted(OURS))
        self.ana()
        self.ben()
        self.caro()
        self.dina()
        self.emil()
        self.staff()

    def ana(self) -> None:
        """Is in the middle of the screening."""
        ana = self.contact(ANA, language="es")
        marks = {"opened": self.ago(90), "heard": self.ago(60), "asked": self.ago(60)}
        state = {"answers": {"who": "me", "health": "no"}, "asked": "safety"}
        case = self.case(
            ana,
            "J2B9C8",
            "screening",
            state,
            marks,
            language="es",
            due_at=self.now + 8 * HOLD,
            story=["hola, мама 🙏"],
        )
        self.turn(
            case, ana, "SMana1", "hola, мама 🙏 ayúdame", "Así empezó. 🙏\n¿Quién?", "segunda parte"
        )
        self.turn(case, ana, "SMana2", "", "¿Alguien está herido?")
        self.turn(case, ana, "SMana3", "2", "¿Hay peligro?")
        for event, detail in (
            ("status", {"to": "screening"}),
            ("answered", {"question": "who", "choice": "é\u2028"}),
            ("level", {}),
        ):
            self.keep(
                "journal", at=self.ago(60), case_id=case, who="resident", event=event, detail=detail
            )

    def ben(self) -> None:
        """Cancelled once; now waits for a team. A hand-off and a text are enqueued."""
        ben = self.contact(BEN)
        self.case(
            ben,
            "K3D4F5",
            "cancelled",
            {},
            {"opened": self.ago(9e4), "cancelled": self.ago(8e4)},
            outcome="cancelled",
        )
        marks = {
            "opened": self.ago(300),
            "heard": self.ago(120),
            "asked": self.ago(130),
            "open": self.ago(120),
            "handed_off": self.ago(120),
        }
        case = self.case(
            ben,
            "J5R7W6",
            "handed_off",
            {**TEAM, "revision": 1},
            marks,
            due_at=self.now + 6 * HOLD,
            **TEAM_COLUMNS,
        )
        self.turn(case, ben, "SMben1", "he is «shouting» 🙏", "Nobody has picked it up yet.")
        self.deliveries["enqueued"] = self.hand_off(case)
        self.texts["enqueued"] = self.text(
            "We still look.",
            case,
            ben,
            state="waiting",
            keys="status.still_waiting",
            next_at=self.now + HOLD,
        )
        self.job("deliver", self.deliveries["enqueued"])
        self.job("send_text", self.texts["enqueued"])

    def caro(self) -> None:
        """A team has the case. The worker died in the middle of a delivery, and of a text that
        Twilio already has."""
        caro = self.contact(CARO)
        marks = {
            name: self.ago(120)
            for name in ("opened", "heard", "open", "handed_off", "acknowledged", "accepted")
        }
        marks["promised"] = self.now + 40 * HOLD
        state = {**TEAM, "accepted_by": "María", "revision": 1, "told": "status.other.received"}
        case = self.case(
            caro, "V3Z6N4", "accepted", state, marks, due_at=marks["promised"], **TEAM_COLUMNS
        )
        self.deliveries["pending"] = self.hand_off(case)
        self.job("deliver", self.deliveries["pending"], "PENDING")
        trying: dict[str, Any] = {
            "state": "trying",
            "tries": 1,
            "keys": "status.other.received",
            "next_at": self.now + HOLD,
        }
        self.texts["pending"] = text = self.text("María's team has it.", case, caro, **trying)
        table = self.tables.tables["message"]
        self.conn.execute(
            sa.update(table).where(table.c.id == text).values(claimed_by=f"send:{text}:0")
        )
        self.job("send_text", text, "PENDING")
        done = self.text(
            "Help is coming.", case, caro, state="delivered", rank=6, provider_id="SMcaro2", tries=1
        )
        self.job("send_text", done, "SUCCESS")
        self.text("", case, caro, state="dead", rank=5, error="twilio 21614", tries=10)

    def dina(self) -> None:
        """In danger, and the next person should have been paged by now. Attempts that failed once
        are due again."""
        dina = self.contact(DINA)
        marks = {
            name: self.ago(120)
            for name in ("opened", "heard", "open", "handed_off", "paged", "first_paged", "asked")
        }
        state: dict[str, Any] = {
            "answers": {"health": "yes", "contact": "text_call"},
            "said": ["overdose"],
            "because": ["danger_said", "health.yes"],
        }
        state |= {"asked": "where", "round": 1, "revision": 1}
        case = self.case(
            dina,
            "W4J7X3",
            "handed_off",
            state,
            marks,
            level="R1",
            response="human",
            due_at=self.ago(60),
        )
        self.deliveries["due"] = self.hand_off(
            case, tries=2, next_at=self.ago(30), error="http 503"
        )
        self.keep(
            "page",
            case_id=case,
            ladder="danger",
            round=1,
            rung=0,
            person=DISPATCHER,
            at=self.ago(120),
        )
        due: dict[str, Any] = {
            "state": "waiting",
            "tries": 1,
            "next_at": self.ago(30),
            "error": "twilio 20429",
        }
        self.texts["due"] = self.text(
            "Request W4J7X3 needs a human.", case, None, person=DISPATCHER, keys="page", **due
        )

    def emil(self) -> None:
        """An older, closed case with a long story; he has stopped texts since."""
        emil = self.contact(EMIL, stopped_at=self.ago(7e4), stopped_because="asked")
        story = [f"{place}: " + "слово 🙏 " * 200 for place in range(20)]
        marks = {"opened": self.ago(9e4), "heard": self.ago(9e4), "closed": self.ago(8e4)}
        state = {
            "answers": {"health": "skipped"},
            "because": ["health.doubt"],
            "revision": 1,
            "cannot_text": "stopped",
        }
        private = {"story": story, "place": "Straße 9, 3º", "code_word": "пирог"}
        case = self.case(
            emil,
            "R8Z7Q7",
            "closed",
            state,
            marks,
            level="R2",
            response="human",
            outcome="safe",
            **private,
        )
        self.hand_off(case, state="received", next_at=None, received_at=self.ago(8e4))
        self.turn(case, emil, "SMemil1", story[0], "")

    def staff(self) -> None:
        """Rows without a case or a resident, and the small tables."""
        heard = self.text(
            "ZZZZZZ", None, None, "in", "heard", person=DISPATCHER, provider_id="SMstaff1"
        )
        self.text(
            "No such request, as it was said then.",
            None,
            None,
            person=DISPATCHER,
            answers=heard,
            keys="page.unknown",
        )
        self.text("withheld", None, None, "in", "heard", provider_id="SMwithheld1")
        for who in ("cad", "cad", ""):
            self.keep("journal", at=self.ago(60), case_id=None, who=who, event="listed", detail={})
        self.keep(
            "token", name="cad", hash="0" * 64, created_at=self.ago(9e5), revoked_at=self.ago(8e5)
        )
        for name in ("cad", CAD, "console", "clinic", "Clinic"):
            self.keep("token", name=name, hash=token_hash(name), created_at=self.ago(9e5))
        self.keep(
            "person", name="Zoë", role="supervisor", password="scrypt:x", created_at=self.ago(9e5)
        )
        areas = self.tables.tables["area_state"]
        self.conn.execute(sa.insert(areas).values(area="eastside", full_until=self.now + HOLD))


# ---- a service with a database of the first release ----------------------------------------------


@dataclass
class Carried:
    """The app of this release, and the database that the first release left."""

    app: Flask
    settings: Settings
    left: OldRelease

    @property
    def parts(self) -> Parts:
        return self.left.parts

    @property
    def url(self) -> str:
        return self.settings.database_url

    def to_head(self) -> None:
        migrated(self.app, self.settings)  # as `caller-service migrate` does

    def back(self) -> None:
        with self.app.app_context():
            downgrade(revision=FIRST)


@pytest.fixture(params=["sqlite", "postgresql"])
def old(
    request: pytest.FixtureRequest, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> Iterator[Carried]:
    """A database as the first release left it, not migrated yet."""
    (tmp_path / "var").mkdir()
    levels = {name: logging.getLogger(name).level for name in ("alembic", "dbos")}
    with new_database(request.param, tmp_path) as url:
        environment = {"CALLER_DATABASE_URL": url, "CALLER_PUBLIC_URL": "https://house.test"}
        settings = Settings.from_environment(environment, here=tmp_path)
        if url.startswith("sqlite"):
            Path(str(sa.make_url(settings.database_url).database)).touch()
        app = build(settings)
        parts = app.extensions["caller_parts"]
        try:
            with app.app_context():
                upgrade(revision=FIRST)
            migrate_engine(url)
            with parts.engine.begin() as conn:
                left = OldRelease(parts, conn, datetime.now(UTC))
                left.everybody()
            yield Carried(app, settings, left)
        finally:
            parts.engine.dispose()
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)


def rows(url: str, ours: bool = True) -> Kept:
    """Every row of every table of ours, or of the engine's, as the database returns it."""
    with connected(url) as conn:
        schema = None if ours or conn.dialect.name == "sqlite" else "dbos"
        names = (
            OURS
            if ours
            else set(sa.inspect(conn).get_table_names(schema=schema))
            - OURS
            - SINCE
            - {"alembic_version"}
        )
        return {
            name: _ordered(
                conn.execute(
                    sa.text(f'SELECT * FROM {"dbos." if schema else ""}"{name}"')
                ).mappings()
            )
            for name in sorted(names)
        }


def _ordered(found: Any) -> list[dict[str, Any]]:
    return sorted((dict(sorted(row.items())) for row in found), key=repr)


def as_carried(kept: Kept) -> Kept:
    """What this release makes of the rows: the journal has "" where it named no case, nothing is
    marked as a test, ended cases are due for erasure, and nothing else is changed."""
    marked = {
        table: _ordered({**row, **marks} for row in kept[table]) for table, marks in MARKS.items()
    }
    marked["case"] = _ordered({**row, "erase_at": row["closed_at"]} for row in marked["case"])
    return {
        **kept,
        **marked,
        "token": _ordered({**row, **_token_now(row["name"])} for row in kept["token"]),
        "person": _ordered({**row, **_person_now(row["name"])} for row in kept["person"]),
        "journal": _ordered({**row, "case_id": row["case_id"] or ""} for row in kept["journal"]),
    }


def _person_now(name: str) -> dict[str, Any]:
    """No second factor and no PIN: they sign in with a one-time link."""
    return {
        "name_key": name.casefold(), "pin": None, "sealed_totp": None, "sealed_new_totp": None,
        "totp_counter": 0, "theme": "", "single_keys": True, "rehearsal": False,
    }  # fmt: skip


def _token_now(name: str) -> dict[str, Any]:
    """A token keeps its permissions for the destination of the same name; if there is none it opens
    nothing."""
    kind = {CAD: "api", "console": "console"}.get(name)
    return {
        "kind": kind or "api",
        "destination": name if kind else None,
        "scopes": "read act transcript converse",
        "expires_at": None,
    }


def shape(url: str) -> dict[str, Any]:
    """The schema of our tables: columns, keys, and indexes with their columns."""
    with connected(url) as conn:
        found = sa.inspect(conn)
        return {
            name: {
                "columns": {
                    (one["name"], str(one["type"]), one["nullable"])
                    for one in found.get_columns(name)
                },
                "key": found.get_pk_constraint(name)["constrained_columns"],
                "unique": {
                    (one["name"], *one["column_names"])
                    for one in found.get_unique_constraints(name)
                },
                "foreign": {
                    (
                        one["name"],
                        *one["constrained_columns"],
                        one["referred_table"],
                        *one["referred_columns"],
                    )
                    for one in found.get_foreign_keys(name)
                },
                "indexes": {
                    (
                        one["name"],
                        *one["column_names"],
                        one["unique"],
                        str(one.get("dialect_options", {}).get(f"{conn.dialect.name}_where")),
                    )
                    for one in found.get_indexes(name)
                },
            }
            for name in sorted(OURS)
        }


def refused(parts: Parts, table: str, like: dict[str, Any], **changed: Any) -> bool:
    """Does the database refuse a row like this one with these changes?"""
    values = like | {"id": parts.new_id()} | changed
    names = ", ".join(f'"{name}"' for name in values)
    with parts.engine.connect() as conn:
        try:
            conn.execute(
                sa.text(
                    f'INSERT INTO "{table}" ({names}) VALUES '
                    f"({', '.join(f':{name}' for name in values)})"
                ),
                values,
            )
        except sa.exc.IntegrityError:
            return True
        finally:
            conn.rollback()
    return False


def one(url: str, table: str, **where: Any) -> dict[str, Any]:
    """The row with these values, its JSON as text."""
    with connected(url) as conn:
        asked = " AND ".join(f'"{name}" = :{name}' for name in where)
        found = (
            conn.execute(sa.text(f'SELECT * FROM "{table}" WHERE {asked}'), where).mappings().one()
        )
    return {
        name: json.dumps(value) if isinstance(value, dict) else value
        for name, value in found.items()
    }


# ---- the rows ------------------------------------------------------------------------------------


def test_every_row_and_every_job_is_carried_to_this_release(old: Carried) -> None:
    before, jobs = rows(old.url), rows(old.url, ours=False)
    assert all(before.values()), "the old release left something in every table"
    assert {row["status"] for row in jobs["workflow_status"]} == {"ENQUEUED", "PENDING", "SUCCESS"}
    assert len(database_faults(old.settings)) == 1, "this release does not work on it yet"

    old.to_head()

    assert database_faults(old.settings) == []
    assert rows(old.url) == as_carried(before)
    assert rows(old.url, ours=False) == jobs


def test_what_was_sealed_still_opens(old: Carried) -> None:
    old.to_head()

    left, sealer = old.left, old.parts.sealer
    with old.parts.engine.connect() as conn:
        assert {
            id: text.words for id in left.words if (text := messages.by_id(conn, sealer, id))
        } == left.words
        assert {
            contact: contacts.by_id(conn, sealer, contact).number for contact in left.numbers
        } == left.numbers
        found = {reference: cases.by_reference(conn, sealer, reference) for reference in left.cases}
        packet = hand_offs.packet(conn, sealer, left.cases["J5R7W6"])
    assert {reference: case and case.id for reference, case in found.items()} == left.cases
    emil, ana = found["R8Z7Q7"], found["J2B9C8"]
    assert emil and (emil.place, emil.point, emil.code_word) == (
        "Straße 9, 3º",
        (-104.99, 39.74),
        "пирог",
    )
    assert (len(emil.narrative), emil.narrative[19][:10], emil.remarks) == (
        20,
        "19: слово ",
        (("María", "no hay equipo"),),
    )
    assert ana and (ana.narrative, ana.asked, dict(ana.answers)) == (
        ("hola, мама 🙏",),
        "safety",
        {"who": "me", "health": "no"},
    )
    assert packet and packet["notes"] == [{"words": "él grita 🙏"}]


def test_what_the_database_holds_to_it_still_holds_to(old: Carried) -> None:
    old.to_head()

    parts = old.parts
    case, text = (
        one(old.url, "case", reference="J2B9C8"),
        one(old.url, "message", provider_id="SMana1"),
    )
    assert refused(parts, "case", case, reference="B2B2B2"), "a second open case of one contact"
    assert not refused(parts, "case", case, reference="B2B2B2", closed_at=case["opened_at"])
    assert refused(parts, "message", text), "one provider id twice"
    assert not refused(parts, "message", text, provider_id=None)
    assert refused(parts, "message", text, provider_id="SMnew", case_id="nobody's"), (
        "a text of no case that is there"
    )
    line = one(old.url, "journal", event="answered")
    assert refused(parts, "journal", line, id=line["id"]), "one line twice"
    assert refused(parts, "journal", line, case_id=None)
    assert not refused(parts, "journal", line, case_id="")


def test_back_one_step_and_up_again_with_nothing_lost(old: Carried) -> None:
    before, jobs, first = rows(old.url), rows(old.url, ours=False), shape(old.url)
    old.to_head()
    head = shape(old.url)
    assert head != first

    old.back()

    assert shape(old.url) == first
    assert rows(old.url) == before
    assert rows(old.url, ours=False) == jobs
    text = one(old.url, "message", provider_id="SMana1")
    assert refused(old.parts, "message", text, provider_id="SMnew", answers="nothing"), (
        "an answer to nothing, as it was then"
    )
    assert not refused(old.parts, "message", text, provider_id="SMnew", answers=text["id"])

    old.to_head()

    assert shape(old.url) == head
    assert rows(old.url) == as_carried(before)
    assert rows(old.url, ours=False) == jobs


# ---- the people ----------------------------------------------------------------------------------


def _but_keys(kept: Kept) -> Kept:
    """When somebody writes, their contact is rewritten under the newest keys, and the row says
    so."""
    keys = ("index_key", "sealed_number")
    contacts = [
        {name: value for name, value in row.items() if name not in keys} for row in kept["contact"]
    ]
    return {**kept, "contact": contacts}


def test_residents_and_dispatch_go_on_where_they_were(
    old: Carried, outside: responses.RequestsMock
) -> None:
    old.to_head()
    house = House(old.app, outside)
    house.clock.at = datetime.now(UTC)
    ana, ben, emil, staff = (
        house.resident(number) for number in (ANA, BEN, EMIL, DISPATCHERS_PHONE)
    )

    # A repeated webhook gets the old response, and changes nothing.
    before = rows(old.url)
    assert twiml(ana.posts("hola", sid="SMana1").text) == [
        "Así empezó. 🙏\n¿Quién?",
        "segunda parte",
    ]
    assert twiml(ana.posts("", sid="SMana2").text) == ["¿Alguien está herido?"]
    assert twiml(staff.posts("ZZZZZZ", sid="SMstaff1").text) == [
        "No such request, as it was said then."
    ]
    assert _but_keys(rows(old.url)) == _but_keys(before)

    # The next answer gets the next question, in the same case. A bare number is only interpreted by
    # the choices that were sent: the old release did not store them, so the question is asked
    # again.
    ana.texts("2").hears("¿Pasa algo de esto ahora?")
    assert ana.case().state["answers"] == {"who": "me", "health": "no"}
    ana.texts("no").told("ask.suicide.me", language="es")
    assert (ana.case().id, ana.case().version) == (old.left.cases["J2B9C8"], 5)
    assert ana.case().state["answers"] == {"who": "me", "health": "no", "safety": "no"}

    # Somebody who comes back gets a new request, which is linked to the old one.
    emil.texts("hello again")
    assert emil.case().state["related"] == old.left.cases["R8Z7Q7"]

    # Dispatch finds what it had, reads it, and accepts it; whoever is back after a danger is read.
    listed = house.dispatch("", method="GET").json["hand_offs"]
    references = [each["reference"] for each in listed]
    assert references == ["J5R7W6", "V3Z6N4", "W4J7X3", emil.case().reference]
    path = f"/{ben.case().id}"
    said = house.dispatch(f"{path}/messages", method="GET").json["messages"]
    assert {each["words"] for each in said} == {
        "he is «shouting» 🙏",
        "Nobody has picked it up yet.",
        "We still look.",
    }
    assert (
        house.dispatch(f"{path}/acknowledgement", {"answer": "accept", "by": "Maria"}).status_code
        == 200
    )
    assert (ben.case().status, ben.case().version) == ("accepted", 4)


def test_a_worker_of_this_release_finishes_what_the_old_one_left(
    old: Carried, tmp_path: Path
) -> None:
    old.to_head()
    ours = old.parts.program.numbers.ours[0].number
    new = NewWorker(old.settings, ours, tmp_path)
    # the text was sent, and then the old worker died
    reached = new.exchange.text("outbound-api", ours, CARO, "María's team has it.", "delivered")
    with new.works() as wait:
        wait(lambda: not under_way(old), "all the old one left is done")
        wait(lambda: paged_next(old), "the next person is paged")

    arrived = [
        (each["key"], each["status"])
        for each in new.board.deliveries
        if str(each["key"]).endswith(".1")
    ]
    taken = sorted(key for key, status in arrived if status == 202)
    assert taken == sorted(
        f"{old.left.cases[reference]}.1" for reference in ("J5R7W6", "V3Z6N4", "W4J7X3")
    ), "once each"
    assert {status for _, status in arrived} <= {200, 202}, (
        "a job taken over may meet the sweep's: the same key, known already"
    )
    texts = [(text.receiver, text.words) for text in new.exchange.texts()]
    for number, words in (
        (BEN, "We still look."),
        (CARO, "María's team has it."),
        (DISPATCHERS_PHONE, "Request W4J7X3 needs a human."),
    ):
        assert texts.count((number, words)) == 1, (number, texts)
    assert one(old.url, "message", id=old.left.texts["pending"])["provider_id"] == reached.sid


def under_way(old: Carried) -> list[Any]:
    """Work that the old release left and that is not finished yet: texts, deliveries, and their
    jobs."""
    left = {
        **old.left.texts,
        **{f"{name} delivery": delivery for name, delivery in old.left.deliveries.items()},
    }
    kept, jobs = rows(old.url), rows(old.url, ours=False)["workflow_status"]
    waits = [
        row["id"]
        for name in ("message", "delivery")
        for row in kept[name]
        if row["state"] in ("waiting", "trying")
    ]
    open_jobs = [row["workflow_uuid"] for row in jobs if row["status"] in ("ENQUEUED", "PENDING")]
    return [
        name
        for name, each in left.items()
        if each in waits or any(each in job for job in open_jobs)
    ]


def paged_next(old: Carried) -> bool:
    """Has anybody after the first person been paged for the danger?"""
    return any(row["rung"] > 0 for row in rows(old.url)["page"])


def test_a_token_keeps_what_it_could_do_for_the_destination_of_its_name(old: Carried) -> None:
    """Before the upgrade `check` names the tokens that will open nothing after it, and `migrate`
    names them too."""
    program = replace(
        old.parts.program,
        destinations=(*old.parts.program.destinations, Destination("clinic", "page")),
    )
    old.app.extensions["caller_parts"] = replace(old.parts, program=program)
    before, _ = token_report(old.url, program, old.left.now)
    old.to_head()
    every = frozenset({"read", "act", "transcript", "converse"})

    with connected(old.url) as conn:
        kept = {name: find(conn, name) for name in ("cad", CAD, "console", "clinic", "Clinic")}
    assert kept == {
        CAD: Token(CAD, "api", CAD, every),
        "console": Token("console", "console", "console", every),
        "clinic": Token("clinic", "browser", "clinic", frozenset({"read"})),
        "cad": Token("cad", "api", None, every),
        "Clinic": Token("Clinic", "api", None, every),
    }
    for report in (before, token_report(old.url, program, old.left.now)[0]):
        assert [words.split(":")[0] for words in report] == ["token cad", "token Clinic"]
    opens = {
        name: token and why_refused(token, program, old.left.now) for name, token in kept.items()
    }
    assert {name for name, code in opens.items() if code} == {"cad", "Clinic"}


def test_going_back_revokes_what_the_release_before_would_let_do_more(old: Carried) -> None:
    """The first release knows only names: it cannot represent a token with a different name, fewer
    scopes or an end date."""
    old.to_head()
    every = frozenset({"read", "act", "transcript", "converse"})
    soon = old.left.now + timedelta(days=1)
    made = {
        "all": Token(CAD, "api", CAD, every),
        "named": Token("vendor", "api", CAD, every),
        "fewer": Token(CAD, "api", CAD, frozenset({"read"})),
        "ends": Token(CAD, "api", CAD, every, soon),
    }
    with old.parts.engine.begin() as conn:
        for secret, token in made.items():
            add_token(conn, f"id-{secret}", token, secret, old.left.now)
    old.back()

    with connected(old.url) as conn:
        found = conn.execute(sa.text("SELECT hash FROM token WHERE revoked_at IS NULL")).scalars()
        left = set(found)
    assert {secret for secret in made if token_hash(secret) in left} == {"all"}
    assert {token_hash(name) for name in (CAD, "console", "cad", "Clinic")} <= left
    old.to_head()
