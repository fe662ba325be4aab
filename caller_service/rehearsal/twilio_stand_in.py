"""The stand-in Twilio: a page with phones for people, and the Messages, Calls and numbers APIs for
the service."""

import hmac
import re
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from .background import Errands
from .call_engine import CallEngine
from .call_time import RealTime
from .call_web import HttpWeb
from .calling import LIVE, RINGING, Call
from .carrier import Carrier, TwilioSettings
from .carrier_state import E164, Exchange, Phone, Text, readable_number
from .pages import protect, wants_json
from .twilio_numbers import SERVICES, Held, numbers
from .twilio_wire import problem
from .twiml_rules import WITHHELD

MESSAGES = "/2010-04-01/Accounts/<account_sid>/Messages"
CALLS = "/2010-04-01/Accounts/<account_sid>/Calls"
X11 = re.compile(r"\+?1?[2-9]11")
DOWN = {
    "429": (429, 20429, "Too Many Requests"),
    "500": (500, 20500, "An internal server error has occurred"),
}
WHAT_A_CALL_DOES = (
    "A call is dialed, answered, declined, left to the voicemail or hung up; or keys are pressed, "
    "or words are spoken."
)
NEWS_WAIT = 25.0
LONGEST_BODY = 1600
LONGEST_TWIML = 4000

# Twilio's own magic numbers, and the answers they get.
MAGIC = {
    "+15005550001": (21211, "Invalid 'To' Phone Number"),
    "+15005550002": (21612, "The 'To' phone number is not currently reachable"),
    "+15005550004": (21610, "Attempt to send to unsubscribed recipient"),
    "+15005550009": (21614, "'To' number is not a valid mobile number"),
}

phones = Blueprint("phones", __name__)
rest = Blueprint("rest", __name__)


def create_twilio(settings: TwilioSettings) -> Flask:
    """The stand-in Twilio as a Flask app with its state in memory."""
    app = Flask(__name__)
    exchange, errands = Exchange(settings.our_number, settings.names, settings.resident), Errands()
    app.extensions["twilio_settings"] = settings
    app.extensions["exchange"] = exchange
    app.extensions["errands"] = errands
    app.extensions["line"] = Carrier(settings, exchange, errands)
    held = app.extensions["numbers"] = Held(settings)
    calling = app.extensions["calling"] = CallEngine(
        settings,
        exchange,
        RealTime(errands, settings.speed),
        HttpWeb(settings.auth_token, settings.read_timeout),
    )
    # As the number says: `caller-service addresses` changes it.
    calling.voice_url = lambda number: held.of(number, "voice_url")
    calling.status_url = lambda number: held.of(number, "status_callback")
    protect(app)
    app.register_blueprint(phones)
    app.register_blueprint(rest)
    app.register_blueprint(numbers)
    app.register_error_handler(404, _not_found)
    return app


def _settings() -> TwilioSettings:
    settings: TwilioSettings = current_app.extensions["twilio_settings"]
    return settings


def _exchange() -> Exchange:
    exchange: Exchange = current_app.extensions["exchange"]
    return exchange


def _line() -> Carrier:
    line: Carrier = current_app.extensions["line"]
    return line


def _calling() -> CallEngine:
    calling: CallEngine = current_app.extensions["calling"]
    return calling


def _not_found(_: HTTPException) -> tuple[Response | str, int]:
    """Errors: Twilio's JSON for API paths, a page for people."""
    if request.path.startswith(("/2010-04-01/", f"{SERVICES}/")) or wants_json():
        return jsonify(problem(404, 20404, "The requested resource was not found")), 404
    return render_template("refused.html", why="There is no such page or phone."), 404


def _chosen() -> Phone:
    """The phone that the page asks for, by key or number; the first resident's if it asks for
    none."""
    key, number = request.args.get("phone", ""), request.args.get("number", "")
    if not key and not number:
        return _exchange().first()
    # A plus sign typed into a query arrives as a space.
    readable = readable_number(re.sub(r"^ ", "+", number)) or ""
    found = _exchange().known(key=key, number=readable)
    if found is None and readable:
        return Phone("", readable, "A new phone")  # only looking makes no phone
    return found if found is not None else abort(404)


