"""The text of a case's page, in English for staff: terms of contact first, then danger, who, where,
wants, what software last told them, and open questions; and one timeline of everything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from caller_service.casework.desk import READS, Opened
from caller_service.casework.parts import Parts
from caller_service.core.call_911 import Joined, Told
from caller_service.core.case import Case
from caller_service.core.hand_off import number_condition, place_text
from caller_service.core.journal_events import Event
from caller_service.core.marks import Mark
from caller_service.core.outbound import TextState
from caller_service.core.outcome import Asked, Known, Police
from caller_service.core.phone_waiting import psap_line
from caller_service.core.protocol import DOUBT, SHARED, Question
from caller_service.core.questions import open_questions
from caller_service.core.reach import CannotText, ContactAnswer
from caller_service.core.safe_contact import (
    CALL_ALLOWED,
    HUMAN_WORDS,
    STILL_THERE,
    TEXT_ALLOWED,
    Standing,
    may_note,
    may_note_by_phone,
    may_write_once,
    standing,
)
from caller_service.core.said import Said
from caller_service.documents.printed_hand_off import (
    ANSWERS,
    CANNOT_TEXT,
    DANGERS,
    IF_NONE,
    LOCATED,
    NEEDS,
    STATUSES,
    WANTS,
    WHO,
)
from caller_service.language.page_words import choice_words, question_words
from caller_service.language.wording import filling
from caller_service.store.desk import TimelineEntry
from caller_service.store.messages import Text

from .queue_words import LEVELS, area_name, language_name, plain

STAFF_LANGUAGE = "en"
_SAID = {
    ContactAnswer.UNSAFE: "Not safe",
    ContactAnswer.UNWANTED: "I don't want to be contacted",
    ContactAnswer.TEXT: "Text only",
    ContactAnswer.TEXT_DEAF: "Text only, I am deaf or use ASL",
    ContactAnswer.CALL: "Call only",
    ContactAnswer.TEXT_CALL: "Yes, text and call",
}


# ---- terms ---------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class TermsShown:
    """How they may be reached: a prohibition, then the rest in sentences."""

    head: str
    forbids: bool
    more: str


def terms_of(case: Case, parts: Parts) -> TermsShown:
    """A different sentence for each: allowed, one channel only, not asked, not wanted, not safe."""
    contact, stands = case.answers.get("contact", ""), standing(case)
    said = f"They said: “{_SAID[ContactAnswer(contact)]}”." if contact in set(_SAID) else ""
    page = "Only their page." if case.on_web else "Only answer what they write, within 10 minutes."
    head, forbids, more = _head(case, stands, page, said)
    if stands == Standing.VIOLENCE:
        more.append("Somebody violent may be reading. Software only answers.")
    if case.withdrawn:
        ways = " and ".join(sorted(case.withdrawn))
        more.append(f"They took contact back: {ways}.")
    if case.cannot_text:
        more.append(
            f"{CANNOT_TEXT[CannotText(case.cannot_text)]}."
            if case.cannot_text in set(CANNOT_TEXT)
            else "Texts do not reach them."
        )
    if case.unread_language or case.interpreter:
        tongue = language_name(case.unread_language or case.language, parts)
        more.append(f"They write in {tongue}. An interpreter is needed.")
    if Said.THREAT_STAFF in case.said:
        more.append("They wrote about hurting whoever comes.")
    return TermsShown(head, forbids, " ".join(one for one in more if one))


def _head(case: Case, stands: Standing, page: str, said: str) -> tuple[str, bool, list[str]]:
    """The first sentence, whether it forbids, and what follows."""
    contact = case.answers.get("contact", "")
    neither = "Do not call. Do not text."
    texts = contact in TEXT_ALLOWED and "text" not in case.withdrawn
    calls = contact in CALL_ALLOWED and "call" not in case.withdrawn
    closed = stands in (Standing.UNSAFE, Standing.UNWANTED) or contact == ContactAnswer.UNSAFE
    not_asked = "Not asked if it is safe to reach them."
    table = (
        (stands == Standing.WATCHED, "Do not write first. Do not call.", True,
         ["Somebody may be watching."]),
        (case.parked, neither, True,
         ["Somebody else uses the phone now.", page if case.on_web else ""]),
        (closed, neither, True, [page, said]),
        (contact == ContactAnswer.PAGE, neither, True, [page]),
        (texts and calls, "Text or call.", False, [said]),
        (texts, "Do not call.", True, ["Text only.", said]),
        (calls, "Do not text.", True, ["Call only.", said]),
        (True, not_asked, True, ["Do not call.", page]),
    )  # fmt: skip
    return next((head, forbids, more) for holds, head, forbids, more in table if holds)


# ---- the packet ----------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, repr=False)
class Line:
    """A safety question and its answer: "not asked" is spelled out, never a dash."""

    words: str
    answer: str
    by: str = ""


_SHORT = {
    "health": "Badly hurt, ill or overdose",
    "safety": "Any outward danger",
    "violence": "Someone hurts or threatens",
    "weapon": "Weapon",
    "place": "Dangerous place, or a small child alone",
    "suicide": "Killing themselves",
    "attempt": "Already hurt themselves",
    "soon": "Within hours",
    "gun": "A gun they could get",
}


_RANK = {"no": 1, "not asked": 2}


def dangers(case: Case, parts: Parts) -> list[Line]:
    """The answer to each safety question: dangers and doubts first, questions nobody asked last."""
    lines = []
    for question in parts.program.protocol.questions:
        if question.safety and not question.follow_up:
            told = case.answers.get(question.id, "not_asked")
            words = _SHORT.get(question.id, question.id)
            answer = "not asked" if told == "not_asked" else ANSWERS.get(told, told)
            lines.append(Line(words, answer, case.answered_for.get(question.id, "")))
    answered = {"violence", "weapon", "place", "suicide", "attempt"}
    lines += [
        Line(DANGERS[kind][:1].upper() + DANGERS[kind][1:], "in their words")
        for kind in DANGERS
        if kind in case.said and not (kind in answered and case.answers.get(kind) == "yes")
    ]
    return sorted(lines, key=lambda line: _RANK.get(line.answer, 0))


@dataclass(frozen=True, slots=True, repr=False)
class OpenQuestion:
    """A question without an answer: a human asks it, and records the answer for the resident."""

    id: str
    words: str
    choices: Sequence[tuple[str, str]]


def still_open(case: Case, parts: Parts) -> list[OpenQuestion]:
    protocol = parts.program.protocol
    questions = [protocol.question(name) for name in open_questions(protocol, case)]
    return [
        _without_opening(answerable(question, case, parts))
        for question in questions
        if question.choices
    ]


def _without_opening(question: OpenQuestion) -> OpenQuestion:
    """One press answers a question, except where that would open contact: that needs a reason."""
    if question.id != "contact":
        return question
    opens = TEXT_ALLOWED | CALL_ALLOWED
    choices = [one for one in question.choices if one[0] not in opens]
    return replace(question, choices=choices)


def answerable(question: Question, case: Case, parts: Parts) -> OpenQuestion:
    language = _english(parts)
    words = question_words(question, case, language, parts.catalog)
    choices = [
        (choice.code, choice_words(question, choice.code, case, language, parts.catalog))
        for choice in question.offered(case.facts()) or question.choices
    ]
    return OpenQuestion(question.id, words, choices)


def contact_choices(case: Case, parts: Parts) -> Sequence[tuple[str, str]]:
    """The ways in which they may be reached, for a human who was told."""
    return answerable(parts.program.protocol.question("contact"), case, parts).choices


def _english(parts: Parts) -> str:
    words = parts.catalog.words
    return STAFF_LANGUAGE if STAFF_LANGUAGE in words else next(iter(words))


@dataclass(frozen=True, slots=True, repr=False)
class Packet:
    """What everybody who opens a case must know."""

    level: str
    level_words: str
    code: str
    status: str
    terms: TermsShown
    danger: Sequence[Line]
    who: str
    minor: bool
    place: str
    area: str
    located: str
    wants: str
    need: str
    if_none: str
    told: str
    told_at: datetime | None
    open: Sequence[OpenQuestion]
    number: str
    number_more: str
    language: str
    remarks: Sequence[tuple[str, str]]


def packet_of(opened: Opened, parts: Parts) -> Packet:
    case = opened.case
    level = case.level.name if case.level is not None else ""
    told = _last_told(opened, parts)
    condition = number_condition(case)
    number = opened.number if condition and opened.number else ""
    return Packet(
        level=level.lower() or "rv",
        level_words=LEVELS.get(level, "Not known yet"),
        code=level,
        status=_status(case.status.value),
        terms=terms_of(case, parts),
        danger=dangers(case, parts),
        who=_said(WHO, case.answers.get("who")),
        minor=case.minor,
        place=plain(place_text(case)),
        area=area_name(case, parts),
        located=LOCATED.get(case.located or "not_asked", ""),
        wants=WANTS.get(case.response or "review", ""),
        need=_said(NEEDS, case.answers.get("need")),
        if_none=_said(IF_NONE, case.answers.get("if_none")),
        told=told[0],
        told_at=told[1],
        open=still_open(case, parts),
        number=number,
        number_more="For emergency services only: contact was not asked."
        if condition == "emergency_services_only"
        else "",
        language=language_name(case.unread_language or case.language, parts),
        remarks=[(by, plain(words)) for by, words in case.remarks[-6:]],
    )


def _said(known: Mapping[str, str], code: str | None) -> str:
    if code is None:
        return "Not asked"
    return known.get(code) or {
        "unsure": "They are not sure",
        "skipped": "They did not say",
        "unreadable": "Their answer could not be read",
    }.get(code, code)


def _last_told(opened: Opened, parts: Parts) -> tuple[str, datetime | None]:
    """What software last told them, in English."""
    for text in reversed(opened.texts):
        by_software = text.direction == "out" and not HUMAN_WORDS & set(text.keys.split())
        if by_software and text.state not in (TextState.HELD, TextState.OVERTAKEN):
            return english(text.keys, parts) or plain(text.words), text.at
    return "", None


def english(keys: str, parts: Parts) -> str:
    """The sentences of these message keys in the English catalog. "" if one has a placeholder for a
    name, as the names that were filled in are not stored."""
    language, sentences = _english(parts), []
    values = filling(parts.program, language, parts.catalog)
    for key in keys.split():
        try:
            sentences.append(parts.catalog.text(language, key, **values))
        except KeyError:
            return ""
    return " ".join(sentences)


@dataclass(frozen=True, slots=True)
class On911:
    """A call to 911 for this place: since when, what the resident knew, and the ten-digit line of
    the PSAP that covers the place, if it is known (rule 13)."""

    at: datetime
    told: str
    line: str
    written: str
    how: str  # the state of the call that joins a member of staff to that line


_JOINED: Mapping[str, str] = {
    "": "A staff phone is ringing.",
    Joined.RUNG: "The 911 center is being called, or they are speaking.",
    Joined.SPOKE: "They spoke.",
    Joined.BUSY: "The line was busy: dial 911, and say the place.",
    Joined.NO_ANSWER: "Nobody answered there: dial 911, and say the place.",
    Joined.FAILED: "The call could not be put through: dial 911, and say the place.",
    Joined.ENDED: "The call is over.",
    Joined.NOT_TAKEN: "The staff phone was not answered, so nobody was joined.",
}
_TOLD_911: Mapping[str, str] = {
    Told.WORDS: "Words were sent to them first.",
    Told.SAID: "A human had told them.",
    Told.NOT: "They were not told.",
}


def on_911(case: Case, parts: Parts) -> On911 | None:
    if not case.called_911:
        return None
    line = psap_line(case, parts.program)
    here = line.startswith("+1") and len(line) == 12
    written = f"{line[2:5]}-{line[5:8]}-{line[8:]}" if here else line
    told, how = _TOLD_911.get(case.told_911, ""), _JOINED.get(case.psap_how, "")
    at = case.marks[Mark.CALLED_911]
    return On911(at, told, line, written, how if case.psap_call else "")


# ---- the conversation ----------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, repr=False)
class Item:
    """One item of the timeline: a message in either direction, or an event."""

    id: str
    at: datetime
    kind: str  # them, us, software, event, day
    who: str
    words: str
    state: str = ""
    lost: bool = False
    meaning: str = ""
    new: bool = False
    level: str = ""


_STATES = {
    TextState.REPLIED: "answered",
    TextState.WAITING: "on its way",
    TextState.TRYING: "on its way",
    TextState.HELD: "not sent: they may not be written to",
    TextState.ON_PAGE: "waits on their page",
    TextState.OVERTAKEN: "not sent: newer words say more",
    TextState.DEAD: "not sent",
    TextState.FAILED: "not sent",
    TextState.UNDELIVERED: "did not arrive",
    TextState.CANCELED: "not sent",
    TextState.DELIVERED: "arrived",
    TextState.READ: "shown on their page",
}
_LOST = {TextState.DEAD, TextState.FAILED, TextState.UNDELIVERED, TextState.CANCELED}


def timeline(opened: Opened, parts: Parts, everything: bool) -> list[Item]:
    """Messages and events, oldest first. `everything`: also those that only experts need."""
    items = [_text(text, opened, parts) for text in opened.texts]
    items += [item for event in opened.events if (item := _event(event, parts, everything))]
    items += [
        Item(talk.id, talk.at, "event", talk.person, f"{talk.person} spoke with them by phone.")
        for talk in opened.talks
    ]
    return _with_days(sorted(items, key=lambda item: (item.at, item.id)), opened, parts)


def _with_days(items: Sequence[Item], opened: Opened, parts: Parts) -> list[Item]:
    """The items show their time alone: a day that is not today's stands before its first item, and
    so does each day that follows it."""
    zone = ZoneInfo(parts.program.time_zone)
    shown: list[Item] = []
    day = opened.scene.now.astimezone(zone).date()
    for item in items:
        local = item.at.astimezone(zone)
        if local.date() != day:
            day = local.date()
            shown.append(Item(f"day-{day}", item.at, "day", "", f"{local:%A, %B} {day.day}"))
        shown.append(item)
    return shown


def _text(text: Text, opened: Opened, parts: Parts) -> Item:
    keys = set(text.keys.split())
    words = plain(text.words) if text.opened else "These words cannot be opened."
    if text.erased and Mark.ERASED in opened.case.marks:
        words = "Erased."
    tongue = text.language or opened.case.language
    foreign = tongue != STAFF_LANGUAGE
    if text.direction == "in":
        read = opened.mine.read_at
        other = language_name(opened.case.unread_language or opened.case.language, parts)
        strange = opened.case.unread_language or opened.case.language != STAFF_LANGUAGE
        meaning = f"In {other}. Not translated." if strange and not _is_code(words) else ""
        new = read is not None and text.at > read
        return Item(text.id, text.at, "them", "They", words, meaning=meaning, new=new)
    human = bool(keys & HUMAN_WORDS)
    name, _, said = words.partition(": ") if human else ("", "", "")
    meaning = "" if not foreign else english(text.keys, parts) if not human else ""
    state = _STATES.get(text.state, "sent")
    if text.state == TextState.READ and not human and text.provider != "web" and opened.case.on_web:
        state = "their page says it in its own words"
    return Item(
        text.id, text.at, "us" if human else "software", name if human else "Software",
        said if human else words, state, text.state in _LOST, meaning,
    )  # fmt: skip


def _is_code(words: str) -> bool:
    """A number or a symbol, which means the same in every language."""
    return not any(letter.isalpha() for letter in words)


def _answer(detail: Mapping[str, str], parts: Parts) -> str:
    """A question and its answer, in the English of the catalog."""
    name, code = str(detail.get("question", "")), str(detail.get("choice", ""))
    if not name:
        return "An answer, erased"
    known = {question.id: question for question in parts.program.protocol.questions}
    if name not in known:
        return f"{name}: {code}"
    language = _english(parts)
    for key in (f"choice.{name}.{code}", f"choice.{code}" if code in SHARED else ""):
        if key and parts.catalog.has(language, key):
            answer = parts.catalog.text(language, key)
            break
    else:
        answer = ANSWERS.get(code, code) if code in DOUBT else code
    return f"{_SHORT.get(name, name)}: {answer}"


_POLICE_THERE: Mapping[str, str] = {
    Known.YES: "Police were there.",
    Known.NO: "Police were not there.",
    Known.UNKNOWN: "Nobody knows if police were there.",
}
_POLICE_ASKED: Mapping[str, str] = {
    Asked.TEAM: "The team asked for them.",
    Asked.STAFF: "Somebody here called 911.",
    Asked.RESIDENT: "The person, or somebody with them, asked for them.",
    Asked.OTHERS: "Somebody else asked for them, or they came by themselves.",
    Asked.UNKNOWN: "Nobody knows who asked for them.",
}
_POLICE_TOLD: Mapping[str, str] = {
    Known.YES: "They were told before.",
    Known.NO: "They were not told before.",
    Known.UNKNOWN: "Nobody knows if they were told before.",
}


def police_words(police: Police, nothing: str = "") -> str:
    """What is recorded about police, in sentences."""
    told = (
        _POLICE_THERE.get(police.present, nothing),
        _POLICE_ASKED.get(police.asked_by, ""),
        _POLICE_TOLD.get(police.told, ""),
    )
    return " ".join(words for words in told if words)


def _corrected(by: str, detail: Mapping[str, str]) -> str:
    now, before = (
        police_words(Police(*(detail.get(name, "") for name in names)), "Nothing was recorded.")
        for names in (
            ("police", "police_asked_by", "police_told"), ("was", "was_asked_by", "was_told"),
        )
    )  # fmt: skip
    return f"{by} corrected what is recorded of police. Now: {now} Before: {before}"


_HAPPENED: Mapping[str, str] = {
    Event.ACCEPTED: "{by} took it.",
    Event.TOOK_OVER: "{by} took it over.",
    Event.HANDED_OVER: "{by} handed it to {to}.",
    Event.HANDOVER_ASKED: "{by} asked {to} to take it over.",
    Event.HANDOVER_TAKEN: "{by} took it over from {from}.",
    Event.HANDOVER_DECLINED: "{by} cannot take it over.",
    Event.HANDOVER_LATE: "{to} did not take it over in time.",
    Event.RELEASED: "{by} gave it back.",
    Event.DECLINED: "{by} declined.",
    Event.PASSED_ON: "{by} passed it on.",
    Event.ASKED_ANOTHER: "{by} asked for another human.",
    Event.ASKED_RESIDENT: "{by} asked them something.",
    Event.JOINED: "A human’s words reached them.",
    Event.PAUSED: "{by} announced a pause.",
    Event.LOWERED: "{by} lowered it from {from} to {to}.",
    Event.RAISED: "{by} raised it to {to}.",
    Event.LIFTED: "{by}: nobody is watching them any more.",
    Event.MINOR_REVIEWED: "{by} has looked at this case before a team goes.",
    Event.REVIEWED: "{by} has read it.",
    Event.PLACED: "The place was noted.",
    Event.PLACE_LINK: "A link to mark the place was sent.",
    Event.TEAM: "{by} chose the team {team}.",
    Event.LINKED: "Linked with another case.",
    Event.STATUS_BY: "{by}: {to}.",
    Event.CALLBACK_BOOKED: "{by} promised a call.",
    Event.CALLBACK_OVER: "The promised call is over: {outcome}.",
    Event.CALLBACK_CANCELLED: "{by}: the promised call is no longer wanted.",
    Event.CALLBACK_OUTCOME: "{by} about the promised call: {outcome}.",
    Event.CALL_NOW: "{by} calls them now.",
    Event.CALL_REVIEWED: "{by} has looked at the call that nobody answered.",
    Event.PAGE_CLOSED: "Their page was closed.",
    Event.PAGE_OPEN: "Their page is open again.",
    Event.NOT_JOINED: "Whoever took it has not written. Others are asked.",
    Event.HOLDER_PROMPTED: "They wait for an answer: whoever has it was reminded.",
    Event.HOLDER_SILENT: "No answer. Others are asked.",
    Event.HELD_SILENT: "Nobody writes. Others are asked.",
    Event.TRUTH_TOLD: "They were told that nobody has joined yet.",
    Event.BACKSTOP: "The round-the-clock line was called.",
    Event.NOBODY_ON_SHIFT: "Nobody is on shift: everybody is asked.",
    Event.PICTURE: "They sent a picture or a file. It cannot be shown here.",
    Event.WITHDRAWN: "They took contact back.",
    Event.CONTACT_OFFERED: "They wrote that contact is safe again. A person decides.",
    Event.CONTACT_OPENED: "They opened contact again, with their code word.",
    Event.OPTED_OUT: "They stopped texts.",
    Event.OPTED_IN: "They want texts again.",
    Event.PARKED: "Somebody else uses the phone.",
    Event.CAME_BACK: "{by}: it is the first person again.",
    Event.TEXT_LOST: "A text did not arrive.",
    Event.CANNOT_TEXT: "Texts do not reach them.",
    Event.CAN_TEXT: "Texts reach them again.",
    Event.CALL_BEGAN: "They called.",
    Event.CALL_ENDED: "The call ended.",
    Event.CANCELLED: "They took the request back.",
    Event.HELD_BACK: "Something was held back: it was not safe to say.",
    Event.CARE_NOTE: "{by} changed the care note.",
    Event.CALLED_911: "{by} calls 911 for this place.",
    Event.PSAP_ASKED: "{by} is calling the 911 center: their own phone rings first.",
    Event.PSAP_RUNG: "{by} pressed 1: the 911 center is being called.",
    Event.PSAP_OVER: "The call of {by} to the 911 center: {how}.",
    Event.SLOWED: "{by} changed how often this number is answered.",
    Event.ASKED_TO_DELETE: "They asked for their words to be deleted.",
    Event.ERASED: "The words were erased.",
    Event.NUMBER_ERASED: "The number was erased.",
    Event.ANSWERS_ERASED: "The answers were erased.",
    Event.HELD_BY_LAW: "{by} set a legal hold: nothing is erased.",
    Event.RELEASED_BY_LAW: "{by} lifted the legal hold.",
}


def _event(event: TimelineEntry, parts: Parts, everything: bool) -> Item | None:
    """An event in a sentence; None if it is shown only under `everything`."""
    if event.kind != "journal":
        words = {
            "page": f"{event.who} was asked.",
            "call": f"A call to {event.who or 'the resident'}: {event.what}.",
            "delivery": f"To {event.who}: {event.what}.",
        }[event.kind]
        shown = everything or event.kind == "page"
    elif event.what in READS:
        words, shown = f"{event.who} read it.", everything
    else:
        words, shown = _journal(event, parts)
    if not (shown or everything):
        return None
    to = str(event.detail.get("to", "")) if event.what == Event.LEVEL else ""
    words = words[:1].upper() + words[1:]
    return Item(event.id, event.at, "event", event.who, words, level=to.lower())


def _journal(event: TimelineEntry, parts: Parts) -> tuple[str, bool]:
    """The sentence of a journal entry, and whether it is always shown."""
    detail = {name: str(value) for name, value in event.detail.items()}
    if event.what == Event.ANSWERED:
        return _answer(detail, parts), True
    if event.what == Event.ANSWERED_FOR:
        return f"{detail.get('by', event.who)} answered for them. {_answer(detail, parts)}", True
    if event.what == Event.POLICE_CORRECTED:
        return _corrected(detail.get("by", event.who), detail), True
    if event.what == Event.LEVEL:
        to = detail.get("to") or "No level"
        reasons = ", ".join(_plain(reason) for reason in event.detail.get("because", ()))
        return (f"{to}: {reasons}." if reasons else f"{to}."), True
    if event.what == Event.STATUS:
        return f"{_status(detail.get('to', ''))}.", False
    form = _HAPPENED.get(event.what)
    if form is None:
        return f"{_plain(event.what)}.", False
    return form.format_map(_Known(event.who, detail)), True


class _Known(dict[str, str]):
    def __init__(self, who: str, detail: Mapping[str, str]) -> None:
        super().__init__({"by": who} | {name: _plain(value) for name, value in detail.items()})
        if "by" in detail:
            self["by"] = detail["by"]
        if "to" in detail and detail["to"][:1] == "R":
            self["to"] = detail["to"]

    def __missing__(self, name: str) -> str:
        return ""


def happened(events: Sequence[TimelineEntry], parts: Parts) -> list[str]:
    """What others have done meanwhile, and what the resident wrote, in sentences."""
    return [_meanwhile(event, parts) for event in events]


def _meanwhile(event: TimelineEntry, parts: Parts) -> str:
    if event.kind == "text":
        words = plain(event.what)
        return f"They wrote: {words}" if words else "They wrote. The words cannot be opened."
    if event.what == Event.NOTE:
        return f"{event.detail.get('by', event.who)} wrote to them."
    item = _event(event, parts, True)
    return item.words if item is not None else ""


def _status(code: str) -> str:
    """The status in words, depending on who closed the case: only a team that was to go there is
    stood down."""
    words = STATUSES.get(code, "").removeprefix("Stood down: ")
    return words[:1].upper() + words[1:]


def _plain(code: str) -> str:
    return code.removesuffix(".doubt").replace("_", " ").replace(".", ": ") + (
        ", in doubt" if code.endswith(".doubt") else ""
    )


# ---- whether one may write -----------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Writing:
    """Whether a message may be sent now, by which channel, and until when."""

    may: bool
    why: str
    where: str
    until: datetime | None = None
    reason_needed: bool = False


def writing(case: Case, now: datetime, parts: Parts) -> Writing:
    """Shown before anything is typed: what may not be sent, why, and when the field opens again."""
    tongue = language_name(case.unread_language or case.language, parts)
    reads = f"They read {tongue}."
    if case.ended:
        return Writing(False, "The case has ended.", reads)
    if case.holder == "" and case.talking:
        return Writing(False, "Somebody speaks with them by phone now.", reads)
    if not may_note(case, now):
        if may_write_once(case, ""):
            return Writing(
                True, "", f"{reads} One neutral text may be sent: contact was not asked."
            )
        if may_write_once(case, "supervisor"):
            where = f"{reads} One neutral text may be sent, with a supervisor's reason."
            return Writing(True, "", where, reason_needed=True)
        return Writing(False, _closed(case), reads)
    by_phone = may_note_by_phone(case, now)
    where = (
        "A text to their phone."
        if by_phone
        else ("Only on their page: nothing rings, nothing goes to a phone.")
    )
    answers = standing(case) in (
        Standing.WATCHED, Standing.UNSAFE, Standing.UNWANTED, Standing.NOT_ASKED
    )  # fmt: skip
    open_until = case.marks[Mark.HEARD] + STILL_THERE if answers and not case.on_web else None
    return Writing(True, "", f"{reads} {where}", open_until)


def _closed(case: Case) -> str:
    again = "When they write, this field opens for 10 minutes."
    stands = standing(case)
    if case.parked:
        return "Somebody else uses the phone now."
    if stands == Standing.STOPPED:
        return "They stopped texts. When they text START, this field opens."
    if case.cannot_text:
        return "Texts do not reach them. When they write, this field opens."
    return {
        Standing.WATCHED: f"They may be watched: only answer. {again}",
        Standing.UNSAFE: f"They said “Not safe”. {again}",
        Standing.UNWANTED: f"They do not want to be contacted. {again}",
        Standing.NOT_ASKED: f"Nobody has asked if texts are safe. {again}",
    }.get(stands, f"They want calls, not texts. {again}")
