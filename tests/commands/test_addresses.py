"""Twilio's settings for our numbers, compared with CALLER_PUBLIC_URL: `check` and `probe` report
differences in plain words. The real Twilio client, against the stand-in and against Twilio's
shapes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import requests
import responses
from conftest import House
from running import clean_environment, command, free_port
from test_probe import metrics, probed
from twilio.rest import Client

from caller_service.config.program_file import read_program
from caller_service.config.settings import REHEARSAL_PROGRAM, Settings
from caller_service.core.program import Numbers, OurNumber
from caller_service.gateway.telephony import REAL_API, Telephony, _Elsewhere
from caller_service.proving.addresses import Addresses, compare
from caller_service.rehearsal.carrier import TwilioSettings
from caller_service.rehearsal.pages import served
from caller_service.rehearsal.twilio_stand_in import create_twilio

PUBLIC = "https://help.example.org"
ACCOUNT, TOKEN = "AC" + "1" * 32, "t" * 32
FIRST, SECOND, IN_SERVICE = "+17205550100", "+17205550101", "+17205550102"
SERVICE = "MG" + "2" * 32
TEXTS, CALLS = f"{PUBLIC}/twilio/sms", f"{PUBLIC}/twilio/voice"
ENDS = f"{PUBLIC}/twilio/receipts/inbound"


@dataclass
class Account:
    """An account at the stand-in, with Twilio's own client to change it."""

    url: str
    client: Client

    def of(self, *ours: str, public_url: str = PUBLIC, callback: str = "") -> Addresses:
        telephony = Telephony(ACCOUNT, TOKEN, ours[0], self.url)
        numbers = Numbers(tuple(OurNumber(one, ("en",)) for one in ours), callback=callback)
        return compare(telephony, numbers, public_url)

    def change(self, number: str, **fields: str) -> None:
        (one,) = self.client.incoming_phone_numbers.list(phone_number=number)
        one.update(**fields)

    def change_service(self, **fields: object) -> None:
        self.client.messaging.v1.services(SERVICE).update(**fields)


@pytest.fixture
def account() -> Iterator[Account]:
    settings = TwilioSettings(
        ACCOUNT, TOKEN, PUBLIC, FIRST, more_numbers=(SECOND,), services={SERVICE: (IN_SERVICE,)}
    )
    with served(create_twilio(settings)) as url:
        client = Client(ACCOUNT, TOKEN, http_client=_Elsewhere(url))
        for one in client.incoming_phone_numbers.list():
            one.update(sms_fallback_url="https://static.example.net/sms.xml")
        client.messaging.v1.services(SERVICE).update(
            fallback_url="https://static.example.net/sms.xml"
        )
        yield Account(url, client)


def test_an_account_that_calls_us_has_nothing_to_say(account: Account) -> None:
    assert account.of(FIRST, SECOND, SERVICE) == Addresses()


@pytest.mark.parametrize(
    "same", ["HTTPS://Help.Example.ORG/twilio/sms", "https://help.example.org:443/twilio/sms",
             "https://help.example.org/twilio/sms#ct=2000&rc=3"],
)  # fmt: skip
def test_what_means_the_same_is_no_difference(account: Account, same: str) -> None:
    account.change(FIRST, sms_url=same)
    assert account.of(FIRST) == Addresses()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"sms_url": "https://old.example.org/twilio/sms"},
         f"sms_url is https://old.example.org/twilio/sms; set it to {TEXTS}, or"),
        ({"sms_url": "http://help.example.org/twilio/sms"}, f"set it to {TEXTS}"),
        ({"sms_url": f"{TEXTS}/"}, f"set it to {TEXTS}"),
        ({"sms_url": ""}, f"sms_url is empty, so nobody is heard; set it to {TEXTS}"),
        ({"sms_method": "GET"}, "sms_method is GET; set it to POST"),
        ({"sms_application_sid": "AP1"}, "a TwiML App takes its texts"),
        ({"voice_url": "https://demo.twilio.com/welcome/voice/"}, f"set it to {CALLS}"),
        ({"voice_method": "GET"}, "voice_method is GET; set it to POST"),
        ({"voice_application_sid": "AP1"}, "a TwiML App takes its calls"),
        ({"status_callback": ""}, f"status_callback is empty, so a call that drops is noticed minutes "
         f"late; set it to {ENDS}"),
        ({"status_callback": "https://old.example.org/status"}, f"set it to {ENDS}"),
        ({"status_callback_method": "GET"}, "status_callback_method is GET; set it to POST"),
    ],
)  # fmt: skip
def test_each_way_in_which_a_number_goes_elsewhere_is_named(
    account: Account, fields: dict[str, str], said: str
) -> None:
    account.change(SECOND, **fields)
    (fault,) = account.of(FIRST, SECOND).faults
    assert fault.startswith(f"number {SECOND}: ") and said in fault