@phones.get("/")
def page() -> str:
    """The phones."""
    chosen = _chosen()
    return render_template(
        "phone.html",
        state=_exchange().as_json(chosen, _calling().of),
        our_number=_settings().our_number,
        request_form=f"{_settings().service_url}/request",
        numbers=_dialable(),
    )


@phones.get("/phone/state")
def state() -> Response:
    """The same as JSON; with `after` and `wait` it waits for something newer."""
    chosen = _chosen()
    after = request.args.get("after", -1, type=int)
    _exchange().wait_past(after, min(request.args.get("wait", 0.0, type=float), NEWS_WAIT))
    return jsonify(_exchange().as_json(chosen, _calling().of))


@phones.post("/phone/choose")
def choose() -> AnyResponse:
    """Switch to another resident's phone."""
    number = readable_number(request.form.get("number", ""))
    if number is None or number == _settings().our_number:
        abort(400, "That is not a phone number. Write it like +1 720 555 0123.")
    return redirect(url_for("phones.page", phone=_exchange().phone(number).key), 303)


@phones.post("/phone/text")
def text() -> AnyResponse | tuple[Response, int]:
    """A person texts the program."""
    asked: Mapping[str, object] = request.get_json() if request.is_json else request.form
    number = readable_number(str(asked.get("from", "")))
    words = str(asked.get("key") or asked.get("body") or "")
    media = asked.get("media") or []
    if number is None or not (words or media) or not isinstance(media, list):
        message = "A text needs a phone number (from) and words (body)."
        if wants_json():
            return jsonify(problem(400, 21602, message)), 400
        abort(400, message)
    phone = _exchange().phone(number)
    heard = _line().texts(phone, words, tuple(str(address) for address in media))
    if wants_json():
        return jsonify(heard.as_json())
    shown = _exchange().known(key=str(asked.get("back", ""))) or phone
    return redirect(url_for("phones.page", phone=shown.key), 303)


@phones.post("/phone/call")
def act_on_call() -> AnyResponse:
    """A person dials the program, answers or declines a ringing phone, presses keys, speaks, hangs
    up. In JSON: `act`, and `call` (a SID), or `from` to dial."""
    asked: Mapping[str, object] = request.get_json() if request.is_json else request.form
    act = str(asked.get("act", ""))
    call = _dialed(asked) if act == "dial" else _call(str(asked.get("call", "")))
    if act != "dial" and not _acted(_calling(), call, act, str(asked.get("words", ""))):
        abort(400, WHAT_A_CALL_DOES)
    if wants_json():
        return jsonify(call.as_json())
    return redirect(url_for("phones.page", phone=str(asked.get("back", "")) or None), 303)


def _dialable() -> list[str]:
    """The program's numbers that a person can call."""
    return list(dict.fromkeys((_settings().our_number, *_settings().more_numbers)))


def _dialed(asked: Mapping[str, object]) -> Call:
    number, to = (readable_number(str(asked.get(name, ""))) for name in ("from", "to"))
    withheld = str(asked["withheld"]) if "withheld" in asked else None
    ours = _dialable()
    if number is None or (to or ours[0]) not in ours or withheld not in (None, *WITHHELD):
        abort(400, "A call needs a phone (from), one of the program's numbers (to), or none.")
    return _calling().dial(number, to or "", withheld)


def _acted(calling: CallEngine, call: Call, act: str, words: str) -> bool:
    """Do one thing in a call; False if there is no such thing."""
    if act in ("answer", "voicemail"):
        calling.answer(call, machine=act == "voicemail")
    elif act == "decline":
        calling.end(call, "busy", *RINGING)
    elif act == "hang_up":
        calling.hang_up(call)
    elif act == "speak" and words.strip():
        calling.speak(call, words.strip())
    elif re.fullmatch("[0-9*#A-D]{1,32}", act):
        calling.press(call, act)
    else:
        return False
    return True


