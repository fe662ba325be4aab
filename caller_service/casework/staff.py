"""A text from somebody on a ladder: they answer a page with the case's reference, and have it."""

from __future__ import annotations

from caller_service.core.case import Case
from caller_service.core.dispatch import Refused, accept
from caller_service.core.program import Program, Rung
from caller_service.core.vocabulary import normal
from caller_service.store import cases, messages
from caller_service.store.messages import Text

from .carry_out import HOLD
from .change import change
from .parts import Parts, transaction
from .receive import Turn


def on_the_ladder(program: Program, number: str) -> Rung | None:
    """Whose number this is, if it is somebody's we page."""
    return next((rung for rung in program.ladder if rung.number == number), None)


def answer_page(parts: Parts, turn: Turn, rung: Rung) -> tuple[Text, ...]:
    """Take the case whose reference was sent. The same text twice gets the same answer."""
    with parts.engine.connect() as conn:
        if (answered := messages.heard(conn, parts.sealer, turn.provider_id)) is not None:
            return answered
        reference = "".join(normal(turn.said)).upper()
        case = cases.by_reference(conn, parts.sealer, reference) if reference else None
    key, fill = _accepted(parts, case, rung) if case else ("page.unknown", {})
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
    with transaction(parts) as conn:
        messages.add(conn, messages.rows(parts.sealer, (inbound, reply)))
        if turn.late:
            parts.jobs.enqueue(conn, "send_text", f"send:{reply.id}:0", reply.id)
    return (reply,)


def _accepted(parts: Parts, case: Case, rung: Rung) -> tuple[str, dict[str, str]]:
    try:
        change(parts, case.id, lambda now, scene: accept(now, rung.name, now.marks.get("promised"), scene), rung.name)
    except Refused as refusal:
        key = "page.taken" if refusal.code == "taken" else "page.ended"
        return key, {"reference": case.reference, "name": refusal.name}
    return "page.accepted", {"reference": case.reference}
