"""The request form and the private page: one address a screen, POST → 303 → GET.

With cookies the browser's key is in one; without, it stands in the address. A post is believed only
with the signed field of a screen that we served; one that is late changes nothing and is shown what
is open. Whatever fails here ends in the words for 911 and 988, with what was typed still there.
"""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace as with_changes
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask import Response, make_response, request
from werkzeug.exceptions import HTTPException

from caller_service.casework import page_visit, resident_page
from caller_service.casework.page_visit import Act, NoSuchPage
from caller_service.casework.resident_page import AnotherPage
from caller_service.core import request_form
from caller_service.core.case import Case, Channel
from caller_service.core.phone_numbers import NumberFault, read_typed
from caller_service.store.database.deadline import WRITE_WAIT, deadline
from caller_service.store.database.group_commit import NotWritten
from caller_service.store.visits import VisitKind, VisitState, new_secret
from caller_service.web.shared.failure_limit import TYPED, failure_limit, source
from caller_service.web.shared.guard import guarded, parts
from caller_service.web.shared.persons_view import is_guess, is_program
from caller_service.web.shared.problem import FRAMED
from caller_service.web.shared.public_address import is_foreign
from caller_service.web.shared.refusals import many_numbers, refused
from caller_service.web.shared.see_other import see_other

from . import keys
from .rendering import (
    check_view,
    danger_view,
    in_language,
    language,
    number_view,
    path_of,
    place_view,
    question_view,
    render,
    say,
    screen_at,
    signed,
    speaks,
    status_view,
    the_scene,
    version_of,
)
from .views import CodeView, StatusView

log = logging.getLogger(__name__)
LONGEST = 4000  # characters of somebody's words; the browser says so before
USED = "X-Used"  # a header of our script: somebody has typed since it last looked
NEXT = "next"  # a field of our script: the next screen may come as the answer to the post
IDLE = timedelta(minutes=10)  # then the words are behind a curtain
SHARED = timedelta(minutes=3)  # the same on a computer that others use
BUSY = (NotWritten, sa.exc.OperationalError, sa.exc.TimeoutError)
_COORDINATE = re.compile(r"-?\d{1,3}(?:\.\d{1,10})?")
# an address of one of our pages, without a query: letters, digits and what our keys are made of
_OWN_ADDRESS = re.compile(r"/|(?:/[\w-]+)+", re.ASCII)
_ACTS = frozenset(
    {"words", "person", "worse", "cancel", "emergency", "go_on", "wrong", "code_word", "delete",
     "word", "contact"}
)  # fmt: skip


def own_pages_only() -> Response | None:
    """Another site's page cannot post here, and what is fetched ahead opens and shows nothing."""
    if is_guess(request.headers):
        return Response("", 503)
    if request.method == "POST" and _from_elsewhere():
        refused(request.endpoint or "", "cross-site")
        return _shown(render("error.html", kind="refused", back="/"), 403)
    return None


def _from_elsewhere() -> bool:
    """Was this posted by another site's page? Old phones send neither header, or `Origin` alone."""
    site = request.headers.get("Sec-Fetch-Site", "none")
    origin = request.headers.get("Origin", "null")
    return site not in ("same-origin", "none") or is_foreign(origin, parts().public_url)


form = guarded("request", own_pages_only)