@phones.get("/faults")
def show_faults() -> Response:
    """Which failures are switched on."""
    return jsonify(_exchange().as_json(_exchange().first())["faults"])


@phones.post("/faults")
def switch_faults() -> AnyResponse | tuple[Response, int]:
    """Switch failures: JSON changes the switches it names; a form sets all of them."""
    if request.is_json:
        asked: dict[str, object] = dict(request.get_json())
    else:
        boxes = (
            "undelivered",
            "receipts_late",
            "receipts_twice",
            "receipts_disordered",
            "receipts_missing",
            "webhook_twice",
            "webhook_repeated",
            "keys_lost",
        )
        asked = {**dict.fromkeys(boxes, False), **request.form.to_dict()}
    back = str(asked.pop("back", ""))
    try:
        _exchange().switch(asked)
    except ValueError as wrong:
        if wants_json():
            return jsonify(problem(400, 20001, str(wrong))), 400
        abort(400, str(wrong))
    return (
        show_faults()
        if wants_json()
        else redirect(url_for("phones.page", phone=back or None, _anchor="fail"), 303)
    )


@rest.before_request
def know_the_account() -> tuple[Response, int] | None:
    """Basic authentication by the account's token or an API key; anything else gets Twilio's
    401."""
    settings, given = _settings(), request.authorization
    pairs = [(settings.account_sid, settings.auth_token), (settings.api_key, settings.api_secret)]
    name, secret = (given.username or "", given.password or "") if given else ("", "")
    if not any(
        user and user == name and hmac.compare_digest(password.encode(), secret.encode())
        for user, password in pairs
    ):
        return jsonify(problem(401, 20003, "Authenticate")), 401
    named = (request.view_args or {}).get("account_sid", settings.account_sid)
    if named != settings.account_sid:
        return jsonify(problem(404, 20404, "The requested resource was not found")), 404
    return None


numbers.before_request(know_the_account)


@rest.post(f"{MESSAGES}.json")
def create_message(account_sid: str) -> tuple[Response, int]:
    """Send a text."""
    to, words = request.form.get("To", ""), request.form.get("Body", "")
    fault = _exchange().take_send_fault(to)
    refusal = _refusal(to, words, fault)
    if refusal is not None:
        return refusal
    sent = _line().send(
        to, words, request.form.get("StatusCallback", ""), request.form.get("MessagingServiceSid")
    )
    answer = {
        **sent.resource(account_sid),
        "status": "queued",
        "error_code": None,
        "date_sent": None,
    }
    _hang(fault)
    return jsonify(answer), 201


def _hang(fault: str) -> None:
    """The worst case, on purpose: the text is sent, but the sender gets no answer in time."""
    if fault == "hang":
        threading.Event().wait(_settings().hang)


def _refusal(to: str, words: str, fault: str) -> tuple[Response, int] | None:
    """Why the message is refused, in Twilio's codes; None if it is accepted."""
    if fault in DOWN:
        return jsonify(problem(*DOWN[fault])), DOWN[fault][0]
    ours, phone = _settings().our_number, _exchange().known(number=to)
    sender, service = request.form.get("From", ""), request.form.get("MessagingServiceSid", "")
    # In the order Twilio looks: the first that holds is what it says.
    rules = (
        (not to, (21604, "A 'To' phone number is required.")),
        (to in MAGIC, MAGIC.get(to, (0, ""))),
        (bool(X11.fullmatch(to)) or not E164.fullmatch(to), (21211, "Invalid 'To' Phone Number")),
        (not sender and not service, (21603, "A 'From' phone number is required.")),
        (
            sender not in ("", ours),
            (
                21606,
                "The 'From' phone number provided is not a valid, message-capable Twilio phone "
                "number",
            ),
        ),
        (to == ours, (21266, "'To' and 'From' number cannot be the same")),
        (not words and not request.form.get("MediaUrl"), (21602, "Message body is required.")),
        (
            len(words) > LONGEST_BODY,
            (21617, "The concatenated message body exceeds the 1600 character limit"),
        ),
        (
            fault == "21610" or (phone is not None and phone.blocked),
            (21610, "Attempt to send to unsubscribed recipient"),
        ),
    )
    wrong = next((why for holds, why in rules if holds), None)
    return (jsonify(problem(400, *wrong)), 400) if wrong else None


