"""The action bar: one main act for each stage, at most three beside it, and every act can be
reached."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product

import pytest

from caller_service.core.case import Case, Status, replace
from caller_service.core.desk import Stage
from caller_service.core.marks import Mark
from caller_service.core.protocol import Level
from caller_service.core.said import Said
from caller_service.web.console.action_bar import BAR, BUTTONS, bar_of
from caller_service.web.console.deeds import DEEDS

# the field to write in, the questions that are still open, the line of the PSAP
ELSEWHERE = {"words", "answer", "psap"}
AFTER = {"correct", "erase", "hold", "release"}  # once it has ended
MINOR = {"who": "me_minor"}


def case(**more: object) -> Case:
    marks = {Mark.OPENED: datetime(2026, 11, 23, tzinfo=UTC)}
    whole = {"level": Level.R2, "review": True, "parked": True, "answers": MINOR} | more
    said = frozenset({Said.WATCHED})
    return Case("1", "K7M4Q2", "c", "en", Status.ACCEPTED, said=said, marks=marks, **whole)  # type: ignore[arg-type]


@pytest.mark.parametrize(("stage", "mine"), [*product(Stage, (True, False))])
def test_one_main_act_at_most_three_beside_it_and_everything_else_under_more(
    stage: Stage, mine: bool
) -> None:
    bar = bar_of(case(accepted_by="Dana"), stage, "Dana" if mine else "Maria")

    assert len(bar.bar) <= 4
    assert [button.main for button in bar.bar] == [place == 0 for place in range(len(bar.bar))]
    offered = [*bar.bar, *bar.more, *([bar.close] if bar.close else [])]
    if stage == Stage.ENDED:
        assert [button.deed for button in offered] == ["correct", "erase", "hold"]
        held = bar_of(case(legal_hold="Sam"), stage, "Dana")
        assert [button.deed for button in held.more] == ["correct", "erase", "release"]
        return
    deeds = [button.deed for button in offered if button.deed and button.words != "Take it"]
    assert len(deeds) == len(set(deeds)), "no act twice"
    keys = [button.key for button in offered if button.key]
    assert len(keys) == len(set(keys))
    assert not any(button.key for button in bar.more), "a key acts on what can be seen"
    # acts of whoever has the case, or of everybody else; a case that is taken cannot be taken
    not_now = {"take_over"} if mine else {"hand_over", "ask_to_take", "pause", "give_back"}
    not_now |= {"take"} - {button.deed for button in bar.bar}
    missing = set(DEEDS) - ELSEWHERE - AFTER - not_now - {button.deed for button in offered}
    assert not missing


def test_every_deed_has_a_button_or_its_own_place() -> None:
    assert {button.deed for button in BUTTONS.values()} - {""} == set(DEEDS) - ELSEWHERE
    assert set(BAR) == set(Stage)


def test_who_is_asked_to_take_it_over_may_take_or_decline_first() -> None:
    marks = {Mark.OPENED: datetime(2026, 11, 23, tzinfo=UTC)}
    asked = replace(
        case(accepted_by="Dana"), handover_to="Maria", handover_by="Dana",
        marks=marks | {Mark.HANDOVER_ASKED: marks[Mark.OPENED]},
    )  # fmt: skip

    bar = bar_of(asked, Stage.LIVE_DANGER, "Maria")

    assert [button.deed for button in bar.bar] == ["take", "take", "decline"]
    assert {"assign", "call_911", "lower"} <= {button.deed for button in bar.more}
    assert bar_of(asked, Stage.LIVE_DANGER, "Dana").bar[0].deed == "assign"
