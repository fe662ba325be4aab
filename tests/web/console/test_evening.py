"""A seeded evening at the desk: forty residents, three dispatchers who act at random and
concurrently, and time that passes. Invariants are checked after each act."""

from __future__ import annotations

import random
import re
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from staff import Account, Browser, sessions

from caller_service.casework import desk
from caller_service.core.case import DANGER_OUTCOMES, Case
from caller_service.core.holding import MOST_HELD
from caller_service.core.roles import Role, may
from caller_service.web.console.deeds import DEEDS

if TYPE_CHECKING:
    from conftest import House

NAMES = ("Dana Ruiz", "Maria Sol", "Lee Park")
FIRST = (
    "i took all my pills goodbye", "he has a gun and wants to kill me", "me quiero morir",
    "my brother shouts", "hello", "mi hermano no duerme",
)  # fmt: skip
FORMS = {
    "take": [{}, {"minutes": "20"}], "status": [{"status": "en_route"}, {"status": "arrived"}],
    "raise": [{"level": "R1", "reason": "I hear it"}], "lower": [{"reason": "With a doctor"}],
    "place": [{"place": "Main St and 3rd Ave"}], "callback": [{"minutes": "10"}],
    "answer": [{"question": "suicide", "choice": "no"}, {"question": "health", "choice": "yes"}],
    "hand_over": [{"to": "Shift supervisor"}], "decline": [{"reason": "On the phone"}],
    "contact": [{"choice": "text", "reason": "They called"}, {"choice": "unsafe"}],
    "lift": [{"reason": "They are alone"}], "words": [{"words": "I am here. Are you alone?"}],
    "close": [
        {"outcome": "emergency_help_confirmed", "police": "no"},
        {"outcome": "resolved", "police": "no"},
    ],
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2])
def test_an_evening_keeps_its_promises_whatever_three_dispatchers_do(
    house: House, seed: int
) -> None:
    """Every open case is in one band, nobody takes a fourth danger (but a case they have may become
    one), an act that is not carried out says so, a danger ends only with an outcome that says how
    the person is, and every act has a name."""
    chance = random.Random(seed)
    staff = [
        (Account(house, name, Role.DISPATCHER), Browser(house, f"203.0.113.{place}"))
        for place, name in enumerate(NAMES, 10)
    ]
    for account, browser in staff:
        browser.signs_in(account)
    teams = [{"team": team.id} for team in house.parts.program.teams]
    residents = [house.resident(f"+1720555{2000 + number}") for number in range(40)]
    for me in residents:
        me.pace = 0.5
        me.texts(chance.choice(FIRST))
    theirs = [name for name, deed in DEEDS.items() if may(Role.DISPATCHER, deed.act)]
    outcomes: Counter[int] = Counter()

    for turn in range(80):
        account, browser = chance.choice(staff)
        every = _queue(house, account)
        if not every:
            break
        case = chance.choice(every)
        deed = chance.choice([*theirs, "take", "words", "words", "assign", "close"])
        page = browser.get(f"/console/cases/{case.id}")
        assert page.status_code == 200, deed
        seen = re.search(r'name="seen" value="([^"]*)"', page.text)
        if chance.random() < 0.2:  # another was faster
            other = chance.choice([one for _, one in staff if one is not browser])
            other.get(f"/console/cases/{case.id}")
            other.post(f"/console/cases/{case.id}/words", words="I read this.")
        form = chance.choice(teams if deed == "assign" else FORMS.get(deed, [{}]))
        answer = browser.post(
            f"/console/cases/{case.id}/{deed}", **form, seen=seen[1] if seen else ""
        )
        outcomes[answer.status_code] += 1
        assert answer.status_code in (303, 409, 422), (deed, answer.text)
        before, after = _held(every, account.name), _held(_queue(house, account), account.name)
        # one more only where nobody has it and nobody else would come (rule 21), or where what
        # they have turns into a danger
        alone = case.in_charge in ("", account.name) or case.page_waits
        assert len(after) <= MOST_HELD or case.id not in after - before or alone, deed
        if answer.status_code != 303:
            assert "Nothing was done." in answer.text, deed
        if turn % 4 == 0:
            chance.choice(residents).texts(chance.choice(("1", "2", "please hurry", "ok", "STOP")))
        if turn % 20 == 0:
            house.settles().wait(chance.choice((5, 40, 90)))
            house.sweeps()

    assert outcomes[303] > 20, outcomes
    assert outcomes[409] > 10, outcomes
    ended = [row for row in house.rows("case") if row.closed_at and row.level in ("R1", "R2")]
    assert {row.outcome for row in ended} <= DANGER_OUTCOMES
    notes = Counter(row.who for row in house.rows("journal", event="note"))
    assert notes and set(notes) <= set(NAMES)


def _queue(house: House, who: Account) -> list[Case]:
    """The queue: every open case, each in one band."""
    shown = desk.read_queue(house.parts, sessions(house, who)[0])
    every = [one.case for band in shown.bands.values() for one in band]
    still_open = [row.id for row in house.rows("case", closed_at=None) if not row.test]
    assert Counter(case.id for case in every) == Counter(still_open)
    return every


def _held(every: list[Case], name: str) -> set[str]:
    """The dangers that somebody has."""
    return {case.id for case in every if case.in_danger and case.in_charge == name}