@rest.get(f"{MESSAGES}.json")
def list_messages(account_sid: str) -> Response:
    """Messages both ways, newest first, filtered by number and by day or time."""
    found = list(filter(_asked(), reversed(_exchange().texts())))
    size = max(1, min(request.args.get("PageSize", 50, type=int), 1000))
    number = max(0, request.args.get("Page", 0, type=int))
    start = number * size
    shown = [text.resource(account_sid) for text in found[start : start + size]]

    def address(page: int) -> str:
        keep = {**request.args.to_dict(), "PageSize": str(size), "Page": str(page)}
        return url_for("rest.list_messages", account_sid=account_sid, **keep)  # type: ignore[arg-type]

    return jsonify(
        messages=shown,
        page=number,
        page_size=size,
        start=start,
        end=max(start, start + len(shown) - 1),
        uri=address(number),
        first_page_uri=address(0),
        next_page_uri=address(number + 1) if start + size < len(found) else None,
        previous_page_uri=address(number - 1) if number else None,
    )


def _asked() -> Callable[[Text], bool]:
    """The filters of this request, read once."""
    to, sender = request.args.get("To"), request.args.get("From")
    day, after, before = (
        _moment(written) if (written := request.args.get(f"DateSent{sign}")) else None
        for sign in ("", ">", "<")
    )

    def asked_for(text: Text) -> bool:
        at = text.at.replace(microsecond=0)  # Twilio knows seconds only
        return (
            to in (None, text.receiver)
            and sender in (None, text.sender)
            and (day is None or at.date() == day.date())
            and (after is None or at >= after)
            and (before is None or at <= before)
        )

    return asked_for


def _moment(written: str) -> datetime:
    """A day or a time as Twilio's client writes it; a time without a zone is GMT."""
    try:
        read = (
            datetime.fromisoformat(written)
            if len(written) > 10
            else datetime.combine(date.fromisoformat(written), datetime.min.time())
        )
    except ValueError:
        abort(jsonify_error(400, 20001, "A date is not readable"))
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def jsonify_error(status: int, code: int, message: str) -> Response:
    """Twilio's error as a response exception, for code deep in a request."""
    answer = jsonify(problem(status, code, message))
    answer.status_code = status
    return answer


def _message(sid: str) -> Text:
    found = _exchange().found(sid)
    return found if found is not None else abort(404)


@rest.get(f"{MESSAGES}/<sid>.json")
def fetch_message(account_sid: str, sid: str) -> Response:
    """One message as it stands now."""
    return jsonify(_message(sid).resource(account_sid))


@rest.post(f"{MESSAGES}/<sid>.json")
def redact_message(account_sid: str, sid: str) -> Response:
    """Empty a message's words, which is all that can be changed."""
    text = _message(sid)
    if request.form.get("Body") != "":
        abort(jsonify_error(400, 20001, "Only an empty Body can be set"))
    _exchange().set(text, words="")
    return jsonify(text.resource(account_sid))


@rest.delete(f"{MESSAGES}/<sid>.json")
def delete_message(account_sid: str, sid: str) -> tuple[str, int]:
    """Delete a message."""
    _exchange().forget(_message(sid))
    return "", 204


def _call(sid: str) -> Call:
    found = _calling().found(sid)
    return found if found is not None else abort(404)