def test_a_password_in_an_address_is_not_shown(account: Account) -> None:
    account.change(FIRST, sms_url="https://user:hunter2@old.example.org/twilio/sms?key=hunter2")
    (fault,) = account.of(FIRST).faults
    assert "hunter2" not in fault and "old.example.org" in fault


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"sms_fallback_url": ""}, "sms_fallback_url is empty"),
        ({"sms_fallback_url": f"{PUBLIC}/static/sms.xml"}, "on the host of CALLER_PUBLIC_URL"),
    ],
)
def test_what_is_worth_a_look_is_a_note(
    account: Account, fields: dict[str, str], said: str
) -> None:
    account.change(FIRST, **fields)
    found = account.of(FIRST)
    assert found.faults == () and len(found.notes) == 1 and said in found.notes[0]


def test_a_service_says_where_the_texts_of_its_numbers_go(account: Account) -> None:
    account.change(IN_SERVICE, sms_url="https://old.example.org/never/read")
    assert account.of(SERVICE) == Addresses()

    account.change_service(inbound_request_url="https://old.example.org/", inbound_method="GET")
    url, method = account.of(SERVICE).faults
    assert f"inbound_request_url is https://old.example.org/; set it to {TEXTS}" in url
    assert "inbound_method is GET; set it to POST" in method

    account.change_service(use_inbound_webhook_on_number=True)
    (fault,) = account.of(SERVICE).faults
    assert fault.startswith(f"number {IN_SERVICE}: sms_url is https://old.example.org/never/read")


def test_what_the_account_does_not_have_is_named(account: Account) -> None:
    nowhere, gone = "+17205550177", "MG" + "9" * 32
    assert account.of(nowhere, gone).faults == (
        f"Messaging Service {gone}: this Twilio account has no such one",
        f"number {nowhere}: this Twilio account has no such one",
    )


@pytest.mark.parametrize(
    "answer",
    [
        lambda: responses.Response("GET", _numbers_at(REAL_API), status=401, json={"code": 20003}),
        lambda: responses.Response("GET", _numbers_at(REAL_API), status=503),
        lambda: responses.Response("GET", _numbers_at(REAL_API), body=requests.ConnectionError()),
        lambda: responses.Response("GET", _numbers_at(REAL_API), body="<html>a captive portal"),
    ],
)
def test_without_a_network_nothing_is_a_fault_and_it_is_said(
    outside: responses.RequestsMock, answer: Callable[[], responses.Response]
) -> None:
    outside.add(answer())
    found = compare(Telephony(ACCOUNT, TOKEN, FIRST), Numbers((OurNumber(FIRST, ("en",)),)), PUBLIC)
    assert found.faults == found.notes == ()
    (line,) = found.lines()
    assert line.startswith("could not look whether Twilio calls us at CALLER_PUBLIC_URL (")


def _numbers_at(host: str) -> str:
    return f"{host}/2010-04-01/Accounts/{ACCOUNT}/IncomingPhoneNumbers.json"


