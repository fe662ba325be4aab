"""The unserved ledger: whatever happens, every case is in exactly one class, and every case without
help has exactly one reason."""

from __future__ import annotations

import ast
import dataclasses
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa
from caller import Caller
from click.testing import CliRunner, Result
from conftest import ME, MONDAY_NOON, House
from conversation import NIGHT, OPEN, PROGRAM, Resident
from form_page import Browser, asks_for_a_team

import caller_service
from caller_service.commands import ledger_report, operations
from caller_service.commands import main as cli
from caller_service.core.case import (
    DANGER_OUTCOMES,
    ENDED,
    OUTCOMES,
    CannotMove,
    Case,
    Channel,
    Status,
    Step,
    replace,
)
from caller_service.core.dispatch import Refused, accept, cannot_text, decline, update
from caller_service.core.ledger import (
    BY_911,
    NO_REQUEST,
    REASONS,
    SERVED,
    Entry,
    Unplaced,
    end,
    entry,
    place,
    tally,
)
from caller_service.core.marks import Mark
from caller_service.core.routing import Scene
from caller_service.store import ledger as counts
from caller_service.store.tables import case as cases

TEAM = ("adult", "no", "no", "no", "text_call", "team", "inside", "worried")
FULL = frozenset(area.id for area in PROGRAM.areas)
# only the teams that do not work at night
BY_DAY = dataclasses.replace(PROGRAM, teams=tuple(team for team in PROGRAM.teams if team.hours))


def stands(case: Case) -> Entry:
    """The case's entry, which must agree with its columns: one class, one reason, nothing stale."""
    found = entry(case)
    assert found == place(case.status.value, case.outcome, case.unserved)
    if found.kind == "open":
        assert not case.ended and not case.outcome
    if found.kind == "served":
        assert (case.outcome, case.unserved) == (found.of, ""), "a served case keeps no reason"
    if found.kind == "unserved":
        assert case.unserved == found.of and found.of in REASONS, (
            "the reason stands in its own column"
        )
    if found.kind == NO_REQUEST:
        assert case.unserved == ""
    assert case.ended == (found.kind != "open")
    assert not case.ended or not case.asked
    return found


# ---- the table of classes ------------------------------------------------------------------------


def test_every_outcome_of_an_ended_case_stands_in_one_class_and_with_no_outcome_in_none() -> None:
    for status in ENDED:
        for outcome in OUTCOMES:
            for reason in ("", *REASONS):
                found = place(status, outcome, reason)
                if outcome == "unserved" and not reason:
                    assert found is None
                else:
                    assert found is not None and found.kind in ("served", "unserved", NO_REQUEST)
        assert place(status, "", "") is None and place(status, "", "closed") is None
    assert all(place(status, "", "") == Entry("open") for status in set(Status) - ENDED)
    assert place("x", "", "") is None


def test_every_outcome_staff_may_give_is_known_to_the_ledger() -> None:
    assert set(SERVED) <= OUTCOMES and {NO_REQUEST, "unserved"} <= OUTCOMES
    assert {place("closed", outcome, "").kind for outcome in DANGER_OUTCOMES - {"lost"}} == {
        "served"
    }  # type: ignore[union-attr]
    assert place("closed", "lost", "") == Entry("unserved", "unreachable")


def test_an_ended_case_without_outcome_or_reason_is_refused_by_reference_only() -> None:
    person = Resident().texts("hi")
    with pytest.raises(Unplaced, match=rf"^{person.case.reference}$"):
        entry(replace(person.case, status=Status.CLOSED))
    for outcome, reason in (("", ""), ("fine", ""), ("unserved", "rain")):
        with pytest.raises(ValueError):
            end(person.case, Status.CLOSED, outcome, OPEN, reason)
    with pytest.raises(ValueError):
        end(person.case, Status.ACCEPTED, "resolved", OPEN)


def test_in_core_a_case_is_ended_in_one_place_only() -> None:
    """Code that sets an outcome anywhere else could leave out the reason."""
    for path in (Path(caller_service.__file__).parent / "core").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                path.name != "ledger.py"
                and isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
            ):
                named = {keyword.arg for keyword in node.keywords}
                assert node.func.id != "replace" or "outcome" not in named, (
                    f"{path.name}:{node.lineno}"
                )
                to = (
                    ast.unparse(node.args[1])
                    if node.func.id == "move" and len(node.args) > 1
                    else ""
                )
                assert to not in ("Status.CLOSED", "Status.CANCELLED"), f"{path.name}:{node.lineno}"


