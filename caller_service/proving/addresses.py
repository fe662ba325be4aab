"""Compares Twilio's settings for each of our numbers and Messaging Services with CALLER_PUBLIC_URL.
Each difference is reported in plain words, with the value to set.

A text that Twilio sends elsewhere, or signs for another URL, is lost, and the service cannot notice
that it was sent elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from caller_service.core.program import Numbers
from caller_service.gateway.telephony import (
    NumberSettings,
    ServiceSettings,
    Telephony,
    TelephonyError,
)
from caller_service.gateway.twilio_signature import plain_address

TEXTS, CALLS = "/twilio/sms", "/twilio/voice"
ENDS = "/twilio/receipts/inbound"  # the status callback for the end of calls


@dataclass(frozen=True, slots=True)
class Addresses:
    """`faults`: people cannot reach us; `notes`: worth checking. With `could_not_look`, the reason,
    both are empty: that is no fault."""

    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    could_not_look: str = ""

    def lines(self) -> Iterator[str]:
        if self.could_not_look:
            yield (
                "could not look whether Twilio calls us at CALLER_PUBLIC_URL "
                f"({self.could_not_look})"
            )
        yield from self.faults
        yield from self.notes


def compare(telephony: Telephony, numbers: Numbers, public_url: str) -> Addresses:
    """Ask Twilio, and compare. Never raises if Twilio does not answer or denies access."""
    try:
        held = {one.number: one for one in telephony.number_settings()}
        services = {
            one.number: telephony.service_settings(one.number)
            for one in numbers.ours
            if one.number.startswith("MG")
        }
    except TelephonyError as problem:
        return Addresses(could_not_look=problem.code)
    faults: list[str] = []
    notes: list[str] = []
    # texts to a number in one of our services go where the service says
    in_service: dict[str, bool] = {}
    for sid, service in services.items():
        if service is None:
            faults.append(f"Messaging Service {sid}: this Twilio account has no such one")
            continue
        in_service |= dict.fromkeys(service.numbers, service.by_number)
        faults += _service_faults(service, public_url)
        notes += _service_notes(service, public_url)
    ours = [one.number for one in numbers.ours if one.number not in services]
    for number in dict.fromkeys((*ours, *in_service)):
        settings = held.get(number)
        if settings is None:
            faults.append(f"number {number}: this Twilio account has no such one")
            continue
        faults += _number_faults(settings, public_url, in_service.get(number, True))
        notes += _number_notes(settings, public_url)
    if numbers.callback:
        back = held.get(numbers.callback)
        faults += (
            _number_faults(back, public_url, own_texts=False)
            if back is not None
            else [f"number {numbers.callback} (callback): this Twilio account has no such one"]
        )
    return Addresses(tuple(faults), tuple(notes))


def _number_faults(one: NumberSettings, public_url: str, own_texts: bool) -> Iterator[str]:
    who = f"number {one.number}"
    if own_texts and not one.texts:
        yield f"{who}: cannot receive texts"
    elif own_texts and one.sms_application_sid:
        yield (
            f"{who}: a TwiML App takes its texts, and sms_url is not read; take the App away "
            "(sms_application_sid)"
        )
    elif own_texts:
        yield from _wrong(who, "sms_url", one.sms_url, public_url + TEXTS)
        yield from _not_post(who, "sms_method", one.sms_method)
    if one.calls and one.voice_application_sid:
        yield (
            f"{who}: a TwiML App takes its calls, and voice_url is not read; take the App away "
            "(voice_application_sid)"
        )
    elif one.calls:
        yield from _wrong(who, "voice_url", one.voice_url, public_url + CALLS)
        yield from _not_post(who, "voice_method", one.voice_method)
    if one.calls:
        yield from _unheard_ends(who, one, public_url + ENDS)


def _unheard_ends(who: str, one: NumberSettings, wanted: str) -> Iterator[str]:
    """A fault for a missing status callback: without it a dropped call is noticed only when the
    provider is asked about it, minutes later."""
    if not _same(one.status_callback, wanted):
        found = _shown(one.status_callback) or "empty"
        yield (
            f"{who}: status_callback is {found}, so a call that drops is noticed minutes late; "
            f"set it to {wanted}"
        )
    yield from _not_post(who, "status_callback_method", one.status_callback_method)


def _number_notes(one: NumberSettings, public_url: str) -> Iterator[str]:
    who = f"number {one.number}"
    yield from _no_fallback(who, "sms_fallback_url", one.sms_fallback_url, public_url)
    if not one.calls:
        yield from _tells_others(who, one.status_callback, public_url)


def _service_faults(one: ServiceSettings, public_url: str) -> Iterator[str]:
    if not one.by_number:
        who = f"Messaging Service {one.sid}"
        yield from _wrong(who, "inbound_request_url", one.inbound_request_url, public_url + TEXTS)
        yield from _not_post(who, "inbound_method", one.inbound_method)
    if not one.numbers:
        yield f"Messaging Service {one.sid}: there is no number in it"


def _service_notes(one: ServiceSettings, public_url: str) -> Iterator[str]:
    who = f"Messaging Service {one.sid}"
    if not one.by_number:
        yield from _no_fallback(who, "fallback_url", one.fallback_url, public_url)
    yield from _tells_others(who, one.status_callback, public_url)


def _wrong(who: str, field: str, found: str, wanted: str) -> Iterator[str]:
    if not found:
        yield f"{who}: {field} is empty, so nobody is heard; set it to {wanted}"
    elif not _same(found, wanted):
        yield (
            f"{who}: {field} is {_shown(found)}; set it to {wanted}, or CALLER_PUBLIC_URL to match"
        )


def _not_post(who: str, field: str, found: str) -> Iterator[str]:
    if found.upper() != "POST":
        yield f"{who}: {field} is {found or 'empty'}; set it to POST"


def _no_fallback(who: str, field: str, found: str, public_url: str) -> Iterator[str]:
    if not found:
        yield (
            f"{who}: {field} is empty: people hear nothing when we are down; put what "
            "caller-service fallback writes on another host, and set its address"
        )
    elif _host(found) == _host(public_url):
        yield f"{who}: {field} is on the host of CALLER_PUBLIC_URL, and is down when that is"


def _tells_others(who: str, status_callback: str, public_url: str) -> Iterator[str]:
    """A note for a service's status callback to another host: each of our texts names its own
    receipt URL."""
    if status_callback and _host(status_callback) != _host(public_url):
        yield (
            f"{who}: status_callback tells {_shown(status_callback)} who writes to us and when; "
            "nothing is needed there"
        )


def _same(found: str, wanted: str) -> bool:
    try:
        return plain_address(found).removesuffix("?") == plain_address(wanted)
    except ValueError:
        return False


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


def _shown(url: str) -> str:
    """A URL without the parts that may hold a password: user, query and fragment."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "no address"
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
