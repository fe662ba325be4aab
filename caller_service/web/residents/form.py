"""The request form and the private page: one URL for each screen, POST → 303 → GET.

The browser's key is in a cookie or, without cookies, in the URL. A post counts only with the signed
field of a screen that we served; one that comes late changes nothing and gets the open screen. Any
failure here ends in a page with 911 and 988, with what was typed still in it.
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
    current_scene,
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
    status_view,
    use_language,
    version_of,
)
from .views import CodeView, StatusView

log = logging.getLogger(__name__)
LONGEST = 4000  # characters of somebody's words; the browser says so before
USED = "X-Used"  # a header of our script: somebody has typed since it last looked
NEXT = "next"  # a field of our script: the response to the post may be the next screen
IDLE = timedelta(minutes=10)  # without activity; then the page is locked
SHARED = timedelta(minutes=3)  # the same on a computer that others use
BUSY = (NotWritten, sa.exc.OperationalError, sa.exc.TimeoutError)
_COORDINATE = re.compile(r"-?\d{1,3}(?:\.\d{1,10})?")
# a URL path of one of our pages, without a query: letters, digits and what our keys are made of
_OWN_ADDRESS = re.compile(r"/|(?:/[\w-]+)+", re.ASCII)
_ACTS = frozenset(
    {"words", "person", "worse", "cancel", "emergency", "go_on", "wrong", "code_word", "delete",
     "word", "contact"}
)  # fmt: skip


def own_pages_only() -> Response | None:
    """Refuse posts from other sites' pages; a prefetch gets an empty response and opens nothing."""
    if is_guess(request.headers):
        return Response("", 503)
    if request.method == "POST" and _from_elsewhere():
        refused(request.endpoint or "", "cross-site")
        return _response(render("error.html", kind="refused", back="/"), 403)
    return None


def _from_elsewhere() -> bool:
    """Was this posted by another site's page? Old phones send neither header, or `Origin` alone."""
    site = request.headers.get("Sec-Fetch-Site", "none")
    origin = request.headers.get("Origin", "null")
    return site not in ("same-origin", "none") or is_foreign(origin, parts().public_url)


form = guarded("request", own_pages_only)