# ---- whatever dispatch and timers do (every path: test_promises.py) ------------------------------


def test_unsafe_and_unwanted_are_told_apart() -> None:
    row = ("me", "no", "no", "no")
    unsafe = Resident().texts("hi").answers(*row, "unsafe", "counselor").case
    unwanted = Resident().texts("hi").answers(*row, "unwanted", "counselor").case
    assert (stands(unsafe), stands(unwanted)) == (
        Entry("unserved", "unsafe_to_contact"),
        Entry("unserved", "unwanted"),
    )


Does = tuple[str, Any]


def _staff() -> Iterator[Does]:
    """Everything dispatch can do to a case."""
    yield "accept", lambda case, scene: accept(case, "Sam", None, scene)
    yield (
        "accept in 20",
        lambda case, scene: accept(case, "Sam", scene.now + timedelta(minutes=20), scene),
    )
    yield "decline", lambda case, scene: decline(case, "Sam", "not today", scene)
    yield "cannot text", lambda case, scene: cannot_text(case, "undelivered")
    for to in (
        Status.ASSIGNED,
        Status.EN_ROUTE,
        Status.ARRIVED,
        Status.UNREACHABLE,
        Status.CANCELLED,
    ):
        yield to.value, lambda case, scene, to=to: update(case, to, "Sam", "", scene)
    for outcome in sorted({*OUTCOMES, "", "nonsense"}):
        yield (
            f"closed {outcome}",
            lambda case, scene, outcome=outcome: update(case, Status.CLOSED, "Sam", outcome, scene),
        )
        yield (
            f"cancelled {outcome}",
            lambda case, scene, outcome=outcome: update(
                case, Status.CANCELLED, "Sam", outcome, scene
            ),
        )
    for reason in (*REASONS, "the van broke down"):
        yield (
            f"unserved {reason}",
            lambda case, scene, reason=reason: update(
                case, Status.CLOSED, "Sam", "unserved", scene, reason
            ),
        )


STAFF = tuple(_staff())
RESIDENT = ("never mind", "0", "STOP", "911", "hello again, is somebody there", "2", "1")
STARTS: dict[str, tuple[datetime, frozenset[str], tuple[str, ...]]] = {
    "nothing": (OPEN, frozenset(), ()),
    "half way": (OPEN, frozenset(), ("adult", "no")),
    "team": (OPEN, frozenset(), (*TEAM, "wait")),
    "full, waits": (OPEN, FULL, (*TEAM, "wait")),
    "full, counselor": (OPEN, FULL, (*TEAM, "counselor", "no")),
    "full, 911": (OPEN, FULL, (*TEAM, "call_911")),
    "night, waits": (NIGHT, frozenset(), (*TEAM, "wait")),
    "outside, waits": (OPEN, frozenset(), (*TEAM[:6], "outside", *TEAM[7:], "wait")),
    "near the edge": (OPEN, frozenset(), (*TEAM[:6], "near_edge", *TEAM[7:], "wait")),
    "counselor": (OPEN, frozenset(), ("me", "no", "no", "no", "text", "counselor")),
    "counselor, unwanted, a child": (
        OPEN,
        frozenset(),
        ("child", "no", "no", "no", "unwanted", "counselor"),
    ),
    "counselor, unsafe, a child": (
        OPEN,
        frozenset(),
        ("child", "no", "no", "no", "unsafe", "counselor"),
    ),
    "information, a child": (OPEN, frozenset(), ("child", "no", "no", "no", "text", "information")),
    "911": (OPEN, frozenset(), ("me", "no", "no", "no", "text", "call_911")),
    "danger": (OPEN, frozenset(), ("me", "yes", "text", "inside")),
}


def _started(start: str) -> Resident:
    now, full, answers = STARTS[start]
    program = BY_DAY if start.startswith("night") else PROGRAM
    return Resident(now=now, full=full, program=program).texts("hi").answers(*answers)


def _if_it_may(decide: Any) -> Any:
    def decided(case: Case, scene: Scene) -> Step:
        try:
            return decide(case, scene)  # type: ignore[no-any-return]
        except (Refused, CannotMove):
            return Step(case)

    return decided


