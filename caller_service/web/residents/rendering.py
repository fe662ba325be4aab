"""Makes what a page shows from the record: which screen is open, in which words."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace as with_changes
from datetime import datetime
from typing import Any
from zlib import crc32

from flask import g, render_template, request
from markupsafe import Markup, escape

from caller_service.casework import page_number, page_visit, resident_page
from caller_service.casework.page_visit import Kept, Words
from caller_service.core import request_form, retention
from caller_service.core.case import Case, Status
from caller_service.core.marks import Mark
from caller_service.core.outcome import Outcome, Unserved
from caller_service.core.promised_time import HOURS_FROM, minutes_range
from caller_service.core.protocol import SKIPPED, Level, Question
from caller_service.core.questions import asker, is_deaf
from caller_service.core.reach import ContactAnswer
from caller_service.core.request_form import Position
from caller_service.core.retention import Stands
from caller_service.core.routing import Scene, team_working
from caller_service.core.safe_contact import may_hear_status, sensitive
from caller_service.core.said import Said
from caller_service.core.turn_steps import danger_words
from caller_service.language.languages import name_for
from caller_service.language.page_words import (
    choice_words,
    page_text,
    question_parts,
    question_words,
)
from caller_service.language.vocabularies import guess
from caller_service.store.messages import Text
from caller_service.store.visits import VisitState
from caller_service.web.shared.guard import parts

from . import keys
from .times import day
from .views import (
    CheckView,
    DangerView,
    NumberView,
    Pick,
    PlaceView,
    QuestionView,
    Row,
    Spoken,
    StatusView,
    StepView,
    Told,
)

ABOUT = 8  # questions on the common path (core/protocol_check.py holds that)
AID = {"breathing", "overdose"}  # kinds of danger with first aid
DOUBTS = {"unsure", SKIPPED}
SCREEN_WORDS = {"too_fast": "web.press_again"}  # a text words these otherwise
NOT_FOUND = "web.place.fault."  # their place was not found, and is asked for once more
POISON = frozenset({"overdose"})
# is that phone safe for what they want?
_SAFE: dict[str, str] = {
    ContactAnswer.TEXT: "web.ask.phone_safe.text",
    ContactAnswer.TEXT_DEAF: "web.ask.phone_safe.text",
    ContactAnswer.CALL: "web.ask.phone_safe.call",
}
_NUMBER = re.compile(r"\+\d{8,15}")  # of a neighbour's line, as the program file has it


Say = Callable[..., str]


def language() -> str:
    """The reader's language: chosen, stored with the form, or requested by the browser."""
    if "resident_language" not in g:
        g.resident_language = _language()
    return str(g.resident_language)


def use_language(tag: str) -> None:
    """Use this language of the program for the rest of the request."""
    g.resident_language = tag
    g.pop("resident_say", None)


def _language() -> str:
    found = keys.page()
    return chosen_language(found.case.language if found else "")


def chosen_language(of_request: str = "") -> str:
    """The language in the URL, else that of their request, else the one chosen before, else the
    browser's."""
    known = parts().program.languages
    for asked in (request.args.get("lang"), of_request, keys.cookie(keys.LANGUAGE)):
        if asked in known:
            return str(asked)
    return request.accept_languages.best_match(known) or known[0]


def in_language(address: str) -> str:
    """This URL with the language of the requested one, because a browser without cookies stores it
    in no other way."""
    asked = request.args.get("lang")
    return f"{address}?lang={asked}" if asked in parts().program.languages else address


def say(key: str, **fill: str) -> str:
    """Catalog words in the reader's language."""
    return sayer()(key, **fill)


def sayer() -> Say:
    """A `say` for many sentences: reader and request are looked up once."""
    if "resident_say" not in g:
        found, tag = keys.page(), language()
        reference = found.case.reference if found else ""
        deaf = found is not None and is_deaf(found.case)
        program, catalog = parts().program, parts().catalog

        def said(key: str, **fill: str) -> str:
            return page_text(key, fill, tag, program, catalog, reference, deaf)

        g.resident_say = said
    found_say: Say = g.resident_say
    return found_say