def with_or_without_key(
    rule: str, **more: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Route a view under two URLs: with the browser's key in a cookie, and with it in the path
    (`/r/<key>/…`). A key that opens nothing gets the neutral page."""

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        named, called = view.__name__, _without_key(view)
        options = {"strict_slashes": False, **more}  # an extra slash makes no difference
        form.add_url_rule(rule, named, called, **options)
        form.add_url_rule(f"/r/<key>{rule}", f"{named}_in_path", called, **options)
        return view

    return decorate


def _without_key(view: Callable[..., Any]) -> Callable[..., Any]:
    def called(key: str = "", **named: Any) -> Any:
        try:
            return view(**named)
        except NoSuchPage:
            return _no_such_page()

    called.__name__ = view.__name__
    return called


@form.errorhandler(HTTPException)
def show_http_error(error: HTTPException) -> Response:
    """A page for a person, not problem+json. Works while the database is unavailable, too."""
    if (error.code or 500) >= 500:
        return _unavailable()
    kind = "long" if error.code == 413 else "lost" if error.code == 404 else "refused"
    try:
        page = render("error.html", kind=kind, back="/")
    except sa.exc.SQLAlchemyError:
        keys.skip_page_lookup()
        page = render("error.html", kind=kind, back="/")
    return _response(page, error.code or 500)


@form.errorhandler(Exception)
def show_fault(error: Exception) -> Response:
    """A fault of ours: answer with 911 and 988, and with what was typed."""
    log.error("page failed", extra={"door": request.endpoint, "fault": type(error).__name__})
    return _unavailable()


# ---- the form ------------------------------------------------------------------------------------


@with_or_without_key("/request", methods=["GET"])
def start() -> Any:
    """Redirect to the open screen; show the first question to somebody new."""
    found = keys.page()
    if found is None:
        return _no_such_page() if keys.in_path() else _first()
    kept = page_visit.kept_of(found.visit)
    screen = request_form.screen_of(found.case, kept.position)
    if screen == request_form.DANGER:
        return _danger(found, kept)
    return _redirect(path_of(kept.position, screen))


def _danger(found: VisitState, kept: page_visit.Kept) -> Response:
    """The page that says what to do now. It is shown at once after the words that led to it, even
    if the page was locked, and locked again after a while without activity."""
    said = datetime.fromisoformat(kept.told_at) if kept.position.told and kept.told_at else None
    if _locked(found) and (said is None or parts().now() - said > _idle_limit()):
        return _locked_response(found)
    _note_seen(found)
    return _response(render("danger.html", view=danger_view(found, kept)))


def _first(status: int = 200) -> Response:
    """The first question. Nothing is stored about somebody who only looks."""
    case = _blank_case()
    screen = request_form.first_question(case, current_scene())
    view = question_view(None, case, page_visit.Kept(), screen, first=True)
    answer = _response(render("question.html", view=view), status)
    keys.set_cookie(answer, keys.TRIED, "1")
    _remember_language(answer)
    return answer


def _remember_language(answer: Response) -> None:
    """Store the language that was chosen on a public page, so far only in the URL, in a cookie."""
    if request.args.get("lang") in parts().program.languages:
        keys.set_cookie(answer, keys.LANGUAGE, language())


def _blank_case() -> Case:
    return Case("", "", "", parts().program.languages[0], on_web=True, channel=Channel.WEB)


@with_or_without_key("/request/<int:number>", methods=["GET"])
def screen(number: int) -> Any:
    found = keys.page()
    if found is None:
        if keys.in_path():
            return _no_such_page()
        return _first() if number == 1 else _redirect("/request")
    kept = page_visit.kept_of(found.visit)
    open_now = request_form.screen_of(found.case, kept.position)
    if open_now == request_form.DANGER:
        return _redirect(f"{keys.base()}/request")
    if open_now == request_form.STATUS:
        return _redirect(f"{keys.base()}/s")
    if _locked(found):
        return _locked_response(found)
    # once it is sent, earlier answers are not shown again
    wanted = open_now if kept.position.sent else screen_at(kept.position, number, open_now)
    if path_of(kept.position, wanted) != f"{keys.base()}/request/{number}":
        return _redirect(path_of(kept.position, wanted))
    return _response(_screen(found, kept, wanted))


def _screen(found: VisitState, kept: page_visit.Kept, name: str) -> str:
    _note_code_shown(found, kept)
    _note_seen(found)
    case = found.case
    if name == request_form.NUMBER:
        return render("number.html", view=number_view(found, kept), draft=kept)
    if name == request_form.CHECK:
        return render("check.html", view=check_view(found, kept), draft=kept)
    if name != request_form.SAFE and parts().program.protocol.question(name).kind == "place":
        return render("place.html", view=place_view(found, case, kept), draft=kept)
    return render("question.html", view=question_view(found, case, kept, name), draft=kept)


@with_or_without_key("/request", methods=["POST"])
def interrupted() -> Any:
    """A button on the danger page: go on, or the wrong answer was pressed."""
    act = request.form.get("act", "go_on")
    return _posted(act if act in ("go_on", "wrong", "person", "words") else "go_on")


@with_or_without_key("/request/<int:number>", methods=["POST"])
def answered(number: int) -> Any:
    """An answer. The signed field says which question it answers, never the URL."""
    act = request.form.get("act", "")
    if written := _typed("words"):  # own words count on any screen
        return _posted("words", value=written[:LONGEST])
    if act:
        return _posted(act if act in ("person", "emergency") else "person")
    stood = keys.posted_screen()
    if stood is None:
        return _not_signed()
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
    """What was typed in a field; "" if none of it is visible, such as a zero-width space."""
    typed = request.form.get(name, "")
    return typed if any(unicodedata.category(sign)[0] not in "CZ" for sign in typed) else ""


def _shows_danger(typed: str, danger: bool = False) -> bool:
    """Does what was typed in a field show danger? It is then handled as words, whatever the field
    is for. `danger`: the field was filled in correctly, so only danger takes precedence."""
    return resident_page.is_heard(parts(), typed[:LONGEST], language(), danger)


def _shows_danger_beside_a_word(typed: str) -> bool:
    """The same for a field for one word. A single word may be "stop" or "overdosed": that is the
    word that was asked for."""
    return len(typed.split()) > 1 and _shows_danger(typed)


def _number(typed: str) -> Any:
    number = own_number(typed)
    if _shows_danger(typed, danger=not isinstance(number, NumberFault)):
        return _posted("words", value=typed[:LONGEST])
    if isinstance(number, NumberFault):
        found = keys.page()
        if found is None:
            return _no_such_page()
        if _locked(found):
            return _locked_response(found)
        kept = page_visit.kept_of(found.visit)
        view = number_view(found, kept, say(f"web.number.fault.{number.value}"), typed[:40])
        return _response(render("number.html", view=view), 422)
    return _posted("number", value=number)


def own_number(typed: str) -> str | NumberFault:
    """A resident's number as they typed it, in E.164; or why it is not texted."""
    program = parts().program
    number = read_typed(typed, program.numbers.countries)
    return NumberFault.SERVICE if number in program.service_numbers else number


def _place(found: VisitState | None, alone: bool = False) -> Any:
    """Handle a place: words, one of several places, or the phone's own location."""
    if found is None:
        return _no_such_page()
    typed = (request.form.get("pick") or _typed("place")).strip()
    latitude, longitude = request.form.get("latitude", ""), request.form.get("longitude", "")
    accuracy = 0.0
    exact = _COORDINATE.fullmatch(latitude) and _COORDINATE.fullmatch(longitude)
    if exact and not request.form.get("pick"):
        typed = f"{float(latitude):.5f},{float(longitude):.5f}"
        accuracy = _metres(request.form.get("accuracy", ""))
    hidden = not alone and _locked(found)
    if hidden and not typed:
        return _locked_response(found)
    if not hidden and (not typed or len(typed) > LONGEST):
        kept = page_visit.kept_of(found.visit)
        empty = "web.place.fault.nothing" if alone else "web.place.fault.empty"
        fault = say(empty) if not typed else say("web.words.long")
        view = place_view(found, found.case, kept, fault, typed[:LONGEST], alone=alone)
        return _response(render("place.html", view=view, **({"back": "/"} if alone else {})), 422)
    # behind a place link nothing else is shown, whatever asks for it
    return _posted("place", value=typed[:LONGEST], accuracy=accuracy, inline=not alone)


def _metres(said: str) -> float:
    try:
        metres = float(said)
    except ValueError:
        return 1e6  # how exact it is nobody knows: a person asks
    return metres if 0 <= metres < 1e7 else 1e6


@with_or_without_key("/request/check", methods=["GET"])
def check() -> Any:
    found = keys.page()
    if found is None:
        return _no_such_page() if keys.in_path() else _redirect("/request")
    kept = page_visit.kept_of(found.visit)
    open_now = request_form.screen_of(found.case, kept.position)
    if _locked(found):
        return _locked_response(found)
    if open_now != request_form.CHECK:
        danger = open_now == request_form.DANGER
        return _redirect(f"{keys.base()}/request" if danger else path_of(kept.position, open_now))
    return _response(_screen(found, kept, request_form.CHECK))


@with_or_without_key("/request/check", methods=["POST"])
def sent() -> Any:
    """Handle their own words first, if there are any; then send the form, once."""
    written = _typed("words")
    if len(written) > LONGEST:
        found = keys.page()
        if found is None:
            return _no_such_page()
        if not _locked(found):
            kept = page_visit.kept_of(found.visit)
            view = check_view(found, kept, written[:LONGEST], say("web.words.long"))
            return _response(render("check.html", view=view), 422)
    return _posted("send", value=written[:LONGEST])


# ---- the status page -----------------------------------------------------------------------------


@with_or_without_key("/s", methods=["GET"])
def status() -> Any:
    found = keys.page()
    if found is None:
        return _no_such_page() if keys.browser_key() else _redirect("/code")
    kept = page_visit.kept_of(found.visit)
    screen_now = request_form.screen_of(found.case, kept.position)
    if screen_now == request_form.DANGER:
        return _redirect(f"{keys.base()}/request")
    if screen_now != request_form.STATUS and not kept.position.sent:
        return _redirect(path_of(kept.position, screen_now))
    if _locked(found):
        return _locked_response(found)
    return _status(found, kept)


def _status(found: VisitState, kept: page_visit.Kept, value: str = "", fault: str = "") -> Response:
    view = _status_view(found, kept, value)
    return _response(render("status.html", view=view, fault=fault), 422 if fault else 200)


def _status_view(found: VisitState, kept: page_visit.Kept, value: str = "") -> StatusView:
    _note_code_shown(found, kept)
    found, words = _read_for_page(found, kept)
    return status_view(found, kept, words, value)


def _read_for_page(found: VisitState, kept: page_visit.Kept) -> tuple[VisitState, page_visit.Words]:
    """The words that the page shows, marked as read if a person requested them. A URL with a key
    that somebody sends on is fetched by a messenger for a preview, and nobody has read it."""
    if is_program(request.headers):
        return found, page_visit.read_words(parts(), found, kept)
    return page_visit.looked(parts(), found, kept)


def _note_seen(found: VisitState) -> None:
    if not is_program(request.headers):
        page_visit.seen(parts(), found)


def _note_code_shown(found: VisitState, kept: page_visit.Kept) -> None:
    """Record that the code for coming back was shown. It is shown once, so that somebody who looks
    later cannot read it."""
    if kept.code and request.method != "HEAD" and not is_program(request.headers):
        page_visit.code_is_shown(parts(), found, kept)


def _locked(found: VisitState) -> bool:
    return parts().now() - found.visit.used_at > _idle_limit()


def _idle_limit() -> timedelta:
    return SHARED if keys.cookie(keys.SHARED) == "1" else IDLE


def _locked_response(found: VisitState, fault: str = "", status: int = 200) -> Response:
    """The locked page: the words are hidden until somebody opens it, with the code word if there is
    one."""
    _note_seen(found)
    return _response(_locked_page(found, fault), status)


def _locked_page(found: VisitState, fault: str = "") -> str:
    """The HTML of the locked page. Its field for the code word is signed, so that danger typed
    there can be handled."""
    word = bool(found.case.code_word)
    field = signed(found, request_form.STATUS) if word else ""
    return render("locked.html", code_word=word, signed=field, fault=fault)


@with_or_without_key("/open", methods=["GET"])
def open_asked() -> Any:
    """Redirect a GET: after a wrong code word this URL is in the address bar."""
    return _back_to_their_page()


def _back_to_their_page() -> Response:
    return _redirect(f"{keys.base()}/s" if keys.page() else "/")


@with_or_without_key("/open", methods=["POST"])
def opened() -> Any:
    """Unlock the page. A wrong code word slows down the next attempt, like a wrong code. For
    somebody else at the same screen, the page is closed in this browser and a new request
    begins."""
    found = keys.page()
    if found is None:
        return _no_such_page()
    if request.form.get("act") == "anew":
        page_visit.leave(parts(), keys.browser_key())
        answer = _redirect("/request")
        for name in (keys.PAGE, keys.SHARED):
            keys.drop_cookie(answer, name)
        return answer
    if not found.case.code_word:
        page_visit.unlock(parts(), found, "")
        return _redirect(f"{keys.base()}/s")
    typed = request.form.get("code_word", "")
    if keys.posted_screen() is not None and _shows_danger_beside_a_word(typed):
        return _posted("words", value=typed[:LONGEST])
    attempt = failure_limit().attempt(
        "page_word", source(request.remote_addr), account=found.case.id, pace=TYPED
    )
    if attempt.wait:
        return _slowed(
            "opened", _locked_response(found, _retry_words(attempt.wait), 429), attempt.wait
        )
    if not page_visit.unlock(parts(), found, typed[:LONGEST]):
        attempt.failed()
        return _locked_response(found, say("web.locked.wrong"), 422)
    attempt.succeeded()
    return _redirect(f"{keys.base()}/s")


@with_or_without_key("/s", methods=["POST"])
def acted() -> Any:
    """Handle a button or words on the private page."""
    act, written = request.form.get("act", "words"), _typed("words")
    found = keys.page()
    if found is None:
        return _no_such_page()
    if act in ("hide", "code", "shared") and _locked(found):
        return _redirect(f"{keys.base()}/s")
    if act == "shared":
        answer = _redirect(f"{keys.base()}/s")
        keys.set_cookie(answer, keys.SHARED, "1")
        return answer
    if act == "hide":
        page_visit.hide_words(parts(), keys.browser_key())
        return _redirect(f"{keys.base()}/s")
    if act == "code":
        page_visit.new_code(parts(), keys.browser_key())
        return _redirect(f"{keys.base()}/s")
    if "answer" in request.form:  # a question that stands on this page
        return _posted("answer", value=request.form["answer"][:40])
    if act not in _ACTS or (act in ("word", "code_word") and _shows_danger_beside_a_word(written)):
        act = "words"
    if act == "words" and not written.strip():
        return _redirect(f"{keys.base()}/s")
    if len(written) > LONGEST and not _locked(found):
        kept = page_visit.kept_of(found.visit)
        return _status(found, kept, written[:LONGEST], say("web.words.long"))
    return _posted(act, value=written[:LONGEST])


@with_or_without_key("/s/state", methods=["GET"])
def state() -> Any:
    """For our script's poll: no content, or the main part of the page if it has changed."""
    found = keys.page()
    if found is None:
        return Response("", 404)
    version = version_of(found)
    if _locked(found):
        _note_seen(found)
        page = _locked_page(found) if request.args.get("v") != "locked" else ""
        return {"v": "locked", "html": page}
    if USED in request.headers:
        page_visit.typing(parts(), found)
    if request.args.get("v") == version:
        _note_seen(found)
        return {"v": version}
    view = _status_view(found, page_visit.kept_of(found.visit))
    page = render("status_main.html", view=view)
    return {"v": version, "html": page}


@with_or_without_key("/words", methods=["GET"])
def conversation() -> Any:
    """The messages alone, for browsers without scripts: a frame beside the field that refreshes
    itself."""
    found = keys.page()
    if found is None:
        return Response("", 404)
    answer = Response("", 404)  # an empty frame
    if not _locked(found):
        kept = page_visit.kept_of(found.visit)
        found, words = _read_for_page(found, kept)
        view, known = status_view(found, kept, words), request.args.get("s", "")
        answer = _response(render("words.html", view=view, known=known))
    answer.headers.update(FRAMED)
    return answer


# ---- coming back, and leaving --------------------------------------------------------------------


@form.get("/s/<code>")
def link(code: str) -> Any:
    """A link shows one button first, so that a preview opens nothing."""
    answer = _response(render("open.html", back="/"))
    keys.set_cookie(answer, keys.TRIED, "1")
    return answer


@form.post("/s/<code>")
def link_opened(code: str) -> Any:
    found = page_visit.find(parts(), code[:64], frozenset({VisitKind.LINK}))
    if found is None:
        return _no_such_page(kind="link")
    return _enter(found)


def _enter(found: VisitState) -> Response:
    secret = new_secret()
    page_visit.enter(parts(), found, secret)
    if keys.cookie(keys.TRIED):
        answer = _redirect("/s")
        keys.set_cookie(answer, keys.PAGE, secret)
        if request.form.get("shared"):
            keys.set_cookie(answer, keys.SHARED, "1")
        return answer
    return _redirect(f"/r/{secret}/s")


@form.get("/code", strict_slashes=False)
def typed_code() -> Any:
    answer = _response(render("code.html", view=CodeView("", "")))
    keys.set_cookie(answer, keys.TRIED, "1")
    _remember_language(answer)
    return answer


@form.post("/code")
def code_typed() -> Any:
    """Check a typed code. Wrong codes slow down the next attempt of this source, and nobody else's;
    response and work are the same for all of them. An attempt that comes too soon is not looked up,
    so that nothing is learned about its code."""
    typed, shared = request.form.get("code", ""), "shared" in request.form
    if _shows_danger_beside_a_word(typed):  # no request is open here: these words can begin one
        return _no_such_page(words=typed[:LONGEST])
    again = CodeView("", "", value=typed[:40], shared=shared)
    attempt = failure_limit().attempt("page_code", source(request.remote_addr), pace=TYPED)
    if attempt.wait:
        view = with_changes(again, fault=_retry_words(attempt.wait))
        return _slowed("code_typed", _response(render("code.html", view=view), 429), attempt.wait)
    found = page_visit.find_code(parts(), typed[:100])
    if found is None:
        attempt.failed()
        refused("request.code_typed", "code wrong")
        view = with_changes(again, fault=say("web.code.fault"))
        return _response(render("code.html", view=view), 422)
    attempt.succeeded()
    return _enter(found)


def _slowed(endpoint: str, answer: Response, seconds: int) -> Response:
    """Count too many wrong attempts, and say when the next one counts."""
    refused(f"request.{endpoint}", "slowed")
    answer.headers["Retry-After"] = str(seconds)
    return answer


def _retry_words(seconds: int) -> str:
    """When the next attempt counts, in words."""
    if seconds < 120:
        return say("web.code.wait", count=str(seconds))
    return say("web.code.wait_minutes", count=str(-(-seconds // 60)))


_PLACE = frozenset({VisitKind.PLACE})


@form.get("/place/<key>")
def place_link(key: str) -> Any:
    """The place screen alone. Whoever has the link learns nothing else."""
    found = page_visit.find(parts(), key, _PLACE)
    if found is None or found.case.ended:
        return _no_such_page(kind="link")
    view = place_view(found, found.case, page_visit.Kept(), alone=True)
    return _response(render("place.html", view=view, back="/"))


@form.post("/place/<key>")
def place_marked(key: str) -> Any:
    found = page_visit.find(parts(), key, _PLACE)
    if found is None or found.case.ended:
        return _no_such_page(kind="link")
    answer = _place(found, alone=True)
    if answer.status_code == 303:  # what they marked is not shown again, to nobody
        words = _shows_danger(_typed("place")) and not _watched_now(key)
        return _response(render("place_kept.html", again=request.path, words=words, back="/"))
    return answer


def _watched_now(key: str) -> bool:
    """Is the resident watched by now? Then nothing on the screen says that somebody was heard (rule
    9)."""
    found = page_visit.find(parts(), key, _PLACE)
    return found is not None and found.case.watched


@with_or_without_key("/out", methods=["GET", "POST"])
def out() -> Any:
    """Leave: invalidate the browser's key, so that no older page in its history opens anything."""
    if key := keys.browser_key():
        try:
            with deadline(WRITE_WAIT):
                page_visit.leave(parts(), key)
        except (NotWritten, sa.exc.SQLAlchemyError) as problem:  # they leave all the same
            log.error("a key was not spent", extra={"fault": type(problem).__name__})
            keys.skip_page_lookup()
    page = _response(render("out.html", exit_to=parts().program.exit_to))
    page.headers["Refresh"] = f"0; url={parts().program.exit_to}"
    for name in (keys.PAGE, keys.TRIED, keys.LANGUAGE, keys.SHARED):
        keys.drop_cookie(page, name)
    page.headers["Clear-Site-Data"] = '"cache"'
    return page


@with_or_without_key("/language", methods=["GET"])
def language_asked() -> Any:
    return _back_to_their_page()


@with_or_without_key("/language", methods=["POST"])
def language_chosen() -> Any:
    tag = request.form.get("language", "")
    back = request.form.get("back", "/")
    back = back if _OWN_ADDRESS.fullmatch(back) else "/"
    if tag not in parts().program.languages:
        return _redirect(back)
    found, opened, typed = keys.page(), None, _typed("words")
    if found is not None:
        act = Act("language", found.visit.step, keys.nonce(), value=tag, idle=_idle_limit())
        with deadline(WRITE_WAIT):
            opened = resident_page.post(parts(), keys.browser_key(), act)
    answer: Response
    if typed:
        answer = _same_words(opened, typed[:LONGEST], tag, back)
    elif found is None and not keys.cookie(keys.TRIED):  # perhaps no cookie will be kept
        answer = _redirect(f"{back}?lang={tag}")
    else:
        answer = _redirect(back)
    keys.set_cookie(answer, keys.LANGUAGE, tag)
    return answer


def _same_words(opened: resident_page.Opened | None, typed: str, tag: str, back: str) -> Response:
    """The same screen in another language, with unsent words still in its field."""
    if opened is None:
        use_language(tag)
        return _no_such_page(words=typed)
    found, kept = opened.found, opened.kept
    name = request_form.screen_of(found.case, kept.position)
    if name not in (request_form.STATUS, request_form.CHECK) or _locked(found):
        return _redirect(back)
    keys.set_open_page(found, _open_path(opened))
    if name == request_form.STATUS:
        return _status(found, kept, typed)
    return _response(render("check.html", view=check_view(found, kept, typed), draft=kept))


# ---- one post ------------------------------------------------------------------------------------


def _posted(act: str, value: str = "", accuracy: float = 0.0, inline: bool = True) -> Any:
    """Carry out one post, then show the open screen: in the response if the script asked for that.
    If it fails, what was typed is shown again."""
    stood = keys.posted_screen()
    if stood is None:
        return _not_signed()
    secret = keys.browser_key()
    read = timedelta(seconds=parts().program.clocks.read_page)
    read_at = stood.served + (stood.trip + read if read else read)
    done = Act(
        act, stood.step, stood.nonce, stood.name, value, accuracy, read_at,
        visit=stood.visit, idle=_idle_limit(), probe=keys.from_probe(),
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
                    return _next_screen(opened) if done.inline else _redirect(_open_path(opened))
                except AnotherPage:
                    return _not_signed()
                except NoSuchPage:
                    if stood.visit:  # there was a page, and it is over
                        return _no_such_page()
            if stood.visit:
                return _no_such_page()
            secret = keys.from_nonce(stood.nonce)
            begun = resident_page.begin(parts(), secret, with_changes(done, language=language()))
    except BUSY as problem:
        log.error("a post was not kept", extra={"fault": type(problem).__name__})
        return _unavailable()
    path = _open_path(begun) if begun else "/request"
    if keys.cookie(keys.TRIED):
        answer = _redirect(path)
        keys.set_cookie(answer, keys.PAGE, secret)
        return answer
    return _redirect(f"/r/{secret}{path}")


def _next_screen(opened: resident_page.Opened) -> Response:
    """The open screen as the response to the post: what a browser would request after a 303. Its
    URL is in it (`data-at`), for the history."""
    found, kept = opened.found, opened.kept
    keys.set_open_page(found, _open_path(opened))
    name = request_form.screen_of(found.case, kept.position)
    if name == request_form.DANGER:
        return _danger(found, kept)
    if _locked(found):
        return _locked_response(found)
    if name == request_form.STATUS:
        return _status(found, kept)
    return _response(_screen(found, kept, name))


def _unavailable() -> Response:
    """We could not store it: a page from which the same words can be sent again."""
    keys.skip_page_lookup()
    field = next((name for name in ("words", "place", "number") if request.form.get(name)), "")
    more: dict[str, Any] = {"typed": request.form[field], "name": field} if field else {}
    if request.form:  # to the same address
        more["action"] = ""
        more["kept"] = [
            (name, said) for name, said in request.form.items() if name not in (field, NEXT)
        ]
    kind = "down" if request.method == "POST" else "away"
    return _response(render("error.html", kind=kind, back="/", **more), 503)


def _open_path(after: resident_page.Opened) -> str:
    """The path of the open screen."""
    screen_now = request_form.screen_of(after.case, after.position)
    if screen_now == request_form.DANGER:
        return f"{keys.base()}/request"
    return path_of(after.position, screen_now)


def _own_words() -> str:
    """What they wrote for people to read, which is never a button's name, a number or a code
    word."""
    if request.form.get("act", "words") not in ("words", "send"):
        return ""
    return (request.form.get("words") or request.form.get("place") or "")[:LONGEST]


def _not_signed() -> Response:
    """The signed field is missing or invalid: an old form after an update, or another site. What
    was typed is shown again in a form that counts."""
    refused(request.endpoint or "", "screen not signed")
    found = keys.page()
    if found is None or _locked(found):
        return _no_such_page()
    kept = page_visit.kept_of(found.visit)
    return _status(found, kept, _own_words(), say("web.fault.again"))


def _no_such_page(kind: str = "", words: str = "") -> Response:
    """The key opens nothing: the page was left or has expired, or never existed. An old page in a
    browser's history becomes the neutral front page, and says nothing of what was here. What was
    typed is shown again, and can be sent as a new request. No URL on it has the key."""
    nobody: dict[str, Any] = {"base": "", "out": "/out", "public": True, "at": ""}
    words = words or _own_words()
    posted = request.method == "POST"
    if words.strip():
        again = {"action": "/request/1", "kept": [("at", signed(None, "words"))], "typed": words}
        return _response(render("error.html", kind="unsent_words", **again, **nobody), 404)
    if kind:
        return _response(render("gone.html", kind=kind, **nobody), 404)
    if not posted and keys.browser_key():
        return _redirect("/")
    return _response(render("error.html", kind="unsent" if posted else "lost", **nobody), 404)


def _redirect(path: str) -> Response:
    """Redirect with 303: after a post, and from a screen that is not the open one."""
    found = keys.page()
    if request.method == "GET" and (found is None or found.case.language != language()):
        path = in_language(path)
    return see_other(path)


def _response(page: str, status: int = 200) -> Response:
    return make_response(page, status)
