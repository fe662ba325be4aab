"""Random conversations through the real endpoints on both databases: texts, what staff do, delivery
reports and time, in any order. Whatever happens (rules 4, 20 and 22):

- every open danger has a clock that will fire or a human who has written;
- software asks nothing after a human's own message in a danger;
- nothing untrue is said.
"""

from __future__ import annotations

import random
from typing import Any

import pytest
from conftest import House, Resident, signed

WHO = "+17205550123"
STAFF = {"Dispatcher on duty": "+17205550130", "Second dispatcher": "+17205550131"}
SAID = (
    "hello", "1", "2", "3", "no", "yes", "i want to kill myself", "i took all my pills", "thanks",
    "he is hitting me", "are you there", "ok", "main st & 3rd ave", "STOP", "START", "0", "status",
    "dont text me", "my dog is barking all day long", "im so tired of all this", "911", "NEW",
    "why did you not text me", "я выпила все таблетки", "worse", "goodbye", "im not safe", "1",
    "wrong number", "call me", "2", "quiet", "cancel",
)  # fmt: skip
WRITES = (
    "{code}", "{code} Hello, I am here.", "{code} Are you hurt?", "{code} GIVE BACK", "{code} PAUSE",
    "{code} LOWER: calm now", "{code} HAND TO Second dispatcher", "{code} TAKE OVER", "{code} 20 min",
    "{code} no", "{code} HAND TO Dispatcher on duty", "{code} LIFT: sure", "{code} busy",
)  # fmt: skip
STEPS = 45


class Player:
    """Takes random actions at random times."""

    def __init__(self, house: House, seed: int) -> None:
        self.house, self.chance = house, random.Random(seed)
        self.me = Resident(house, WHO)
        self.done: list[str] = []

    def plays(self) -> None:
        me, chance = self.me, self.chance
        what = chance.choices(
            (self.texts, self.staff, self.api, self.receipt, self.waits), (8, 5, 2, 4, 4)
        )[0]
        if what is self.texts or not self.house.rows("case"):
            said = chance.choice(SAID)
            me.pace = chance.choice((1.0, 10.0, 40.0))
            self.done.append(f"> {said}")
            me.texts(said)
        else:
            what()
        if chance.random() < 0.8:
            self.house.settles()

    def texts(self) -> None: ...

    def case(self) -> Any:
        """One of the resident's cases, most often the latest."""
        cases = self.house.rows("case")
        return self.chance.choice(cases) if self.chance.random() < 0.2 else self.me.case()

    def staff(self) -> None:
        name = self.chance.choice(tuple(STAFF))
        words = self.chance.choice(WRITES).format(code=self.case().reference)
        self.done.append(f"{name}: {words}")
        self.house.resident(STAFF[name]).texts(words)

    def api(self) -> None:
        name = self.chance.choice((*STAFF, "Maria"))
        path, told = self.chance.choice(
            (
                ("acknowledgement", {"answer": "accept", "by": name}),
                ("acknowledgement", {"answer": "decline", "by": name, "reason": "busy"}),
                ("notes", {"by": name, "words": "I am with you."}),
                ("take-over", {"by": name}),
                ("release", {"by": name, "reason": "end"}),
                ("lower", {"by": name, "reason": "calm"}),
                ("status", {"status": "en_route", "by": name}),
                ("status", {"status": "unreachable", "by": name}),
                ("answers", {"by": name, "question": "contact", "choice": "text_call"}),
            )
        )
        answer = self.house.dispatch(f"/{self.case().id}/{path}", told)
        self.done.append(f"{path} {told} {answer.status_code}")
        assert answer.status_code < 500, answer.text

    def receipt(self) -> None:
        texts = [
            row
            for row in self.house.rows("message", direction="out")
            if row.provider_id and row.person is None
        ][-4:]
        if not texts:
            return
        text, state = self.chance.choice(texts), self.chance.choice(("undelivered", "delivered"))
        self.done.append(f"{state}: {text.keys}")
        signed(
            self.house,
            f"/twilio/receipts/message?id={text.id}",
            {"MessageStatus": state, "MessageSid": text.provider_id}
            | ({"ErrorCode": "30003"} if state == "undelivered" else {}),
        )

    def waits(self) -> None:
        seconds = self.chance.choice((20, 65, 130, 190, 400, 700))
        self.done.append(f"... {seconds}")
        self.house.settles()
        alone = any(nobody_joined(case) for case in self.house.rows("case"))
        asked = len(self.house.rows("page"))
        for _ in range(max(1, seconds // 30)):
            self.house.wait(min(seconds, 30))
            self.house.sweeps()
        if alone and seconds >= 400:
            assert len(self.house.rows("page")) > asked, "\n".join(["nobody is asked", *self.done])


def nobody_joined(case: Any) -> bool:
    """Is this an open danger to which no human has written since it became known?"""
    marks = case.state["marks"]
    return (
        case.level in ("R1", "R2")
        and case.status not in ("closed", "cancelled")
        and marks.get("joined", "") < marks.get("first_paged", "~")
    )


def faults(house: House, known: set[str]) -> list[str]:
    found = []
    for case in house.rows("case"):
        state, marks = case.state, case.state["marks"]
        danger = case.level in ("R1", "R2") and case.status not in ("closed", "cancelled")
        spoken = bool(state["holder"]) and "joined" in marks
        if danger and case.due_at is None and not spoken:
            found.append(f"nothing waits: {case.status} {marks}")
        for text in house.rows("message", case_id=case.id, direction="out"):
            if text.id in known or text.person is not None:
                continue
            known.add(text.id)
            keys = text.keys.split()
            asks = [key for key in keys if key.startswith("ask.")]
            if asks and danger and ("spoken" in marks):
                found.append(f"{asks} after a human's words")
            if "truth.nobody_yet" in keys and "spoken" in marks:
                found.append("a human has written, and they hear that none has")
            if {"truth.taken", "human.joined"} <= set(keys):
                found.append("said twice")
            if {"truth.nobody_yet", "human.joined"} <= set(keys):
                found.append("contradicts itself")
    return found


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_a_danger_has_a_clock_or_a_human_and_nothing_untrue_is_said(
    house: House, seed: int
) -> None:
    player, known = Player(house, seed), set[str]()
    for _ in range(STEPS):
        player.plays()
        assert not (found := faults(house, known)), "\n".join([*found, *player.done])