def render(template: str, **more: Any) -> str:
    """A page of the residents'."""
    tag, known = language(), parts().catalog.languages
    base = keys.base()
    at = keys.address() if base or not keys.in_path() else "/"
    return render_template(
        f"residents/{template}",
        say=sayer(),
        language=tag,
        direction="rtl" if known[tag].right_to_left else "ltr",
        languages=[(each, known[each].native) for each in parts().program.languages if each != tag],
        program=parts().program,
        shared=_shared(),
        deaf=(found := keys.page()) is not None and is_deaf(found.case),
        **{"base": base, "out": f"{base}/out", "back": at, "at": keys.next_address()} | more,
    )


def dialable(words: str) -> Markup:
    """A sentence whose phone numbers can be tapped."""
    return Markup(_NUMBER.sub(r'<a href="tel:\g<0>"><bdi>\g<0></bdi></a>', str(escape(words))))


# ---- the form ------------------------------------------------------------------------------------


def signed(found: VisitState | None, screen: str) -> str:
    """The hidden field of a screen that is served now."""
    now = parts().now()
    return keys.sign(
        keys.Screen(
            found.visit.id if found else "", screen, found.visit.step if found else 0,
            now, keys.trip_of(found, now), keys.nonce(),
        )
    )  # fmt: skip


def path_of(position: Position, screen: str) -> str:
    """The URL path of a screen: a number, and nothing that says what is asked."""
    if screen == request_form.CHECK:
        return f"{keys.base()}/request/check"
    if screen == request_form.STATUS:
        return f"{keys.base()}/s"
    return f"{keys.base()}/request/{_number(position, screen)}"


def _number(position: Position, screen: str) -> int:
    if screen in position.screens:
        return position.screens.index(screen) + 1
    if screen in (request_form.NUMBER, request_form.SAFE):
        return len(position.screens) + (1 if screen == request_form.NUMBER else 2)
    return len(position.screens) + 1


def _back(position: Position, number: int) -> str:
    """The address of the screen before; "" on the first. Once all is sent that is their page."""
    if position.sent:
        return f"{keys.base()}/s"
    return f"{keys.base()}/request/{number - 1}" if number > 1 else ""


def _counted(position: Position, screen: str) -> int:
    """Which question it is to the reader: their number, and whether that phone is safe, belong to
    how they are reached. Counted by themselves the next question would have a smaller number."""
    return _number(position, "contact" if screen in request_form.REACHING else screen)


def screen_at(position: Position, number: int, open_now: str) -> str:
    """The screen of an address: a question that was put, or the one that is open."""
    if 1 <= number <= len(position.screens):
        return position.screens[number - 1]
    return open_now


def sentences_of(kept: Kept, found: VisitState | None, but: str = "") -> tuple[Told, ...]:
    """What software said to the last post, once each, for some minutes; and that a screen was
    late. `but`: a key that the page says anyway."""
    lines = [(key, dict(fill)) for key, fill in kept.position.told if key != but]
    if found is not None and kept.version not in (0, found.case.version):
        lines = []  # something newer has happened: what was said then may be untrue
    told_at = datetime.fromisoformat(kept.told_at) if kept.told_at else None
    if told_at is not None and parts().now() - told_at > resident_page.TOLD_FOR:
        lines = []
    if kept.late:
        lines.insert(0, ("web.older_screen", {}))
    words = dict.fromkeys(say(SCREEN_WORDS.get(key, key), **fill) for key, fill in lines)
    return tuple(Told(each) for each in words)