def _copy(person: Resident, case: Case, now: datetime) -> Resident:
    other = Resident(person.language, now, person.program, person.full)
    other.case = case
    return other


def _alike(case: Case) -> tuple[object, ...]:
    """Whatever could matter to the ledger."""
    seen = ("told_911", "reached_asked", "late_paged")
    return (
        case.status, case.unserved, case.response, case.in_danger, case.page_waits, case.asked,
        case.cannot_text, case.review, case.accepted_by, Mark.PROMISED in case.marks,
        tuple(name in case.marks for name in seen),
    )  # fmt: skip


@pytest.mark.parametrize("start", STARTS)
def test_whatever_dispatch_does_in_whatever_order_a_case_stands_in_one_class(start: str) -> None:
    """Every act in every state that acts can lead to; of states that are alike for the ledger only
    one is followed further."""
    first = _started(start)
    waiting, seen, ended = [(first.case, first.now)], {_alike(first.case)}, Counter[str]()
    while waiting:
        case, now = waiting.pop()
        for name, decide in STAFF:
            person = _copy(first, case, now + timedelta(minutes=1)).staff(_if_it_may(decide))
            found = stands(person.case)
            ended[found.kind] += 1
            if name.startswith("unserved ") and person.case.ended:
                said = name.removeprefix("unserved ")
                assert said not in REASONS or found.of == said, (
                    "a reason that staff name by its code is the reason"
                )
            if not person.case.ended and (alike := _alike(person.case)) not in seen:
                seen.add(alike)
                waiting.append((person.case, person.now))
    assert ended["served"] and ended["unserved"] and ended["open"]


@pytest.mark.parametrize("start", STARTS)
def test_whatever_resident_clock_and_dispatch_do_a_case_stands_in_one_class(start: str) -> None:
    """Random walks, the same in every run; after an end the next text begins a new case."""
    ended: Counter[str] = Counter()
    for seed in range(5):
        draw = Random(f"{start} {seed}")
        person = _started(start)
        for _ in range(14):
            match draw.randrange(3):
                case 0:
                    person.texts(draw.choice(RESIDENT))
                case 1:
                    person.waits(minutes=draw.choice((1, 11, 45, 60 * 26)))
                case _:
                    person.staff(_if_it_may(draw.choice(STAFF)[1]))
            ended[stands(person.case).kind] += 1
    assert len(ended) >= 3


# ---- paths that once left a case in no class, or in two ------------------------------------------


def _closes(outcome: str, reason: str = "") -> Any:
    return lambda case, scene: update(case, Status.CLOSED, "Sam", outcome, scene, reason)


def test_blocked_and_then_served_keeps_no_reason() -> None:
    waits = _started("full, waits")
    assert (entry(waits.case), waits.case.unserved) == (Entry("open"), "no_capacity")

    moved = _copy(waits, waits.case, waits.now).staff(
        lambda case, scene: update(case, Status.EN_ROUTE, "Sam", "", scene)
    )
    assert moved.case.unserved == "", "it moves: it no longer waits for room"
    straight = _copy(waits, waits.case, waits.now).staff(_closes("resolved"))
    assert stands(straight.case) == Entry("served", "resolved")
    accepted = (
        _copy(waits, waits.case, waits.now).staff(STAFF[0][1]).staff(_closes("taken_to_care"))
    )
    assert stands(accepted.case) == Entry("served", "taken_to_care")


def test_closed_as_unserved_without_a_word_why_has_the_reason_that_is_known() -> None:
    by_start = {
        "team": "no_capacity",
        "full, waits": "no_capacity",
        "night, waits": "closed",
        "outside, waits": "out_of_area",
        "counselor, unwanted, a child": "unwanted",
        "counselor, unsafe, a child": "unsafe_to_contact",
    }
    assert by_start == {
        start: stands(_started(start).staff(_closes("unserved")).case).of for start in by_start
    }

    accepted = {
        start: _started(start).staff(STAFF[0][1]).staff(_closes("unserved")) for start in by_start
    }
    assert {start: reason for start, reason in by_start.items() if start != "night, waits"} == {
        start: stands(person.case).of
        for start, person in accepted.items()
        if start != "night, waits"
    }

    away = _started("full, waits").staff(
        lambda case, scene: update(case, Status.UNREACHABLE, "Sam", "", scene)
    )
    assert stands(away.staff(_closes("unserved")).case) == Entry("unserved", "unreachable")
    mute = (
        _started("counselor")
        .staff(lambda case, scene: cannot_text(case, "undelivered"))
        .staff(_closes("unserved"))
    )
    assert stands(mute.case) == Entry("unserved", "technical")


