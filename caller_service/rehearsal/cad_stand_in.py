"""The stand-in CAD: receives signed hand-offs, and has a page on which a dispatcher answers
them."""

import re
import socket
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

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
from standardwebhooks import Webhook, WebhookVerificationError
from werkzeug.wrappers import Response as AnyResponse

from . import dispatcher as say
from .background import Errands
from .board import EMERGENCY, Board, Held
from .dispatcher import CadSettings, Dispatcher, Move
from .pages import protect, wants_json

NEWS_WAIT = 25.0
ID = re.compile(r"[A-Za-z0-9._-]{1,80}")
EMERGENCY_OUTCOMES = ("emergency_help_confirmed", "counselor_joined", "safe", "lost")
MOVES = (
    "accept",
    "accept_20",
    "accept_time",
    "decline",
    "assigned",
    "en_route",
    "arrived",
    "closed",
)

cad = Blueprint("cad", __name__)


def create_cad(settings: CadSettings) -> Flask:
    """The stand-in CAD as a Flask app with its state in memory."""
    app = Flask(__name__)
    board, errands = Board(settings.auto), Errands()
    app.extensions["cad_settings"] = settings
    app.extensions["board"] = board
    app.extensions["errands"] = errands
    app.extensions["dispatcher"] = Dispatcher(settings, board, errands)
    app.jinja_env.globals["age"] = _age
    protect(app)
    app.register_blueprint(cad)
    return app


def _age(at: datetime) -> str:
    seconds = int((datetime.now(UTC) - at).total_seconds())
    return f"{seconds // 60}:{seconds % 60:02}"


def _settings() -> CadSettings:
    settings: CadSettings = current_app.extensions["cad_settings"]
    return settings


def _board() -> Board:
    board: Board = current_app.extensions["board"]
    return board


def _dispatcher() -> Dispatcher:
    dispatcher: Dispatcher = current_app.extensions["dispatcher"]
    return dispatcher


# Where the service posts its hand-offs


@cad.post("/hand-offs")
def receive() -> AnyResponse:
    """Receive a hand-off. A 2xx only means that it arrived, never that somebody accepted it."""
    key, begun = request.headers.get("Idempotency-Key", ""), datetime.now(UTC)
    body = request.get_data()
    fault = _board().take_fault()
    if fault == "slow":
        threading.Event().wait(_settings().slow)
    elif fault:
        return _misbehave(fault, key)
    status, why, hand_off_id = _judge(key, body)
    _board().log_delivery(key, status, why, begun)
    if status >= 400:
        answer = jsonify(type="about:blank", title=why, status=status)
        answer.mimetype = "application/problem+json"
    else:
        answer = jsonify(received=hand_off_id)
        _dispatcher().begin_automatic()
    answer.status_code = status
    return answer


def _misbehave(fault: str, key: str) -> AnyResponse:
    """Fail as switched and store nothing, as a proxy in front of a CAD would."""
    if fault == "drop":
        _board().log_delivery(key, 0, "connection dropped, as switched")
        if isinstance(connection := request.environ.get("werkzeug.socket"), socket.socket):
            connection.shutdown(socket.SHUT_RDWR)
        return Response(status=503)
    if fault == "garbage":
        _board().log_delivery(key, 200, "garbage, as switched")
        return Response("<html><p>It works!", 200, mimetype="text/html")
    if fault in ("endless", "drip"):
        _board().log_delivery(key, 200, f"{fault}, as switched")
        return Response(_without_end(fault), 200, mimetype="text/plain")
    _board().log_delivery(key, int(fault), "as switched")
    return Response("as switched", int(fault), mimetype="text/plain")


LARGEST = 64 * 2**20  # bytes of an answer "without end"
LONGEST_DRIP = 60  # seconds