def question_view(
    found: VisitState | None, case: Case, kept: Kept, screen: str, first: bool = False
) -> QuestionView:
    """One question of the protocol, or one that only a page asks."""
    program, catalog, tag = parts().program, parts().catalog, language()
    position = kept.position
    number, path = _number(position, screen), path_of(position, screen)
    common: dict[str, Any] = {
        "number": _counted(position, screen),
        "about": max(ABOUT, number),
        "at": signed(found, screen),
        "action": in_language(path) if first else path,
        "back": _back(position, number),
        "told": sentences_of(kept, found),
        "refused": kept.late or any(key == "too_fast" for key, _ in position.told),
    }
    if screen == request_form.SAFE:
        picks = tuple(Pick(code, say(f"web.choice.phone_safe.{code}")) for code in ("yes", "no"))
        words = say(_SAFE.get(position.wanted, "web.ask.phone_safe"))
        return QuestionView(
            question=screen, words=words, parts=(), picks=picks, safety=True,
            skip=False, preamble=(), **common,
        )  # fmt: skip
    question = program.protocol.question(screen)
    chosen = case.answers.get(screen, "")
    if screen == "contact":
        chosen = position.wanted or chosen
    return QuestionView(
        question=screen,
        words=question_words(question, case, tag, catalog),
        parts=question_parts(question, tag, catalog),
        picks=tuple(
            Pick(code, choice_words(question, code, case, tag, catalog), code == chosen)
            for code in request_form.offered(question, case)
        ),
        safety=question.safety,
        preamble=_preamble()
        if first or _began_with_words(case, position, screen)
        else _minor(question, case, position),
        **common,
    )


def _began_with_words(case: Case, position: Position, screen: str) -> bool:
    """Words came before the first screen was shown, so that nothing said yet who we are."""
    opening = position.screens[:1] == (screen,)
    return opening and not case.answers and bool(case.narrative)


def _preamble() -> tuple[str, ...]:
    scene = current_scene()
    words = [say("web.preamble")]
    if scene.surge:
        words.append(say("web.preamble.surge"))
    if not team_working(scene):
        words.append(say("web.preamble.no_team"))
    return tuple(words)


def current_scene() -> Scene:
    """The circumstances for somebody who begins now; read once per request."""
    if "resident_scene" not in g:
        with parts().engine.connect() as conn:
            g.resident_scene = parts().scene(conn, surge=True)
    scene: Scene = g.resident_scene
    return scene


def _minor(question: Question, case: Case, position: Position) -> tuple[str, ...]:
    """What people here may have to report is said before a child is asked about it (rule 14)."""
    told = {Said.ABUSE, Said.DISCLOSURE} & case.said
    said_now = any(key == "minor.report" for key, _ in position.told)
    tells = question.notice_minor and case.minor and not told and not said_now
    return (say("minor.report"),) if tells else ()


def place_view(
    found: VisitState | None, case: Case, kept: Kept, fault: str = "", value: str = "",
    alone: bool = False,
) -> PlaceView:  # fmt: skip
    number = _number(kept.position, "where")
    question = parts().program.protocol.question("where")
    told = sentences_of(kept, found)
    picks: tuple[Pick, ...] = ()
    if not fault and any(key.startswith(NOT_FOUND) for key, _ in kept.position.told):
        fault, told = "".join(each.words for each in told), ()
        picks = tuple(Pick(name, name) for name in request_form.places_meant(case, current_scene()))
    return PlaceView(
        number,
        max(ABOUT, number),
        question_words(question, case, language(), parts().catalog),
        value or ("" if alone else case.place),
        picks,
        fault,
        signed(found, "where"),
        "" if alone else path_of(kept.position, "where"),  # alone: its own address
        "" if alone else _back(kept.position, number),
        not alone,
        told,
        "",
        alone,
        asker(case) == "they",
    )


def number_view(found: VisitState, kept: Kept, fault: str = "", value: str = "") -> NumberView:
    number = _number(kept.position, request_form.NUMBER)
    return NumberView(
        _counted(kept.position, request_form.NUMBER),
        max(ABOUT, number),
        value or kept.position.number,
        fault,
        signed(found, request_form.NUMBER),
        path_of(kept.position, request_form.NUMBER),
        _back(kept.position, number),
    )