def both(rule: str, **more: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The same address with the key in a cookie and in the path."""

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        named, called = view.__name__, _without_key(view)
        options = {"strict_slashes": False, **more}  # a slash too many is no other address
        form.add_url_rule(rule, named, called, **options)
        form.add_url_rule(f"/r/<key>{rule}", f"{named}_in_path", called, **options)
        return view

    return decorate


def _without_key(view: Callable[..., Any]) -> Callable[..., Any]:
    def called(key: str = "", **named: Any) -> Any:
        try:
            return view(**named)
        except NoSuchPage:
            return _gone()

    called.__name__ = view.__name__
    return called


@form.errorhandler(HTTPException)
def refused_kindly(error: HTTPException) -> Response:
    """A person reads this, not a machine. It is shown while the database is away, too."""
    if (error.code or 500) >= 500:
        return _down()
    kind = "long" if error.code == 413 else "lost" if error.code == 404 else "refused"
    try:
        page = render("error.html", kind=kind, back="/")
    except sa.exc.SQLAlchemyError:
        keys.read_no_more()
        page = render("error.html", kind=kind, back="/")
    return _shown(page, error.code or 500)


@form.errorhandler(Exception)
def failed(error: Exception) -> Response:
    """A fault of ours: 911 and 988, and what was typed."""
    log.error("page failed", extra={"door": request.endpoint, "fault": type(error).__name__})
    return _down()


# ---- the form ------------------------------------------------------------------------------------


@both("/request", methods=["GET"])
def start() -> Any:
    """The screen that is open: the first question for somebody new."""
    found = keys.page()
    if found is None:
        return _gone() if keys.in_path() else _first()
    kept = page_visit.kept_of(found.visit)
    screen = request_form.screen_of(found.case, kept.position)
    if screen == request_form.DANGER:
        return _danger(found, kept)
    return _to(path_of(kept.position, screen))


def _danger(found: VisitState, kept: page_visit.Kept) -> Response:
    """What to do now: at once for whoever said it, also from behind the curtain; and behind it once
    nobody has touched the page for a while."""
    said = datetime.fromisoformat(kept.told_at) if kept.position.told and kept.told_at else None
    if _locked(found) and (said is None or parts().now() - said > _idle()):
        return _curtain(found)
    _seen(found)
    return _shown(render("danger.html", view=danger_view(found, kept)))


def _first(status: int = 200) -> Response:
    """The first question. Nothing is kept of somebody who only looks."""
    case = _nobody()
    screen = request_form.first_question(case, the_scene())
    view = question_view(None, case, page_visit.Kept(), screen, first=True)
    answer = _shown(render("question.html", view=view), status)
    keys.set_cookie(answer, keys.TRIED, "1")
    _remember_language(answer)
    return answer


def _remember_language(answer: Response) -> None:
    """What was chosen on a public page stands in the address: from here on the browser keeps it."""
    if request.args.get("lang") in parts().program.languages:
        keys.set_cookie(answer, keys.LANGUAGE, language())


def _nobody() -> Case:
    return Case("", "", "", parts().program.languages[0], on_web=True, channel=Channel.WEB)


@both("/request/<int:number>", methods=["GET"])
def screen(number: int) -> Any:
    found = keys.page()
    if found is None:
        if keys.in_path():
            return _gone()
        return _first() if number == 1 else _to("/request")
    kept = page_visit.kept_of(found.visit)
    open_now = request_form.screen_of(found.case, kept.position)
    if open_now == request_form.DANGER:
        return _to(f"{keys.base()}/request")
    if open_now == request_form.STATUS:
        return _to(f"{keys.base()}/s")
    if _locked(found):
        return _curtain(found)
    # once it is sent, earlier answers are not shown again
    wanted = open_now if kept.position.sent else screen_at(kept.position, number, open_now)
    if path_of(kept.position, wanted) != f"{keys.base()}/request/{number}":
        return _to(path_of(kept.position, wanted))
    return _shown(_screen(found, kept, wanted))


def _screen(found: VisitState, kept: page_visit.Kept, name: str) -> str:
    _code_is_shown(found, kept)
    _seen(found)
    case = found.case
    if name == request_form.NUMBER:
        return render("number.html", view=number_view(found, kept), draft=kept)
    if name == request_form.CHECK:
        return render("check.html", view=check_view(found, kept), draft=kept)
    if name != request_form.SAFE and parts().program.protocol.question(name).kind == "place":
        return render("place.html", view=place_view(found, case, kept), draft=kept)
    return render("question.html", view=question_view(found, case, kept, name), draft=kept)


@both("/request", methods=["POST"])
def interrupted() -> Any:
    """From the words for a danger: go on, or the wrong answer was pressed."""
    act = request.form.get("act", "go_on")
    return _posted(act if act in ("go_on", "wrong", "person", "words") else "go_on")


@both("/request/<int:number>", methods=["POST"])
def answered(number: int) -> Any:
    """An answer. What it answers stands in the signed field, never in the address."""
    act = request.form.get("act", "")
    if written := _typed("words"):  # own words count on any screen
        return _posted("words", value=written[:LONGEST])
    if act:
        return _posted(act if act in ("person", "emergency") else "person")
    stood = keys.stood()
    if stood is None:
        return _unsigned()
    if "answer" in request.form:
        answer = request.form["answer"][:40]
        if stood.name == request_form.NUMBER:
            return _posted("number", value="")
        if stood.name == request_form.SAFE:
            return _posted("safe", value=answer)
        return _posted("answer", value=answer)
    if stood.name == request_form.NUMBER:
        return _number(request.form.get("number", ""))
    return _place(keys.page())


def _typed(name: str) -> str:
    """What was typed in a field; "" where nothing of it can be seen, like a zero-width space."""
    typed = request.form.get(name, "")
    return typed if any(unicodedata.category(sign)[0] not in "CZ" for sign in typed) else ""


def _heard(typed: str, danger: bool = False) -> bool:
    """Danger in any field is heard, whatever the field is for. `danger`: the field got what it is
    for, too, so that only danger comes before that."""
    return resident_page.is_heard(parts(), typed[:LONGEST], language(), danger)


def _heard_beside_a_word(typed: str) -> bool:
    """The same in a field for one word, which may be "stop" or "overdosed": that is their word."""
    return len(typed.split()) > 1 and _heard(typed)


def _number(typed: str) -> Any:
    number = own_number(typed)
    if _heard(typed, danger=not isinstance(number, NumberFault)):
        return _posted("words", value=typed[:LONGEST])
    if isinstance(number, NumberFault):
        found = keys.page()
        if found is None:
            return _gone()
        if _locked(found):
            return _curtain(found)
        kept = page_visit.kept_of(found.visit)
        view = number_view(found, kept, say(f"web.number.fault.{number.value}"), typed[:40])
        return _shown(render("number.html", view=view), 422)
    return _posted("number", value=number)


def own_number(typed: str) -> str | NumberFault:
    """A resident's number as they typed it, in E.164; or why it is not texted."""
    program = parts().program
    number = read_typed(typed, program.numbers.countries)
    return NumberFault.SERVICE if number in program.service_numbers else number


def _place(found: VisitState | None, alone: bool = False) -> Any:
    """Words, one of several places, or the phone's own location."""
    if found is None:
        return _gone()
    typed = (request.form.get("pick") or _typed("place")).strip()
    latitude, longitude = request.form.get("latitude", ""), request.form.get("longitude", "")
    accuracy = 0.0
    exact = _COORDINATE.fullmatch(latitude) and _COORDINATE.fullmatch(longitude)
    if exact and not request.form.get("pick"):
        typed = f"{float(latitude):.5f},{float(longitude):.5f}"
        accuracy = _metres(request.form.get("accuracy", ""))
    hidden = not alone and _locked(found)
    if hidden and not typed:
        return _curtain(found)
    if not hidden and (not typed or len(typed) > LONGEST):
        kept = page_visit.kept_of(found.visit)
        empty = "web.place.fault.nothing" if alone else "web.place.fault.empty"
        fault = say(empty) if not typed else say("web.words.long")
        view = place_view(found, found.case, kept, fault, typed[:LONGEST], alone=alone)
        return _shown(render("place.html", view=view, **({"back": "/"} if alone else {})), 422)
    # behind a place link nothing else is shown, whatever asks for it
    return _posted("place", value=typed[:LONGEST], accuracy=accuracy, inline=not alone)


def _metres(said: str) -> float:
    try:
        metres = float(said)
    except ValueError:
        return 1e6  # how exact it is nobody knows: a person asks
    return metres if 0 <= metres < 1e7 else 1e6


@both("/request/check", methods=["GET"])
def check() -> Any:
    found = keys.page()
    if found is None:
        return _gone() if keys.in_path() else _to("/request")
    kept = page_visit.kept_of(found.visit)
    open_now = request_form.screen_of(found.case, kept.position)
    if _locked(found):
        return _curtain(found)
    if open_now != request_form.CHECK:
        danger = open_now == request_form.DANGER
        return _to(f"{keys.base()}/request" if danger else path_of(kept.position, open_now))
    return _shown(_screen(found, kept, request_form.CHECK))


@both("/request/check", methods=["POST"])
def sent() -> Any:
    """Their own words first, if there are any; then all of it, once."""
    written = _typed("words")
    if len(written) > LONGEST:
        found = keys.page()
        if found is None:
            return _gone()
        if not _locked(found):
            kept = page_visit.kept_of(found.visit)
            view = check_view(found, kept, written[:LONGEST], say("web.words.long"))
            return _shown(render("check.html", view=view), 422)
    return _posted("send", value=written[:LONGEST])


# ---- the status page -----------------------------------------------------------------------------


@both("/s", methods=["GET"])
def status() -> Any:
    found = keys.page()
    if found is None:
        return _gone() if keys.secret() else _to("/code")
    kept = page_visit.kept_of(found.visit)
    screen_now = request_form.screen_of(found.case, kept.position)
    if screen_now == request_form.DANGER:
        return _to(f"{keys.base()}/request")
    if screen_now != request_form.STATUS and not kept.position.sent:
        return _to(path_of(kept.position, screen_now))
    if _locked(found):
        return _curtain(found)
    return _status(found, kept)


def _status(found: VisitState, kept: page_visit.Kept, value: str = "", fault: str = "") -> Response:
    view = _status_view(found, kept, value)
    return _shown(render("status.html", view=view, fault=fault), 422 if fault else 200)


def _status_view(found: VisitState, kept: page_visit.Kept, value: str = "") -> StatusView:
    _code_is_shown(found, kept)
    found, words = _looked(found, kept)
    return status_view(found, kept, words, value)


def _looked(found: VisitState, kept: page_visit.Kept) -> tuple[VisitState, page_visit.Words]:
    """The words that the page shows; for a person to see, or not: an address without cookies that
    somebody sends on is fetched for a preview, and nobody has read it."""
    if is_program(request.headers):
        return found, page_visit.read_words(parts(), found, kept)
    return page_visit.looked(parts(), found, kept)


def _seen(found: VisitState) -> None:
    if not is_program(request.headers):
        page_visit.seen(parts(), found)


def _code_is_shown(found: VisitState, kept: page_visit.Kept) -> None:
    """The code to come back with stands on one page, once: whoever looks later does not read it."""
    if kept.code and request.method != "HEAD" and not is_program(request.headers):
        page_visit.code_is_shown(parts(), found, kept)


def _locked(found: VisitState) -> bool:
    return parts().now() - found.visit.used_at > _idle()


def _idle() -> timedelta:
    return SHARED if keys.cookie(keys.SHARED) == "1" else IDLE


def _curtain(found: VisitState, fault: str = "", status: int = 200) -> Response:
    """The words are hidden until somebody opens them: with the code word, if there is one."""
    _seen(found)
    return _shown(_locked_page(found, fault), status)


def _locked_page(found: VisitState, fault: str = "") -> str:
    """Its field for the code word is signed: words of danger there are heard."""
    word = bool(found.case.code_word)
    field = signed(found, request_form.STATUS) if word else ""
    return render("locked.html", code_word=word, signed=field, fault=fault)


@both("/open", methods=["GET"])
def open_asked() -> Any:
    """The address bar has this address after a wrong code word: a browser may ask for it again."""
    return _where_they_are()


def _where_they_are() -> Response:
    return _to(f"{keys.base()}/s" if keys.page() else "/")


@both("/open", methods=["POST"])
def opened() -> Any:
    """Lift the curtain. A code word that is wrong makes the next try slower, like a wrong code. For
    somebody else at the same screen, the page closes here and a new request begins."""
    found = keys.page()
    if found is None:
        return _gone()
    if request.form.get("act") == "anew":
        page_visit.leave(parts(), keys.secret())
        answer = _to("/request")
        for name in (keys.PAGE, keys.SHARED):
            keys.drop_cookie(answer, name)
        return answer
    if not found.case.code_word:
        page_visit.unlock(parts(), found, "")
        return _to(f"{keys.base()}/s")
    typed = request.form.get("code_word", "")
    if keys.stood() is not None and _heard_beside_a_word(typed):
        return _posted("words", value=typed[:LONGEST])
    attempt = failure_limit().attempt(
        "page_word", source(request.remote_addr), account=found.case.id, pace=TYPED
    )
    if attempt.wait:
        return _slowed("opened", _curtain(found, _wait_words(attempt.wait), 429), attempt.wait)
    if not page_visit.unlock(parts(), found, typed[:LONGEST]):
        attempt.failed()
        return _curtain(found, say("web.locked.wrong"), 422)
    attempt.succeeded()
    return _to(f"{keys.base()}/s")


@both("/s", methods=["POST"])
def acted() -> Any:
    """What somebody does on their page."""
    act, written = request.form.get("act", "words"), _typed("words")
    found = keys.page()
    if found is None:
        return _gone()
    if act in ("hide", "code", "shared") and _locked(found):
        return _to(f"{keys.base()}/s")
    if act == "shared":
        answer = _to(f"{keys.base()}/s")
        keys.set_cookie(answer, keys.SHARED, "1")
        return answer
    if act == "hide":
        page_visit.hide_words(parts(), keys.secret())
        return _to(f"{keys.base()}/s")
    if act == "code":
        page_visit.new_code(parts(), keys.secret())
        return _to(f"{keys.base()}/s")
    if "answer" in request.form:  # a question that stands on this page
        return _posted("answer", value=request.form["answer"][:40])
    if act not in _ACTS or (act in ("word", "code_word") and _heard_beside_a_word(written)):
        act = "words"
    if act == "words" and not written.strip():
        return _to(f"{keys.base()}/s")
    if len(written) > LONGEST and not _locked(found):
        kept = page_visit.kept_of(found.visit)
        return _status(found, kept, written[:LONGEST], say("web.words.long"))
    return _posted(act, value=written[:LONGEST])


@both("/s/state", methods=["GET"])
def state() -> Any:
    """What the page's own script asks for: nothing, or the main part of the page as it is now."""
    found = keys.page()
    if found is None:
        return Response("", 404)
    version = version_of(found)
    if _locked(found):
        _seen(found)
        page = _locked_page(found) if request.args.get("v") != "locked" else ""
        return {"v": "locked", "html": page}
    if USED in request.headers:
        page_visit.typing(parts(), found)
    if request.args.get("v") == version:
        _seen(found)
        return {"v": version}
    view = _status_view(found, page_visit.kept_of(found.visit))
    page = render("status_main.html", view=view)
    return {"v": version, "html": page}


@both("/words", methods=["GET"])
def conversation() -> Any:
    """The words alone, for browsers without script: a frame that renews itself beside the field."""
    found = keys.page()
    if found is None:
        return Response("", 404)
    answer = Response("", 404)  # an empty frame
    if not _locked(found):
        kept = page_visit.kept_of(found.visit)
        found, words = _looked(found, kept)
        view, known = status_view(found, kept, words), request.args.get("s", "")
        answer = _shown(render("words.html", view=view, known=known))
    answer.headers.update(FRAMED)
    return answer


# ---- coming back, and leaving --------------------------------------------------------------------


@form.get("/s/<code>")
def link(code: str) -> Any:
    """A link shows one button, so that a preview opens nothing."""
    answer = _shown(render("open.html", back="/"))
    keys.set_cookie(answer, keys.TRIED, "1")
    return answer


@form.post("/s/<code>")
def link_opened(code: str) -> Any:
    found = page_visit.find(parts(), code[:64], frozenset({VisitKind.LINK}))
    if found is None:
        return _gone(kind="link")
    return _enter(found)


def _enter(found: VisitState) -> Response:
    secret = new_secret()
    page_visit.enter(parts(), found, secret)
    if keys.cookie(keys.TRIED):
        answer = _to("/s")
        keys.set_cookie(answer, keys.PAGE, secret)
        if request.form.get("shared"):
            keys.set_cookie(answer, keys.SHARED, "1")
        return answer
    return _to(f"/r/{secret}/s")


@form.get("/code", strict_slashes=False)
def typed_code() -> Any:
    answer = _shown(render("code.html", view=CodeView("", "")))
    keys.set_cookie(answer, keys.TRIED, "1")
    _remember_language(answer)
    return answer


@form.post("/code")
def code_typed() -> Any:
    """Wrong codes make the next try of this source slower, and nobody else's; the words and the
    work are the same for all of them. A try that comes too soon is not looked up, so that nothing
    is said of its code."""
    typed, shared = request.form.get("code", ""), "shared" in request.form
    if _heard_beside_a_word(typed):  # no request is open here: these words can begin one
        return _gone(words=typed[:LONGEST])
    again = CodeView("", "", value=typed[:40], shared=shared)
    attempt = failure_limit().attempt("page_code", source(request.remote_addr), pace=TYPED)
    if attempt.wait:
        view = with_changes(again, fault=_wait_words(attempt.wait))
        return _slowed("code_typed", _shown(render("code.html", view=view), 429), attempt.wait)
    found = page_visit.find_code(parts(), typed[:100])
    if found is None:
        attempt.failed()
        refused("request.code_typed", "code wrong")
        view = with_changes(again, fault=say("web.code.fault"))
        return _shown(render("code.html", view=view), 422)
    attempt.succeeded()
    return _enter(found)


def _slowed(endpoint: str, answer: Response, seconds: int) -> Response:
    """Too many wrong tries: counted, and told when the next one counts."""
    refused(f"request.{endpoint}", "slowed")
    answer.headers["Retry-After"] = str(seconds)
    return answer


def _wait_words(seconds: int) -> str:
    """When the next try of a code counts."""
    if seconds < 120:
        return say("web.code.wait", count=str(seconds))
    return say("web.code.wait_minutes", count=str(-(-seconds // 60)))


_PLACE = frozenset({VisitKind.PLACE})


@form.get("/place/<key>")
def place_link(key: str) -> Any:
    """The place screen alone. Who has the link learns nothing."""
    found = page_visit.find(parts(), key, _PLACE)
    if found is None or found.case.ended:
        return _gone(kind="link")
    view = place_view(found, found.case, page_visit.Kept(), alone=True)
    return _shown(render("place.html", view=view, back="/"))


@form.post("/place/<key>")
def place_marked(key: str) -> Any:
    found = page_visit.find(parts(), key, _PLACE)
    if found is None or found.case.ended:
        return _gone(kind="link")
    answer = _place(found, alone=True)
    if answer.status_code == 303:  # what they marked is not shown again, to nobody
        words = _heard(_typed("place")) and not _watched_now(key)
        return _shown(render("place_kept.html", again=request.path, words=words, back="/"))
    return answer


def _watched_now(key: str) -> bool:
    """Then nothing on the screen says that somebody was heard (rule 9)."""
    found = page_visit.find(parts(), key, _PLACE)
    return found is not None and found.case.watched


@both("/out", methods=["GET", "POST"])
def out() -> Any:
    """Leave: the browser's key is spent, so that no older page in its history opens anything."""
    if key := keys.secret():
        try:
            with deadline(WRITE_WAIT):
                page_visit.leave(parts(), key)
        except (NotWritten, sa.exc.SQLAlchemyError) as problem:  # they leave all the same
            log.error("a key was not spent", extra={"fault": type(problem).__name__})
            keys.read_no_more()
    page = _shown(render("out.html", exit_to=parts().program.exit_to))
    page.headers["Refresh"] = f"0; url={parts().program.exit_to}"
    for name in (keys.PAGE, keys.TRIED, keys.LANGUAGE, keys.SHARED):
        keys.drop_cookie(page, name)
    page.headers["Clear-Site-Data"] = '"cache"'
    return page


@both("/language", methods=["GET"])
def language_asked() -> Any:
    return _where_they_are()


@both("/language", methods=["POST"])
def language_chosen() -> Any:
    tag = request.form.get("language", "")
    back = request.form.get("back", "/")
    back = back if _OWN_ADDRESS.fullmatch(back) else "/"
    if tag not in parts().program.languages:
        return _to(back)
    found, opened, typed = keys.page(), None, _typed("words")
    if found is not None:
        act = Act("language", found.visit.step, keys.nonce(), value=tag, idle=_idle())
        with deadline(WRITE_WAIT):
            opened = resident_page.post(parts(), keys.secret(), act)
    answer: Response
    if typed:
        answer = _same_words(opened, typed[:LONGEST], tag, back)
    elif found is None and not keys.cookie(keys.TRIED):  # perhaps no cookie will be kept
        answer = _to(f"{back}?lang={tag}")
    else:
        answer = _to(back)
    keys.set_cookie(answer, keys.LANGUAGE, tag)
    return answer


def _same_words(opened: resident_page.Opened | None, typed: str, tag: str, back: str) -> Response:
    """The screen in another language, with the words that were not sent yet still in its field."""
    if opened is None:
        speaks(tag)
        return _gone(words=typed)
    found, kept = opened.found, opened.kept
    name = request_form.screen_of(found.case, kept.position)
    if name not in (request_form.STATUS, request_form.CHECK) or _locked(found):
        return _to(back)
    keys.now_opens(found, _open_path(opened))
    if name == request_form.STATUS:
        return _status(found, kept, typed)
    return _shown(render("check.html", view=check_view(found, kept, typed), draft=kept))


# ---- one post ------------------------------------------------------------------------------------


def _posted(act: str, value: str = "", accuracy: float = 0.0, inline: bool = True) -> Any:
    """Carry it out, then show what is open: where the script asks for it, as the answer. Bad luck
    loses nothing: what was typed stays."""
    stood = keys.stood()
    if stood is None:
        return _unsigned()
    secret = keys.secret()
    read = timedelta(seconds=parts().program.clocks.read_page)
    read_at = stood.served + (stood.trip + read if read else read)
    done = Act(
        act, stood.step, stood.nonce, stood.name, value, accuracy, read_at,
        visit=stood.visit, idle=_idle(), probe=keys.from_probe(),
        source=source(request.remote_addr), trip=stood.trip.total_seconds(),
        inline=inline and NEXT in request.form,
    )  # fmt: skip
    answer: Response
    try:
        with deadline(WRITE_WAIT):
            if secret:
                try:
                    opened = resident_page.post(parts(), secret, done)
                    if act == "safe" and request_form.TOO_MANY in dict(opened.position.told):
                        many_numbers(f"request.{request.endpoint}")
                    return _next(opened) if done.inline else _to(_open_path(opened))
                except AnotherPage:
                    return _unsigned()
                except NoSuchPage:
                    if stood.visit:  # there was a page, and it is over
                        return _gone()
            if stood.visit:
                return _gone()
            secret = keys.from_nonce(stood.nonce)
            begun = resident_page.begin(parts(), secret, with_changes(done, language=language()))
    except BUSY as problem:
        log.error("a post was not kept", extra={"fault": type(problem).__name__})
        return _down()
    path = _open_path(begun) if begun else "/request"
    if keys.cookie(keys.TRIED):
        answer = _to(path)
        keys.set_cookie(answer, keys.PAGE, secret)
        return answer
    return _to(f"/r/{secret}{path}")


def _next(opened: resident_page.Opened) -> Response:
    """The screen that is open now, as the answer to the post: what a browser would ask for after a
    303. Its address stands in it (`data-at`), for the history."""
    found, kept = opened.found, opened.kept
    keys.now_opens(found, _open_path(opened))
    name = request_form.screen_of(found.case, kept.position)
    if name == request_form.DANGER:
        return _danger(found, kept)
    if _locked(found):
        return _curtain(found)
    if name == request_form.STATUS:
        return _status(found, kept)
    return _shown(_screen(found, kept, name))


def _down() -> Response:
    """We could not take it: it can be sent again from here, in the same words."""
    keys.read_no_more()
    field = next((name for name in ("words", "place", "number") if request.form.get(name)), "")
    more: dict[str, Any] = {"typed": request.form[field], "name": field} if field else {}
    if request.form:  # to the same address
        more["action"] = ""
        more["kept"] = [
            (name, said) for name, said in request.form.items() if name not in (field, NEXT)
        ]
    kind = "down" if request.method == "POST" else "away"
    return _shown(render("error.html", kind=kind, back="/", **more), 503)


def _open_path(after: resident_page.Opened) -> str:
    """Where the form goes on."""
    screen_now = request_form.screen_of(after.case, after.position)
    if screen_now == request_form.DANGER:
        return f"{keys.base()}/request"
    return path_of(after.position, screen_now)


def _own_words() -> str:
    """What they wrote for people to read: never a button's name, a number or a word of theirs."""
    if request.form.get("act", "words") not in ("words", "send"):
        return ""
    return (request.form.get("words") or request.form.get("place") or "")[:LONGEST]


def _unsigned() -> Response:
    """No field of ours: an old form after an update, or another site. What was typed is shown
    again in a form that counts."""
    refused(request.endpoint or "", "screen not signed")
    found = keys.page()
    if found is None or _locked(found):
        return _gone()
    kept = page_visit.kept_of(found.visit)
    return _status(found, kept, _own_words(), say("web.fault.again"))


def _gone(kind: str = "", words: str = "") -> Response:
    """The key opens nothing: left, over, or never there. An old page in a browser's history is the
    neutral front page, and says nothing of what was here. What was typed is shown again, and can be
    sent as a new request. No address on it has the key."""
    nobody: dict[str, Any] = {"base": "", "out": "/out", "public": True, "at": ""}
    words = words or _own_words()
    posted = request.method == "POST"
    if words.strip():
        again = {"action": "/request/1", "kept": [("at", signed(None, "words"))], "typed": words}
        return _shown(render("error.html", kind="unsent_words", **again, **nobody), 404)
    if kind:
        return _shown(render("gone.html", kind=kind, **nobody), 404)
    if not posted and keys.secret():
        return _to("/")
    return _shown(render("error.html", kind="unsent" if posted else "lost", **nobody), 404)


def _to(path: str) -> Response:
    """After a post, and from a screen that is not the open one: the browser asks for this."""
    found = keys.page()
    if request.method == "GET" and (found is None or found.case.language != language()):
        path = in_language(path)
    return see_other(path)


def _shown(page: str, status: int = 200) -> Response:
    return make_response(page, status)