@rest.post(f"{CALLS}.json")
def create_call(account_sid: str) -> tuple[Response, int]:
    """Ring somebody."""
    to, url, twiml = (request.form.get(name, "") for name in ("To", "Url", "Twiml"))
    fault = _exchange().take_send_fault(to)
    if fault in DOWN:
        return jsonify(problem(*DOWN[fault])), DOWN[fault][0]
    rules = (
        (not to, (21201, "No 'To' number is specified")),
        (
            bool(X11.fullmatch(to)) or not E164.fullmatch(to) or to in MAGIC,
            (21211, "Invalid 'To' Phone Number"),
        ),
        (not request.form.get("From"), (21213, "'From' phone number is required")),
        (
            request.form.get("From") not in (_settings().our_number, *_settings().more_numbers),
            (21210, "'From' phone number not verified"),
        ),
        (not url and not twiml, (21205, "Url parameter is required")),
        (len(twiml) > LONGEST_TWIML, (21626, "Twiml parameter is too long")),
    )
    wrong = next((why for holds, why in rules if holds), None)
    if wrong:
        return jsonify(problem(400, *wrong)), 400
    rings = request.form.get("Timeout", 60.0, type=float)
    call = _calling().ring(
        to,
        url,
        request.form.get("StatusCallback", ""),
        rings,
        request.form.get("MachineDetection", ""),
        sender=request.form["From"],
        twiml=twiml,
        lasts=request.form.get("TimeLimit", 14_400.0, type=float),
        events=frozenset(request.form.getlist("StatusCallbackEvent") or ["completed"]),
    )
    _hang(fault)
    return jsonify({**call.resource(account_sid), "status": "queued", "start_time": None}), 201


@rest.get(f"{CALLS}.json")
def list_calls(account_sid: str) -> Response:
    """Calls, newest first, filtered by number, state and time, on one page."""
    found = [
        call.resource(account_sid) for call in reversed(_calling().calls()) if _call_asked_for(call)
    ]
    return jsonify(
        calls=found,
        page=0,
        page_size=1000,
        start=0,
        end=max(0, len(found) - 1),
        uri=request.path,
        next_page_uri=None,
    )


def _call_asked_for(call: Call) -> bool:
    wanted = request.args
    if (
        wanted.get("To", call.receiver) != call.receiver
        or wanted.get("Status", call.status) != call.status
    ):
        return False
    if "StartTime>" in wanted:
        return call.status != "queued" and call.at.replace(microsecond=0) >= _moment(
            wanted["StartTime>"]
        )
    return True


@rest.get(f"{CALLS}/<sid>.json")
def fetch_call(account_sid: str, sid: str) -> Response:
    """One call as it stands now."""
    return jsonify(_call(sid).resource(account_sid))


@rest.post(f"{CALLS}/<sid>.json")
def change_call(account_sid: str, sid: str) -> Response:
    """End a call: "canceled" only while it rings, "completed" at any time; a call that has ended is
    unchanged. Or give it another document, by Url or Twiml."""
    call, status = _call(sid), request.form.get("Status", "")
    url, twiml = request.form.get("Url", ""), request.form.get("Twiml", "")
    if url or twiml:
        if call.status != "in-progress":
            abort(jsonify_error(400, 21220, "Call is not in-progress. Cannot redirect."))
        _calling().redirect(call, url, twiml)
    elif status not in ("completed", "canceled"):
        abort(jsonify_error(400, 20001, "Status is completed or canceled"))
    else:
        _calling().end(call, status, *(RINGING if status == "canceled" else LIVE), deferred=True)
    return jsonify(call.resource(account_sid))


@rest.get(f"{CALLS}/<sid>/Notifications.json")
def list_notifications(account_sid: str, sid: str) -> Response:
    """What Twilio could not carry out in a call, newest first, on one page."""
    found = [
        {"call_sid": one.sid, "error_code": why.partition(":")[0], "message_text": why}
        for one in reversed(_calling().refusals)
        if one.sid == _call(sid).sid
        for why in one.why
    ]
    return jsonify(
        notifications=found, page=0, page_size=1000, uri=request.path, next_page_uri=None
    )