def danger_view(found: VisitState, kept: Kept) -> DangerView:
    """What to do now, from the record: the words for every kind of danger that is known."""
    case, program, now = found.case, parts().program, parts().now()
    words = [
        say(each.key, **dict(each.fill))
        for each in danger_words(case, case.dangers, program.protocol)
    ]
    told = [say(key, **dict(fill)) for key, fill in kept.position.told]
    lines = tuple(dict.fromkeys(told or words)) or (say("web.level.human"),)
    ago = request_form.asked_ago(case, now)
    grave = case.level == Level.R1
    # a doubt about health, and free text of an overdose, say to call 911 first, too
    emergency = grave or case.answers.get("health") in DOUBTS or bool(AID & set(case.dangers))
    return DangerView(
        lines,
        bool(POISON & set(case.dangers)) or case.answers.get("health") == "yes",
        not grave or bool({"suicide", "attempt", "own_weapon"} & set(case.dangers)),
        say("web.danger.aid") if _first_aid(case) else "",
        None if ago is None else int(ago.total_seconds()),
        case.holder if Mark.JOINED in case.marks else "",
        _left(case, kept.position),
        signed(found, request_form.DANGER),
        f"{keys.base()}/request",
        program.numbers.text_to_911,
        emergency,
    )


def _first_aid(case: Case) -> bool:
    """Only for somebody beside the person, and not during violence (rule 23)."""
    beside = case.answers.get("who") in ("adult", "child", "unknown")
    badly = case.answers.get("health") in {"yes", *DOUBTS} or bool(AID & set(case.dangers))
    return asker(case) == "they" and beside and badly and not case.violent


def _left(case: Case, position: Position) -> int:
    protocol = parts().program.protocol
    return sum(
        1
        for question in protocol.questions
        if question.in_danger and not question.follow_up and question.id not in case.answers
    )


def check_view(found: VisitState, kept: Kept, words: str = "", fault: str = "") -> CheckView:
    case, tag, catalog = found.case, language(), parts().catalog
    rows = []
    for place, name in enumerate(kept.position.screens, 1):
        question = parts().program.protocol.question(name)
        rows.append(
            Row(
                name, question_words(question, case, tag, catalog),
                _answer_words(question, case, kept.position), f"{keys.base()}/request/{place}",
            )
        )  # fmt: skip
    return CheckView(
        tuple(rows), signed(found, request_form.CHECK), f"{keys.base()}/request/check", words, fault
    )


def _answer_words(question: Question, case: Case, position: Position) -> str:
    code = case.answers.get(question.id, "")
    if question.kind == "place":
        return case.place if code == "given" else say("web.check.skipped")
    if question.id == "contact" and position.wanted and position.number:
        code = position.wanted
    known = {choice.code for choice in question.choices}
    if code not in known:
        return say("web.check.skipped") if code else ""
    return choice_words(question, code, case, language(), parts().catalog)


# ---- where it stands -----------------------------------------------------------------------------


def version_of(found: VisitState) -> str:
    """Changes with whatever the status page shows, but for the time that passes."""
    case = found.case
    return f"{case.id[-6:]}.{case.version}.{found.visit.step}.{int(case.page_closed)}"


def status_view(found: VisitState, kept: Kept, words: Words, value: str = "") -> StatusView:
    case, now = found.case, parts().now()
    stands, fill = _stands(case)
    low_high, age = _range(case, now)
    open_question = (
        with_changes(
            question_view(found, case, kept, case.asked),
            action=f"{keys.base()}/s",
            back="",
            told=(),
        )
        if case.asked and not case.in_danger and not case.held and case.status != Status.SCREENING
        else None
    )
    if case.watched:  # software is silent (rule 9)
        open_question, kept = None, page_visit.quiet(kept)
    other = _other_language(words.shown)
    sentence = say(stands, **fill)
    return StatusView(
        stands=sentence,
        mark=f"{crc32(sentence.encode()):x}",
        live=case.holder if case.held and Mark.SPOKEN in case.marks else "",
        checked=now,
        version=version_of(found),
        range=low_high,
        range_age=age,
        awaited=_awaited(case, stands),
        steps=_steps(case),
        talk=tuple(_spoken(case, text) for text in words.shown),
        hidden=words.hidden,
        reference=case.reference,
        code=kept.code,
        told=sentences_of(kept, found, but=_ABOVE.get(stands, "")),
        danger=case.in_danger and not _silent(case),
        emergency=stands == EMERGENCY,
        ended=case.ended,
        can_cancel=not case.ended and not case.held and case.status != Status.ARRIVED,
        code_word=not (case.ended or case.held or case.code_word or sensitive(case)),
        watched=bool(parts().program.watched) and not (case.ended or case.violent or case.watched),
        open_question=open_question,
        other_language=other,
        value=value,
        at=signed(found, request_form.STATUS),
        deletion=_deletion(case, now),
        shared=_shared(),
        confirm_number=kept.position.asked_word and kept.tries < page_number.TRIES,
        human_cancels=not may_hear_status(case, verified=False),
    )