@pytest.mark.parametrize(
    ("api", "messaging"),
    [
        (REAL_API, "https://messaging.twilio.com"),
        ("https://api.dublin.ie1.twilio.com", "https://messaging.dublin.ie1.twilio.com"),
        ("https://twilio.test", "https://twilio.test"),
    ],
)
def test_services_are_asked_for_where_twilio_keeps_them(
    outside: responses.RequestsMock, api: str, messaging: str
) -> None:
    one = {
        "phone_number": FIRST, "sms_url": TEXTS, "sms_method": "POST", "voice_url": CALLS,
        "voice_method": "POST", "sms_fallback_url": None, "status_callback": ENDS,
        "status_callback_method": "POST",
        "sms_application_sid": None, "voice_application_sid": None, "sid": "PN1",
        "capabilities": {"voice": True, "sms": True},
    }  # fmt: skip
    outside.get(_numbers_at(api), json={"incoming_phone_numbers": [one], "next_page_uri": None})
    outside.get(
        f"{messaging}/v1/Services/{SERVICE}",
        json={"sid": SERVICE, "inbound_request_url": TEXTS, "inbound_method": "POST",
              "fallback_url": None, "use_inbound_webhook_on_number": False},
    )  # fmt: skip
    outside.get(
        f"{messaging}/v1/Services/{SERVICE}/PhoneNumbers",
        json={"phone_numbers": [{"phone_number": FIRST}],
              "meta": {"key": "phone_numbers", "next_page_url": None}},
    )  # fmt: skip
    found = compare(
        Telephony(ACCOUNT, TOKEN, SERVICE, api), Numbers((OurNumber(SERVICE, ("en",)),)), PUBLIC
    )
    assert found.faults == () and found.could_not_look == ""


# ---- check, and probe ----------------------------------------------------------------------------


def test_check_names_what_differs_and_without_a_stand_in_says_that_it_could_not_look(
    tmp_path: Path,
) -> None:
    environment = clean_environment(
        CALLER_PUBLIC_URL="http://127.0.0.1:8000",
        CALLER_TWILIO_API_URL=f"http://127.0.0.1:{free_port()}",
    )
    assert command(tmp_path, "migrate", environment=environment).returncode == 0
    ended = command(tmp_path, "check", environment=environment)
    assert ended.returncode == 0 and "note: could not look whether Twilio" in ended.stdout
    assert "At most one new call a second (CALLER_CALLS_A_SECOND)" in ended.stdout

    settings = Settings.from_environment(environment, here=tmp_path)
    ours = [one.number for one in read_program(REHEARSAL_PROGRAM).numbers.ours]
    stand_in = TwilioSettings(
        settings.twilio_account_sid,
        settings.twilio_auth_tokens[0],
        "https://old.example.org",
        ours[0],
        more_numbers=tuple(ours),
    )
    with served(create_twilio(stand_in)) as url:
        ended = command(tmp_path, "check", environment=environment | {"CALLER_TWILIO_API_URL": url})
    assert ended.returncode == 1
    for number in ours:
        assert (
            f"number {number}: sms_url is https://old.example.org/twilio/sms; set it to "
            "http://127.0.0.1:8000/twilio/sms, or CALLER_PUBLIC_URL to match"
        ) in ended.stderr


def test_the_probe_sees_that_twilio_calls_elsewhere(house: House) -> None:
    settings = house.app.extensions["caller_settings"]
    numbers = house.parts.program.numbers
    ours = [*(one.number for one in numbers.ours), numbers.callback]
    stand_in = TwilioSettings(
        settings.twilio_account_sid,
        settings.twilio_auth_tokens[0],
        "https://old.example.org",
        ours[0],
        more_numbers=tuple(ours),
    )
    with served(create_twilio(stand_in)) as url:
        house.change(telephony=_telephony(settings, ours[0], url))
        report = probed(house)
    assert not report.well and not any(one.fault for one in report.played)
    assert any("https://old.example.org" in line for line in report.lines())
    labels = '{channel="twilio",conversation="addresses",language="-"}'
    assert f"caller_probe_success{labels} 0.0\n" in metrics(house)

    with served(create_twilio(replace(stand_in, service_url="https://house.test"))) as url:
        house.change(telephony=_telephony(settings, ours[0], url))
        assert probed(house).well
    assert f"caller_probe_success{labels} 1.0\n" in metrics(house)


def _telephony(settings: Settings, sender: str, url: str) -> Telephony:
    return Telephony(settings.twilio_account_sid, settings.twilio_auth_tokens[0], sender, url)


def test_a_callback_number_that_the_account_lacks_is_named(account: Account) -> None:
    found = account.of(FIRST, callback="+17205550177")
    assert found.faults == ("number +17205550177 (callback): this Twilio account has no such one",)
