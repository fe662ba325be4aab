"""Phones of staff that we call, and residents whom texts do not reach."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

from conftest import signed

if TYPE_CHECKING:
    from conftest import House, Resident

ME = "+17205550123"


class Phone:
    """A phone that we call, through Twilio's webhooks."""

    def __init__(self, house: House, place: int = -1) -> None:
        self.house = house
        self.form = house.rung[place]
        self.sid = f"CA{house.rung.index(self.form) + 1:032d}"
        self.said = ""
        self.next = ""
        self.hung_up = False

    def _asks(self, url: str, **fields: str) -> Any:
        address = urlsplit(url)
        told = {
            "CallSid": self.sid,
            "AccountSid": "AC" + "0" * 32,
            "To": self.form["To"],
            "From": self.form["From"],
            **fields,
        }
        return signed(self.house, f"{address.path}?{address.query}", told)

    def _hears(self, answer: Any) -> Phone:
        assert answer.status_code == 200, answer.text
        document = ElementTree.fromstring(answer.text)
        gather = document.find("Gather")
        self.next = gather.get("action", "") if gather is not None else ""
        queue = document.find("Dial/Queue")
        self.queue_url = queue.get("url", "") if queue is not None else ""
        dial = document.find("Dial")
        self.after = dial.get("action", "") if dial is not None else ""
        self.dials = document.findtext("Dial/Number") or ""
        self.document_text = answer.text
        self.hung_up = gather is None and document.find("Hangup") is not None
        self.said = " ".join(each.text or "" for each in document.iter("Say"))
        return self

    def picks_up(self, answered_by: str = "human") -> Phone:
        self.reports("in-progress")
        return self._hears(
            self._asks(self.form["Url"], CallStatus="in-progress", AnsweredBy=answered_by)
        )

    def presses(self, digit: str, at: str = "") -> Phone:
        return self._hears(self._asks(at or self.next, Digits=digit, CallStatus="in-progress"))

    def parts(self, status: str = "completed") -> Phone:
        """Their connection to the caller has ended, or never existed."""
        return self._hears(self._asks(self.after, DialCallStatus=status))

    def reports(self, *states: str) -> Phone:
        for state in states:
            assert self._asks(self.form["StatusCallback"], CallStatus=state).status_code == 204
        return self


def events(house: House, name: str) -> list[Any]:
    return [line.detail for line in house.rows("journal") if line.event == name]


def lost(house: House, me: Resident, error: str = "30003") -> Any:
    """A status text that does not arrive: its row."""
    house.settles()
    house.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Maria"})
    house.settles()
    text = house.rows("message", direction="out", answers=None, person=None)[-1]
    assert text.state == "queued"
    fails(house, text.id, error)
    return text


def fails(house: House, text_id: str, error: str = "30003") -> None:
    fields = {
        "MessageSid": f"SMlost{text_id[-6:]}",
        "MessageStatus": "undelivered",
        "ErrorCode": error,
    }
    assert signed(house, f"/twilio/receipts/message?id={text_id}", fields).status_code == 204


def screened(
    house: House, contact: str = "1", who: str = "1", number: str = ME, language: str = "hi"
) -> Resident:
    """A resident who wants a team, and has said how we may reach them."""
    me = house.resident(number).texts(
        language, who, "2", "2", "2", contact, "1", "Main St and 3rd Ave", "2"
    )
    while asked := me.case().state["asked"]:
        me.texts({"gun": "2", "if_none": "1", "voicemail": "1"}[asked])
    assert me.case().status == "handed_off"
    return me


def after_a_lost_text(house: House, contact: str = "1", **told: str) -> Resident:
    """A case that was accepted; the text that said so was lost; if calls are safe, the call in its
    place was heard and has ended."""
    me = screened(house, contact, **told)
    lost(house, me)
    house.settles()
    if rings(house):
        mine(house).picks_up().presses("1").reports("completed")
        house.settles()
    return me


def moves(house: House, me: Resident, status: str, **more: str) -> None:
    """Dispatch changes the status; then everything due is done."""
    answer = house.dispatch(f"/{me.case().id}/status", {"status": status, "by": "Maria", **more})
    assert answer.status_code == 200, answer.text
    house.settles().sweeps().settles()


def rings(house: House) -> list[int]:
    """The calls that were made to the resident; a supervisor may be called meanwhile."""
    return [place for place, form in enumerate(house.rung) if form["To"] == ME]


def mine(house: House) -> Phone:
    """The resident's phone, at the last call to it."""
    return Phone(house, rings(house)[-1])


def passes(house: House, minutes: int) -> None:
    """Let minutes pass, with a run of the worker in each."""
    for _ in range(minutes):
        house.wait(60)
        house.sweeps().settles()


def not_told(house: House) -> bool:
    """`not_told` in the newest revision."""
    return bool(house.posted[-1][0]["contact"]["not_told"])