def _shared() -> str:
    """Do others use this computer? "" where there is no cookie to keep it."""
    return "" if keys.in_path() else "yes" if keys.cookie(keys.SHARED) else "no"


# what the heading says already
_ABOVE = {"web.stands.handed_off": "end.team"}


def _deletion(case: Case, now: datetime) -> tuple[str, ...]:
    """Asked, done, or kept by a law: never more than is true now."""
    wish = retention.wish(case, parts().program.retention, now)
    if wish is None:
        return ()
    if wish.stands == Stands.DONE:
        return say("web.delete.done"), say("web.delete.sent")
    if wish.stands == Stands.KEPT and wish.until is None:
        return (say("web.delete.law"),)
    if wish.until is not None:
        return (say("web.delete.until", date=day(wish.until, parts().program, language())),)
    return (say("web.delete.asked"),)


def _stands(case: Case) -> tuple[str, dict[str, str]]:
    """One sentence, from the record: never more than is known (rule 22). About somebody else only
    received, coming or finished (rule 10)."""
    name = {"name": case.in_charge}
    if case.ended:
        return f"web.stands.{_ended(case)}", {}
    if _silent(case) and (case.response in ("", "human") or case.status == Status.OPEN):
        return "web.stands.silent", {}
    if (case.in_danger or case.held) and not _silent(case):
        return f"web.stands.{_in_danger(case)}", name
    if case.status == Status.SCREENING:
        return "web.stands.draft", {}
    if case.about_another and (known := _OTHERS.get(case.status)):
        return f"web.stands.other.{known}", {}
    if case.late:
        return "web.stands.late", {}
    if case.status == Status.HANDED_OFF and (known := _NO_TEAM_ASKED.get(case.response)):
        return known, {}
    if _no_team_comes(case):
        outside = case.unserved == Unserved.OUT_OF_AREA
        return ("web.stands.outside" if outside else "web.stands.no_team"), {}
    if case.status == Status.OPEN:
        return EMERGENCY if Mark.TOLD_911 in case.marks else "web.stands.asking", {}
    return f"web.stands.{case.status.value}", name


_OTHERS = {
    Status.ACCEPTED: "received", Status.ASSIGNED: "received", Status.EN_ROUTE: "coming",
    Status.ARRIVED: "no_news",
}  # fmt: skip
EMERGENCY = "web.stands.emergency"
READ = "web.stands.information_read"  # a human is asked to read their words, and nobody comes
_NO_TEAM_ASKED = {
    "counselor": "web.stands.handed_off_counselor", "information": READ, "call_911": EMERGENCY,
}  # fmt: skip


def _no_team_comes(case: Case) -> bool:
    """No team works there, or none can come, and nobody has taken the request all the same."""
    return bool(case.unserved) and not case.human_has_it


def _awaited(case: Case, stands: str) -> bool:
    """Does anybody come, or write, of whom nobody has said when?"""
    there = case.status in (Status.ARRIVED, Status.UNREACHABLE)
    written = case.held and case.response != "team"  # whoever was awaited has written
    nobody = _no_team_comes(case) or stands in (EMERGENCY, READ)
    return not (case.ended or there or written or nobody)


def _silent(case: Case) -> bool:
    """Somebody reads along, and no human writes: the page looks as if nothing was said (rule 9)."""
    return case.watched and not case.held


def _in_danger(case: Case) -> str:
    """Who is with somebody in danger, if anybody."""
    spoke = Mark.SPOKEN in case.marks or Mark.NOTED in case.marks
    if case.held and spoke and not (case.in_danger and case.unjoined):
        return "holder_away" if case.page_waits else "live"
    if case.human_has_it and case.in_charge and not case.page_waits:
        return "taken"
    if spoke:
        return "another"
    if case.truth_line == "truth.backstop":
        return "backstop"
    return "asking_again" if Mark.TRUTH in case.marks else "asking"