def _without_end(fault: str) -> Iterator[bytes]:
    """A response that never ends: sent as fast as possible, or a byte now and then."""
    if fault == "endless":
        for _ in range(LARGEST // 2**16):
            yield b"x" * 2**16
        return
    for _ in range(LONGEST_DRIP * 5):
        yield b"x"
        threading.Event().wait(0.2)


def _judge(key: str, body: bytes) -> tuple[int, str, str]:
    """Verify a delivery and store it: the status to answer with, the reason, and the hand-off."""
    try:
        packet = Webhook(_settings().webhook_secret).verify(body, dict(request.headers))
    except (
        WebhookVerificationError,
        ValueError,
    ):  # the library lets a malformed signature through as ValueError
        return 401, "the signature is missing, wrong or too old", ""
    if not isinstance(packet, dict) or packet.get("type") != "hand_off.v1":
        return 422, "this is no hand_off.v1", ""
    hand_off_id, revision = str(packet.get("hand_off_id", "")), packet.get("revision")
    if not ID.fullmatch(hand_off_id) or not isinstance(revision, int):
        return 422, "hand_off_id or revision is missing", ""
    if not key == request.headers.get("webhook-id") == f"{hand_off_id}.{revision}":
        return 400, "Idempotency-Key and webhook-id must both be <hand_off_id>.<revision>", ""
    what, _ = _board().receive(key, body, packet)
    return 200 if what.startswith("repeated") else 202, what, hand_off_id


# The dispatcher's page


@cad.get("/")
def page() -> str:
    """The board."""
    return render_template("cad.html", **_rows(), board=_board(), version=_board().version)


@cad.get("/board")
def rows() -> str:
    """The board's rows alone, for the page's script."""
    return render_template("cad_board.html", **_rows())


def _rows() -> dict[str, list[Held]]:
    held = _board().all()
    return {
        # The most dangerous first, and of these whoever has waited longest.
        "human": sorted(
            (each for each in held if each.needs_human and not each.over),
            key=lambda each: (each.level or "R0", each.at),
        ),
        "team": [each for each in held if not each.needs_human and not each.over],
        "over": [each for each in held if each.over],
    }


@cad.get("/state")
def state() -> Response:
    """Everything as JSON; with `after` and `wait` it waits for something newer."""
    _board().wait_past(
        request.args.get("after", -1, type=int),
        min(request.args.get("wait", 0.0, type=float), NEWS_WAIT),
    )
    return jsonify(_board().as_json())


def _held(hand_off_id: str) -> Held:
    held = _board().held(hand_off_id)
    return held if held is not None else abort(404, "There is no such hand-off here.")


@cad.get("/hand-offs/<hand_off_id>")
def opened(hand_off_id: str) -> str:
    """One hand-off with its whole packet and every answer of the service."""
    held = _held(hand_off_id)
    said = _dispatcher().messages(held)
    outcomes = EMERGENCY_OUTCOMES if held.level in EMERGENCY else ("resolved", *EMERGENCY_OUTCOMES)
    return render_template(
        "cad_hand_off.html", held=held, said=said, version=_board().version, outcomes=outcomes
    )


@cad.get("/hand-offs/<hand_off_id>/talk")
def talk(hand_off_id: str) -> str:
    """The conversation and the answers alone, for the page's script."""
    held = _held(hand_off_id)
    return render_template("cad_talk.html", held=held, said=_dispatcher().messages(held))


@cad.get("/hand-offs/<hand_off_id>/messages")
def messages(hand_off_id: str) -> Response:
    """The conversation, as the service returns it."""
    return jsonify(_dispatcher().messages(_held(hand_off_id)))


def _asked() -> Mapping[str, object]:
    asked: Mapping[str, object] = request.get_json() if request.is_json else request.form
    return asked


def _word(asked: Mapping[str, object], name: str, otherwise: str = "") -> str:
    return str(asked.get(name) or otherwise).strip() or otherwise


def _move(asked: Mapping[str, object]) -> Move:
    """The call to the service for a button."""
    what, by = _word(asked, "what"), _word(asked, "by", "Maria")
    reason, minutes = _word(asked, "reason"), _word(asked, "in_minutes")
    if what == "accept":
        return say.accept(by)
    if what == "accept_20":
        return say.accept(by, 20)
    if what == "accept_time":
        if minutes and not minutes.isdecimal():
            abort(400, "Minutes are a whole number.")
        return say.accept(by, int(minutes) if minutes else None, _word(asked, "at"))
    if what == "decline":
        return (
            say.decline(by, reason) if reason else abort(400, "Please give a reason for declining.")
        )
    if what in ("assigned", "en_route", "arrived", "closed"):
        return say.status(by, what, _word(asked, "outcome", "resolved"), reason)
    abort(400, f"what is one of {', '.join(MOVES)}")


@cad.post("/hand-offs/<hand_off_id>/act")
def act(hand_off_id: str) -> AnyResponse:
    """A button of the page: accept, decline, assigned, en route, arrived, close."""
    held = _held(hand_off_id)
    return _told(held, _move(_asked()))


@cad.post("/hand-offs/<hand_off_id>/note")
def note(hand_off_id: str) -> AnyResponse:
    """Words for the resident."""
    held, asked = _held(hand_off_id), _asked()
    words = _word(asked, "words")
    if not words:
        abort(400, "Please write some words.")
    return _told(held, say.note(_word(asked, "by", "Maria"), words))


def _told(held: Held, move: Move) -> AnyResponse:
    answer = _dispatcher().tell(held, move)
    if wants_json():
        return jsonify({**answer.as_json(), "stage": held.stage})
    if request.form.get("back") == "board":
        return redirect(url_for("cad.page", _anchor=held.hand_off_id), 303)
    return redirect(url_for("cad.opened", hand_off_id=held.hand_off_id), 303)


@cad.post("/auto")
def auto() -> AnyResponse:
    """Switch the automatic dispatcher."""
    on = _board().set_auto(_asked().get("on", False))
    _dispatcher().begin_automatic()
    return jsonify(auto=on) if wants_json() else redirect(url_for("cad.page"), 303)


@cad.get("/faults")
def show_faults() -> Response:
    """Which failure is switched on."""
    return jsonify(_board().as_json()["faults"])


@cad.post("/faults")
def switch_faults() -> AnyResponse:
    """Choose how deliveries fail."""
    try:
        _board().switch(dict(_asked()))
    except ValueError as wrong:
        abort(400, str(wrong))
    return show_faults() if wants_json() else redirect(url_for("cad.page"), 303)
