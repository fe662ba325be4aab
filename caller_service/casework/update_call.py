"""A call to a resident whom texts do not reach: neutral until they press 1, and then only what
whoever holds this phone may hear (core/safe_contact.rescue_keys). A voicemail hears nothing, or one
neutral sentence where that was allowed.
"""

from __future__ import annotations

from caller_service.casework.outbound.call_person import note_receipt, voicemail_allowed
from caller_service.core.case import Case
from caller_service.core.dispatch import told_by_call
from caller_service.core.outbound import CallState
from caller_service.core.safe_contact import may_call_update, update_call_keys
from caller_service.language.wording import filling
from caller_service.store import calls, cases
from caller_service.store.calls import Call
from caller_service.store.database.transaction import transaction
from caller_service.store.journal import Author

from .answer_call import TAKE, TIMES, Spoken
from .change import change
from .parts import Parts


def picked_up(parts: Parts, call_id: str, sid: str | None, machine: bool) -> Spoken:
    """The first words: who calls, and that there is news. The gate is looked at once more."""
    call, case = _known(parts, call_id)
    if call is None or case is None:
        return Spoken()
    note_receipt(parts, call.id, CallState.IN_PROGRESS, sid)
    if not may_call_update(case, parts.program):
        return Spoken()
    if machine or call.machine:
        with transaction(parts.engine) as conn:
            calls.note(conn, call.id, machine=True)
        return _says(parts, case, "rescue.voicemail") if voicemail_allowed(case) else Spoken()
    return _says(parts, case, "rescue.call", asks=1)


def pressed(parts: Parts, call_id: str, machine: bool, key: str, time: int) -> Spoken:
    """After 1 they hear where the case stands now; anything else hears the question once more, then
    a goodbye."""
    call, case = _known(parts, call_id)
    if (
        call is None
        or case is None
        or machine
        or call.machine
        or not may_call_update(case, parts.program)
    ):
        return Spoken()
    if key != TAKE:
        return (
            _says(parts, case, "rescue.call", asks=time + 1)
            if time < TIMES
            else _says(parts, case, "rescue.goodbye")
        )
    if not call.answer:
        case = change(parts, case.id, told_by_call, Author.RESIDENT) or case
        with transaction(parts.engine) as conn:
            calls.note(conn, call.id, answer="heard")
    return _says(parts, case, *update_call_keys(case), "rescue.goodbye")


def _known(parts: Parts, call_id: str) -> tuple[Call | None, Case | None]:
    with parts.engine.connect() as conn:
        call = calls.by_id(conn, call_id)
        if call is None or call.person is not None:
            return None, None
        return call, cases.by_id(conn, parts.sealer, call.case_id)


def _says(parts: Parts, case: Case, *keys: str, asks: int = 0) -> Spoken:
    language = parts.catalog.spoken(case.language)
    fill = filling(parts.program, language, parts.catalog)
    words = " ".join(parts.catalog.text(language, key, **fill) for key in keys)
    return Spoken(words, language, asks)