def test_staff_who_cancel_leave_a_reason_and_cannot_cancel_danger() -> None:
    cancelled = _started("team").staff(
        lambda case, scene: update(case, Status.CANCELLED, "Sam", "resolved", scene)
    )
    assert stands(cancelled.case) == Entry("unserved", "cancelled")
    with pytest.raises(Refused, match="outcome_needed"):
        _started("danger").staff(
            lambda case, scene: update(case, Status.CANCELLED, "Sam", "", scene)
        )


def test_lost_is_unreachable() -> None:
    assert stands(_started("danger").staff(_closes("lost")).case) == Entry(
        "unserved", "unreachable"
    )


def test_reaching_911_after_all_is_help_shown_apart() -> None:
    person = _started("911").staff(
        lambda case, scene: update(case, Status.CLOSED, "Sam", BY_911, scene)
    )
    assert stands(person.case) == Entry("served", BY_911)


def test_a_stray_word_is_no_request_and_whoever_said_more_abandoned_one() -> None:
    for said in ("hi", "hola", "👍"):
        assert stands(Resident().texts(said).waits(hours=30).case) == Entry(NO_REQUEST), said
    for more in (("i need somebody",), ("hi", "hmm"), ("hi", "1")):
        assert stands(Resident().texts(*more).waits(hours=30).case) == Entry(
            "unserved", "abandoned"
        ), more
    assert stands(Resident().texts("STATUS").case) == Entry(NO_REQUEST)


# ---- reconciling ---------------------------------------------------------------------------------


def test_requests_are_served_and_each_reason_and_open_to_zero_difference() -> None:
    told = tally(
        [
            ("closed", "resolved", "", 4),
            ("closed", BY_911, "", 2),
            ("open", "", "closed", 3),
            ("closed", NO_REQUEST, "", 5),
        ]
        + [("closed", "unserved", reason, 1) for reason in REASONS]
    )
    assert (told.cases, told.requests, told.open, told.no_request, told.difference) == (
        23,
        18,
        3,
        5,
        0,
    )
    assert (
        told.served["resolved"] == 4
        and told.served[BY_911] == 2
        and set(told.unserved.values()) == {1}
    )


def test_what_stands_in_no_class_is_the_difference() -> None:
    told = tally([("closed", "", "", 2), ("closed", "unserved", "", 1), ("closed", "safe", "", 1)])
    assert told.difference == 3 and dict(told.unplaced) == {
        ("closed", "", ""): 2,
        ("closed", "unserved", ""): 1,
    }


# ---- stored and counted --------------------------------------------------------------------------


def _ledger(house: House, monkeypatch: pytest.MonkeyPatch, *words: str) -> Result:
    """Run the command on this test's database."""
    monkeypatch.setattr(operations, "parts_now", lambda: house.parts)
    return CliRunner().invoke(cli.main, ["ledger", *words])


def _a_day(house: House) -> None:
    """One case of each type that texts alone can produce, and some that dispatch ended."""
    house.resident("+17205550111").texts("STATUS")
    house.resident("+17205550112").wants_a_team().texts("never mind")
    served = house.resident("+17205550113").wants_a_team()
    unserved = house.resident("+17205550114").wants_a_team()
    house.resident("+17205550115").texts("my brother is seeing things and shouting")
    for person, outcome in ((served, "resolved"), (unserved, "unserved")):
        closed = {"status": "closed", "by": "Maria", "outcome": outcome, "reason": "no van"}
        assert house.dispatch(f"/{person.case().id}/status", closed).status_code == 200