def _ended(case: Case) -> str:
    if case.status == Status.CANCELLED:
        return "cancelled"
    if case.outcome == Outcome.ABANDONED and Mark.HANDED_OFF not in case.marks:
        return "not_sent"
    if case.about_another:
        return "other.finished"
    if case.outcome == Outcome.INFORMATION:
        return "information"
    if case.outcome in (Outcome.GONE, Outcome.UNSERVED):
        return case.outcome
    danger = case.in_danger or not case.marks.keys().isdisjoint((Mark.FIRST_PAGED, Mark.LOWERED))
    return "closed_kind" if danger else "closed"


def _range(case: Case, now: datetime) -> tuple[str, int | None]:
    """When help is expected, as it was said, and how long ago that was."""
    promised, said = case.marks.get(Mark.PROMISED), case.marks.get(Mark.ACKNOWLEDGED)
    coming = case.status in (Status.ACCEPTED, Status.ASSIGNED, Status.EN_ROUTE)
    if promised is None or said is None or not coming or case.in_danger or promised < now:
        return "", None
    low, high = minutes_range(promised - said)
    age = int((now - said).total_seconds())
    if low >= HOURS_FROM:
        return say("web.range.hours", low=str(low // 60), high=str(-(-high // 60))), age
    return say("web.range.minutes", low=str(low), high=str(high)), age


def _way(case: Case) -> list[tuple[str, Mark]]:
    """The steps of a request, and what says that each is done."""
    steps = [("asked", Mark.HANDED_OFF if Mark.HANDED_OFF in case.marks else Mark.OPENED)]
    if (case.in_danger or Mark.FIRST_PAGED in case.marks) and not _silent(case):
        steps += [("joining", Mark.FIRST_PAGED), ("joined", Mark.JOINED)]
    if case.response == "team" and case.about_another:  # received, coming, finished (rule 10)
        steps += [("other.accepted", Mark.ACCEPTED), ("other.coming", Mark.EN_ROUTE)]
    elif case.response == "team":
        steps += [("accepted", Mark.ACCEPTED), ("assigned", Mark.ASSIGNED)]
        steps += [("on_the_way", Mark.EN_ROUTE), ("there", Mark.ARRIVED)]
    elif case.response == "counselor":
        steps += [("counselor", Mark.HANDED_OFF), ("counselor_reached", Mark.JOINED)]
    if case.ended or _no_team_comes(case):  # what never came, or does not come, is no step
        steps = [(name, mark) for name, mark in steps if mark in case.marks]
    if case.ended:
        steps.append(("ended", Mark(case.status.value)))
    return steps


def _steps(case: Case) -> tuple[StepView, ...]:
    """The way of a request, with times: what is done, where it is, what comes next."""
    if case.status == Status.SCREENING:
        return ()
    way = _way(case)
    reached = [place for place, (_, mark) in enumerate(way) if mark in case.marks]
    last = reached[-1] if reached else 0
    return tuple(
        StepView(
            say(f"web.step.{name}"),
            case.marks.get(mark) if place <= last else None,
            "done" if place < last or case.ended else "here" if place == last else "next",
        )
        for place, (name, mark) in enumerate(way)
    )


def _spoken(case: Case, text: Text) -> Spoken:
    if text.direction == "in":
        return Spoken(True, "", text.words, text.at, "has_it" if case.human_has_it else "")
    by, _, words = text.words.partition(": ") if ": " in text.words[:60] else ("", "", text.words)
    return Spoken(False, by or case.in_charge, words, text.at, "")


def _other_language(shown: Sequence[Text]) -> str:
    """The language of a human's free words, named in the reader's; "" where it is the reader's own
    or they say too little to tell."""
    reader = language()
    written = (
        guess(text.words, parts().language_words) for text in shown if text.direction == "out"
    )
    other = next((tag for tag in written if tag not in (None, reader)), None)
    return name_for(reader, parts().catalog.languages[other]) if other else ""
