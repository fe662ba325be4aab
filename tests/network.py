"""The telephone network between people and the service under test: the stand-in Twilio's call
engine in the test's own process, on the test's own clock. Real documents, every verb executed.

    network = Network(house)
    me, maria = network.phone(ME), network.phone(MARIA)
    me.dials().listens().press("1")
    network.works()              # the worker: sweeps, and runs every job
    maria.rings().answers().listens().press("1").joined()
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from caller_service.rehearsal.call_engine import CallEngine
from caller_service.rehearsal.call_time import VirtualTime
from caller_service.rehearsal.call_web import AppWeb
from caller_service.rehearsal.carrier import TwilioSettings
from caller_service.rehearsal.carrier_state import Exchange
from caller_service.rehearsal.handset import Handset

if TYPE_CHECKING:
    from conftest import House

ACCOUNT = "AC" + "0" * 32


class Network:
    """Phones that call the house and that the house calls."""

    def __init__(self, house: House) -> None:
        self.house = house
        program, token = house.parts.program, house.app.config["TWILIO_AUTH_TOKENS"][0]
        ours = program.numbers.ours[0].number
        names = {rung.number: rung.name for rung in program.ladder if rung.number}
        self.engine = CallEngine(
            TwilioSettings(
                ACCOUNT,
                token,
                house.parts.public_url,
                ours,
                more_numbers=(program.numbers.callback,),
            ),
            Exchange(ours, names, "+17205550123"),
            VirtualTime(house.wait, house.clock.at),
            AppWeb(house.client, token),
        )
        # The engine carries out the service's REST requests to Twilio (conftest.House).
        house._rings = self._rings  # type: ignore[method-assign]
        house._stands = self._stands  # type: ignore[method-assign]
        house._hangs_up = self._hangs_up  # type: ignore[method-assign]
        house._moves = self._moves  # type: ignore[method-assign]

    def phone(self, number: str) -> Handset:
        return Handset(self.engine, number)

    def works(self, seconds: float = 0.0) -> Network:
        """Run the worker on whatever is due; with `seconds`, once in each of them."""
        for step in range(int(seconds) + 1):
            if step:
                self.engine.time.run(1.0)
            self.house.sweeps().settles()
            self.engine.time.run()
        return self

    def _rings(self, request: Any, status: int) -> tuple[int, dict[str, str], str]:
        form = parse_qs(request.body)
        one = {name: values[0] for name, values in form.items()}
        self.house.rung.append(one)
        call = self.engine.ring(
            one["To"], one["Url"], one.get("StatusCallback", ""), float(one.get("Timeout", 60)),
            one.get("MachineDetection", ""), sender=one["From"],
            events=frozenset(form.get("StatusCallbackEvent", ["completed"])),
            lasts=float(one.get("TimeLimit", 14_400)),
        )  # fmt: skip
        return 201, {}, json.dumps({"sid": call.sid, "status": "queued"})

    def _stands(self, url: str) -> tuple[int, dict[str, str], str]:
        call = self.engine.found(url.rpartition("/")[2].removesuffix(".json"))
        if call is None:
            return 404, {}, json.dumps({"code": 20404, "message": "not found", "status": 404})
        return 200, {}, json.dumps(call.resource(ACCOUNT))

    def _moves(self, url: str, to: str) -> tuple[int, dict[str, str], str]:
        call = self.engine.found(url.rpartition("/")[2].removesuffix(".json"))
        if call is not None:
            self.house.moved.append((call.sid, to))
            self.engine.redirect(call, to)
        return self._stands(url)

    def _hangs_up(self, url: str) -> tuple[int, dict[str, str], str]:
        call = self.engine.found(url.rpartition("/")[2].removesuffix(".json"))
        if call is not None:
            self.house.hung_up.append(call.sid)
            self.engine.end(call, "completed", deferred=True)
        return self._stands(url)