def test_the_command_reconciles_what_was_lived_through(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    _a_day(house)
    ended = _ledger(house, monkeypatch)

    assert ended.exit_code == 0, ended.output
    said = {
        " ".join(line.split()[:-1]): line.split()[-1] for line in ended.stdout.splitlines() if line
    }
    wanted = {
        "requests": "4",
        "still open": "1",
        "served": "1",
        "resolved": "1",
        "unserved": "2",
        "cancelled": "1",
        "no_capacity": "1",
    }
    assert {name: said[name] for name in wanted} == wanted
    assert (
        said["not requests (no_request)"] == "1" and ended.stdout.splitlines()[-1] == "difference 0"
    )
    assert "program's own staff" in ended.stdout and set(REASONS) | set(SERVED) - {BY_911} <= set(
        said
    )


def test_a_machine_reads_the_same(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    _a_day(house)
    told = json.loads(_ledger(house, monkeypatch, "--json").stdout)

    assert (
        told["requests"],
        told["open"],
        told["no_request"],
        told["difference"],
        told["unplaced"],
    ) == (4, 1, 1, 0, [])
    assert told["requests"] == told["open"] + sum(told["served"].values()) + sum(
        told["unserved"].values()
    )
    assert sum(group["cases"] for group in told["groups"]) == 5
    assert {group["area"] for group in told["groups"]} == {"", "central"}


def test_each_request_began_by_text_by_phone_or_on_the_web(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request stored by an older release names no channel: at that time there were only texts."""
    house.resident("+17205550111").texts("STATUS")  # no request
    older = house.resident("+17205550112").wants_a_team().case()
    house.resident("+17205550113").wants_a_team()
    Caller(house, "+17205550114").rings().presses("1").presses("1")
    asks_for_a_team(Browser(house))
    with house.parts.engine.begin() as conn:
        state = {name: value for name, value in older.state.items() if name != "channel"}
        conn.execute(sa.update(cases).where(cases.c.id == older.id).values(state=state))

    told = json.loads(_ledger(house, monkeypatch, "--json").stdout)
    assert told["channels"] == {"text": 2, "phone": 1, "web": 1}
    assert sum(told["channels"].values()) == told["requests"]
    assert {group["channel"] for group in told["groups"]} == set(Channel)
    lines = [" ".join(line.split()) for line in _ledger(house, monkeypatch).stdout.splitlines()]
    assert {"requests, by where they began 4", "text 2", "phone 1", "web 1"} <= set(lines)


def test_police_there_are_counted_by_who_asked_and_whether_the_resident_knew(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every ended request is in one line, even if nothing was recorded; an incomplete record is
    refused."""
    recorded: tuple[dict[str, str], ...] = (
        {"police": "yes", "police_asked_by": "team", "police_told": "no"},
        {"police": "yes", "police_asked_by": "others", "police_told": "unknown"},
        {"police": "no"}, {"police": "unknown"}, {},
    )  # fmt: skip
    halves: tuple[dict[str, str], ...] = (
        {"police": "yes"}, {"police": "no", "police_told": "yes"}, {"police_asked_by": "team"},
        {"police": "yes", "police_asked_by": "nobody", "police_told": "no"},
    )  # fmt: skip
    house.resident("+17205550130").wants_a_team()  # still open: not counted
    for place_, police in enumerate(recorded):
        person = house.resident(f"+1720555014{place_}").wants_a_team()
        end_ = {"status": "closed", "by": "Maria", "outcome": "taken_to_care"}
        for half in halves:
            refused = house.dispatch(f"/{person.case().id}/status", end_ | half)
            assert refused.status_code == 422, half
        assert house.dispatch(f"/{person.case().id}/status", end_ | police).status_code == 200

    # what was missing is recorded later, and counts as corrected
    late = {"by": "Maria", "reason": "The report came", "police": "no"}
    assert house.dispatch(f"/{person.case().id}/police", late).status_code == 200
    assert house.dispatch(f"/{person.case().id}/police", late).status_code == 200

    told = json.loads(_ledger(house, monkeypatch, "--json").stdout)
    assert told["police"] == {
        "there": 2, "not_there": 2, "unknown": 1, "not_recorded": 0, "corrected": 1,
        "asked_by": {"team": 1, "staff": 0, "resident": 0, "others": 1, "unknown": 0},
        "told_before": {"yes": 0, "no": 1, "unknown": 1},
    }  # fmt: skip
    assert told["served"]["taken_to_care"] == 5
    lines = [" ".join(line.split()) for line in _ledger(house, monkeypatch).stdout.splitlines()]
    wanted = {
        "ended requests, by police 5", "police were there 2", "asked for by: team 1",
        "resident told before: no 1", "police were not there 2", "nobody knows 1", "not recorded 0",
        "of these, corrected later 1",
    }  # fmt: skip
    assert wanted <= set(lines)


def test_a_channel_that_is_none_is_counted_and_not_repeated(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    (row,) = [house.resident(ME).wants_a_team().case()]
    with house.parts.engine.begin() as conn:
        state = row.state | {"channel": "words of somebody"}
        conn.execute(sa.update(cases).where(cases.c.id == row.id).values(state=state))
    ended = _ledger(house, monkeypatch, "--json")
    assert "words of somebody" not in ended.output
    assert sum(json.loads(ended.stdout)["channels"].values()) == 1


def test_days_are_the_programs_own_from_is_counted_and_until_is_not(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In winter a day of the rehearsal city begins at 07:00 UTC."""
    house.clock.at = datetime(2026, 11, 24, 6, 59, 30, tzinfo=UTC)
    house.resident("+17205550111").texts("hello")  # 23:59:40 on Monday
    house.resident("+17205550112").texts("hello")
    house.resident("+17205550113").texts("hello")  # 00:00:00 on Tuesday

    def many(*words: str) -> int:
        return int(json.loads(_ledger(house, monkeypatch, "--json", *words).stdout)["requests"])

    assert many() == 3
    assert (
        many("--from", "2026-11-23", "--until", "2026-11-24"),
        many("--from", "2026-11-24"),
    ) == (2, 1)
    assert (
        many("--until", "2026-11-23"),
        many("--from", "2026-11-24", "--until", "2026-11-25"),
    ) == (0, 1)


def test_what_cannot_be_placed_is_named_by_reference_with_exit_code_one(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    _a_day(house)
    lost = house.resident("+17205550113").case()
    with house.parts.engine.begin() as conn:
        conn.execute(
            sa.text("UPDATE \"case\" SET outcome = 'words of somebody' WHERE id = :id"),
            {"id": lost.id},
        )
    for words in ((), ("--json",)):
        ended = _ledger(house, monkeypatch, *words)
        assert (
            ended.exit_code == 1
            and lost.reference in ended.stderr
            and "words of somebody" not in ended.output
        )
    assert _ledger(house, monkeypatch).stdout.splitlines()[-1] == "difference 1"
    assert "status closed, outcome (not a code), unserved none: 1" in ended.stderr


def test_every_fault_of_the_days_is_said_at_once_and_not_repeated(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = _ledger(house, monkeypatch, "--from", "yesterday", "--until", "2026-13-01")
    assert (
        ended.exit_code == 1
        and "--from: not a day" in ended.stderr
        and "--until: not a day" in ended.stderr
    )
    assert "yesterday" not in ended.output and ended.stdout == ""
    ended = _ledger(house, monkeypatch, "--from", "2026-11-24", "--until", "2026-11-24")
    assert ended.exit_code == 1 and "must come after" in ended.stderr


def test_an_empty_database_reconciles(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = _ledger(house, monkeypatch)
    assert ended.exit_code == 0 and ended.stdout.splitlines()[-1] == "difference 0"


def test_a_day_beyond_all_calendars_is_a_fault_not_a_crash() -> None:
    assert ledger_report.period("0001-01-01", None, "Asia/Tokyo")[1] == [
        "--from: not a day; write it as 2026-11-23"
    ]


def test_thousands_of_cases_are_counted_in_the_database_and_nothing_is_opened(house: House) -> None:
    """One statement, with a row for each group: `caller-service bench` measures how long it takes
    for 100,000 cases."""
    many = 3_000
    house.resident(ME).texts("hello")
    (row,) = house.rows("case")
    ended = {
        "status": "closed",
        "outcome": "resolved",
        "closed_at": row.opened_at,
        "due_at": None,
        "sealed_narrative": b"cannot be opened",
    }
    with house.parts.engine.begin() as conn:
        conn.execute(
            sa.insert(cases),
            [row._asdict() | ended | {"id": f"x{n}", "reference": f"X{n}"} for n in range(many)],
        )
    asked: list[str] = []

    def statement(_conn: Any, _cursor: Any, said: str, *_: Any) -> None:
        asked.append(said)

    sa.event.listen(house.parts.engine, "after_cursor_execute", statement)
    try:
        with house.parts.engine.connect() as conn:
            groups = counts.counted(
                conn, MONDAY_NOON - timedelta(days=1), MONDAY_NOON + timedelta(days=1)
            )
    finally:
        sa.event.remove(house.parts.engine, "after_cursor_execute", statement)

    assert len(asked) == 1
    assert sorted(group.cases for group in groups) == [1, many]
