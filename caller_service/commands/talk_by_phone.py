"""`caller-service talk --channel voice`: a call to the program in a terminal, by keypad.

The service's real endpoints answer it, on a temporary database. Time passes only as the call needs
it. No worker runs, so nobody is called: `caller-service rehearse` does that.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import caller_service
from caller_service.config.settings import Settings
from caller_service.core.program import Program
from caller_service.rehearsal.call_engine import CallEngine
from caller_service.rehearsal.call_time import VirtualTime
from caller_service.rehearsal.call_web import AppWeb
from caller_service.rehearsal.carrier import TwilioSettings
from caller_service.rehearsal.carrier_state import Exchange
from caller_service.rehearsal.handset import LONG, Handset

from .talk import begin_file, typed

CALLER = "+17205550123"
URL = "http://127.0.0.1:8000"
HOLD = 15.0  # seconds between prompts while the caller waits in a queue
SHOWN = frozenset({"says", "plays", "hears", "joined", "parted", "lost", "listens", "ended"})
HELP = (
    "Keys: 0-9 * #, several at once. An empty line is silence. h hangs up. Anything else is spoken."
)


def converse_by_phone(
    settings: Settings, program: Program, language: str | None = None, keep: str | None = None
) -> None:
    """A call to the program until the call or the input ends. Raises ValueError if a language is
    given: a caller chooses it by key."""
    if language is not None:
        raise ValueError("language: a call begins with the program's, and its keys change it")
    begin_file(keep)
    print(f"{program.name}. {HELP}\n")
    with TemporaryDirectory() as folder:
        phone = Handset(_engine(settings, program, Path(folder)), CALLER, refusals_allowed=True)
        phone.dials()
        shown = 0
        keyed = typed()
        while True:
            _let_pass(phone)
            shown = _show(phone, shown)
            line = next(keyed, None)
            if line is None or phone.over:
                break
            _do(phone, line.strip())
        if not phone.over:
            phone.hangs_up()
    if keep:
        Path(keep).write_text(phone.transcript() + "\n", encoding="utf-8")


def _engine(settings: Settings, program: Program, folder: Path) -> CallEngine:
    """The service on an empty database, with a stand-in Twilio on the same clock."""
    from .database import migrated

    settings = replace(settings, database_url=f"sqlite:///{folder / 'talk.sqlite'}", public_url=URL)
    app = caller_service.create_app(settings, program)
    migrated(app, settings)
    time = VirtualTime()
    app.extensions["caller_parts"] = replace(app.extensions["caller_parts"], now=time.moment)
    ours = program.numbers.ours[0].number
    twilio = TwilioSettings(settings.twilio_account_sid, settings.twilio_auth_tokens[0], URL, ours)
    web = AppWeb(app.test_client(), twilio.auth_token)
    return CallEngine(twilio, Exchange(ours, {}, CALLER), time, web)


def _let_pass(phone: Handset) -> None:
    """Let time pass until everything is said and the call listens, or is over. Somebody who talks
    or waits is prompted now and then."""
    call, time = phone.call, phone.engine.time
    asked = time.now() + HOLD

    def stops() -> bool:
        waits = bool(call.waits_in) and time.now() >= asked
        return call.quiet or bool(call.joined) or waits or not call.live

    time.until(stops, LONG)


def _do(phone: Handset, line: str) -> None:
    if line.lower() == "h":
        phone.hangs_up()
    elif re.fullmatch(r"[0-9*#]+", line):
        phone.press(line)
        if phone.call.quiet:  # a number is being keyed: it is complete when no more keys come
            text = _said(phone)
            phone.engine.time.until(lambda: _said(phone) > text or phone.over, LONG)
    elif line:
        phone.speaks(line)
    elif phone.call.quiet:
        # until the silence is noticed: a question may listen twice, for keys and then for speech
        text = _said(phone)
        phone.engine.time.until(lambda: _said(phone) > text or phone.over, LONG)
    else:
        phone.waits(HOLD)


def _said(phone: Handset) -> int:
    return sum(line.kind != "listens" for line in phone.lines)


def _show(phone: Handset, shown: int) -> int:
    lines = phone.lines
    for line in lines[shown:]:
        if line.kind in SHOWN:
            print(line)
    if phone.call.fault and phone.over:
        print(f"! {phone.call.fault}")
    return len(lines)
