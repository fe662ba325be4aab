"""What the stand-in Twilio holds for the program's numbers and Messaging Services: where texts and
calls to them go. As in Twilio's REST API, to read and to change."""

import re
from collections.abc import Mapping
from hashlib import sha256

from flask import Blueprint, Response, abort, current_app, jsonify, request

from .carrier import TwilioSettings

NUMBERS = "/2010-04-01/Accounts/<account_sid>/IncomingPhoneNumbers"
SERVICES = "/v1/Services"
ENDED = "/twilio/receipts/inbound"  # told when a resident's call is over
Resource = dict[str, object]

numbers = Blueprint("numbers", __name__)


class Held:
    """Every number and service, as its resource; in memory."""

    def __init__(self, settings: TwilioSettings) -> None:
        texts, calls = (f"{settings.service_url}/twilio/{kind}" for kind in ("sms", "voice"))
        self.in_service = dict(settings.services)
        listed = (
            settings.our_number,
            *settings.more_numbers,
            *(one for numbers in self.in_service.values() for one in numbers),
        )
        self.numbers: dict[str, Resource] = {
            _sid("PN", number): {
                "sid": _sid("PN", number),
                "account_sid": settings.account_sid,
                "phone_number": number,
                "capabilities": {"voice": True, "sms": True, "mms": True, "fax": False},
                "sms_url": texts,
                "sms_method": "POST",
                "sms_fallback_url": "",
                "sms_application_sid": "",
                "voice_url": calls,
                "voice_method": "POST",
                "voice_application_sid": "",
                "status_callback": settings.service_url + ENDED,
                "status_callback_method": "POST",
            }
            for number in dict.fromkeys(listed)
            if number.startswith("+")
        }
        self.services: dict[str, Resource] = {
            sid: {
                "sid": sid,
                "account_sid": settings.account_sid,
                "inbound_request_url": texts,
                "inbound_method": "POST",
                "fallback_url": "",
                "status_callback": "",
                "use_inbound_webhook_on_number": False,
            }
            for sid in self.in_service
        }

    def of(self, number: str, name: str) -> str:
        """One setting of a number; "" if the number is not held."""
        return str(self.numbers.get(_sid("PN", number), {}).get(name) or "")


def _sid(kind: str, name: str) -> str:
    return kind + sha256(name.encode()).hexdigest()[:32]


def _held() -> Held:
    held: Held = current_app.extensions["numbers"]
    return held


def _changed(resource: Resource, asked: Mapping[str, str]) -> Resource:
    """A form in Twilio's names ("SmsUrl") put into its resource ("sms_url")."""
    for name, value in asked.items():
        key = re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()
        if key in resource and key not in ("sid", "account_sid", "phone_number", "capabilities"):
            resource[key] = value == "true" if isinstance(resource[key], bool) else value
    return resource


@numbers.get(f"{NUMBERS}.json")
def list_numbers(account_sid: str) -> Response:
    """All numbers on one page; with PhoneNumber, that one."""
    wanted = request.args.get("PhoneNumber")
    found = [one for one in _held().numbers.values() if wanted in (None, one["phone_number"])]
    return jsonify(
        incoming_phone_numbers=found,
        page=0,
        page_size=1000,
        start=0,
        end=max(0, len(found) - 1),
        uri=request.path,
        next_page_uri=None,
    )


@numbers.route(f"{NUMBERS}/<sid>.json", methods=["GET", "POST"])
def number(account_sid: str, sid: str) -> Response:
    """One number; POST changes where its texts and calls go."""
    return jsonify(_changed(_held().numbers.get(sid) or abort(404), request.form))


@numbers.route(f"{SERVICES}/<sid>", methods=["GET", "POST"])
def service(sid: str) -> Response:
    """One Messaging Service; POST changes where its texts go."""
    return jsonify(_changed(_held().services.get(sid) or abort(404), request.form))


@numbers.get(f"{SERVICES}/<sid>/PhoneNumbers")
def list_service_numbers(sid: str) -> Response:
    """The numbers in it, on one page."""
    listed = _held().in_service.get(sid)
    if listed is None:
        abort(404)
    found = [{"sid": _sid("PN", one), "service_sid": sid, "phone_number": one} for one in listed]
    meta = {"key": "phone_numbers", "page": 0, "page_size": 1000, "next_page_url": None}
    return jsonify(phone_numbers=found, meta=meta)
