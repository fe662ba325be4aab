"""A text from somebody on a ladder: they answer a page with the case's reference, and have it.

With a time behind it ("K7M4Q2 20", "K7M4Q2 in 20 minutes", "K7M4Q2 18:40") they have it and will be there then; with "no"
("K7M4Q2 no", "pass K7M4Q2") the next person is asked at once.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import sqlalchemy as sa

from caller_service.core.case import Case
from caller_service.core.dispatch import Refused, accept, at_time, pass_on
from caller_service.core.program import Program, Rung
from caller_service.core.routing import Scene
from caller_service.durable.jobs import PEOPLE
from caller_service.store import cases, messages
from caller_service.store.messages import Text

from .carry_out import HOLD
from .change import change
from .parts import DIGITS, LETTERS, Parts, transaction
from .receive import Turn

_PAIR = rf"[{LETTERS}]\W?[{DIGITS}]"
_REFERENCE = re.compile(rf"(?<![A-Z0-9])(?:{_PAIR}\W?){{2}}{_PAIR}(?![A-Z0-9])")
_TAKES = re.compile(r"(i |i'll )?(take|taking|have|got|accept|yes|ok|okay|mine|tomo|acepto|s[ií])?( it| this)?")
_PASSES = re.compile(r"(i )?(no|nope|pass|busy|can't|cant|cannot|not me|paso|ocupad[oa])( it| busy)?")
_CLOCK = re.compile(r"(?:at |a las )?([01]?\d|2[0-3]):([0-5]\d) ?(am|pm)?")
_MINUTES = re.compile(r"(?:in |en )?(\d{1,3}) ?(?:m|min|mins|minutes?|minutos?)?")
_HOURS = re.compile(r"(?:in |en )?(\d{1,2}) ?(?:h|hrs?|hours?|horas?)")


def on_the_ladder(program: Program, number: str) -> Rung | None:
    """Whose number this is, if it is somebody's we page."""
    return next((rung for rung in program.ladder if rung.number == number), None)


def answer_page(parts: Parts, turn: Turn, rung: Rung) -> tuple[Text, ...]:
    """Take the case whose reference was sent. The same text twice gets the same answer."""
    with parts.engine.connect() as conn:
        if (answered := messages.heard(conn, parts.sealer, turn.provider_id)) is not None:
            return answered
        reference, rest = read_page_answer(turn.said)
        case = cases.by_reference(conn, parts.sealer, reference) if reference else None
    key, fill = _accepted(parts, case, rung, rest) if case else ("page.unknown", {})
    language = parts.program.languages[0]
    words = parts.catalog.text(language, key, **fill)
    inbound = Text(
        parts.new_id(), "in", turn.said, "heard", turn.heard, None, case.id if case else None, rung.name, provider_id=turn.provider_id
    )
    now, about = parts.now(), case.id if case else None
    reply = Text(
        parts.new_id(), "out", words, "waiting" if turn.late else "replied", now, None, about, rung.name, inbound.id,
        keys=key, language=language, next_at=now + HOLD if turn.late else None,
    )  # fmt: skip
    try:
        with transaction(parts) as conn:
            messages.add(conn, messages.rows(parts.sealer, (inbound, reply)))
            if turn.late:
                parts.jobs.enqueue(conn, "send_text", f"send:{reply.id}:0", reply.id, PEOPLE)
    except sa.exc.IntegrityError:  # the same text came twice at once: the other's answer is the answer
        with parts.engine.connect() as conn:
            return messages.heard(conn, parts.sealer, turn.provider_id) or ()
    return (reply,)


def read_page_answer(said: str) -> tuple[str, str]:
    """The reference in an answer, in any spacing and case, and the rest of it."""
    found = _REFERENCE.search(said.upper())
    if found is None:
        return "", ""
    return re.sub(r"\W", "", found[0]), f"{said[: found.start()]} {said[found.end() :]}".strip()


def promised(rest: str, scene: Scene) -> datetime | None:
    """The time somebody gives with a page's answer; None for none. Raises Refused for one more than twelve hours away, and
    for words that mean nothing we know: a guess would stop the ladder."""
    if found := _CLOCK.fullmatch(rest):
        hour = int(found[1]) % 12 + 12 * (found[3] == "pm") if found[3] else int(found[1])
        return at_time(hour, int(found[2]), scene)
    found = _MINUTES.fullmatch(rest)
    minutes = int(found[1]) if found else 60 * int(hours[1]) if (hours := _HOURS.fullmatch(rest)) else 0
    if minutes > 12 * 60:
        raise Refused("too_far")
    if minutes:
        return scene.now + timedelta(minutes=minutes)
    if _TAKES.fullmatch(rest):
        return None
    raise Refused("unclear")


def plain(rest: str) -> str:
    """What stands around the code, without marks and capitals."""
    return " ".join(re.sub(r"[^\w:' ]", " ", rest.lower().replace("\u2019", "'")).split())


def _accepted(parts: Parts, case: Case, rung: Rung, rest: str) -> tuple[str, dict[str, str]]:
    words = plain(rest)
    try:
        if _PASSES.fullmatch(words):
            change(parts, case.id, lambda now, scene: pass_on(now, rung.name, scene), rung.name)
            return "page.passed", {"reference": case.reference}
        change(
            parts,
            case.id,
            lambda now, scene: accept(now, rung.name, promised(words, scene) or now.marks.get("promised"), scene),
            rung.name,
        )
    except Refused as refusal:
        key = {"taken": "page.taken", "too_far": "page.too_far", "unclear": "page.unclear"}.get(refusal.code, "page.ended")
        return key, {"reference": case.reference, "name": refusal.name}
    return "page.accepted", {"reference": case.reference}
