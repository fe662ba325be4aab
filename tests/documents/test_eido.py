"""The EIDO we send (NENA-STA-021.1b): valid, whatever was answered, and never with a word about
police; and the reports that units send back."""

from __future__ import annotations

import copy
import json
import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import product
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import jsonschema
import pytest
from conversation import OPEN, PROGRAM
from conversation import Resident as Person
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook
from test_promises_clocks import in_danger, takes, waiting_for_a_team

from caller_service.casework.outbound.deliver import PAUSES, deliver
from caller_service.core.case import DANGER_OUTCOMES, Case, Status, from_plain, to_plain
from caller_service.core.dispatch import UNIT_STATUSES, Refused, unit_status
from caller_service.core.disposition import reconsider
from caller_service.core.effect import HandOff, Page, Record, Say
from caller_service.core.hand_off import digest, number_condition, packet
from caller_service.core.marks import Mark
from caller_service.core.program import Destination
from caller_service.core.protocol import DOUBT, SKIPPED, UNREADABLE, Level
from caller_service.core.routing import Scene
from caller_service.documents import eido_registry
from caller_service.documents.eido import PRIORITIES, Issuer, document, tracking_id
from caller_service.documents.eido_schema import SCHEMA, faults, misshapen
from caller_service.documents.incident_type import ALLOWED, set_type
from caller_service.gateway.webhooks import WebhookClient

if TYPE_CHECKING:
    from conftest import House, Resident

NUMBER = "+17205550123"
TEAM = Issuer("care.example.org", "team.example.org")
FORBIDDEN = (
    "SUICTHRT",
    "SUICIDE",
    '"OD"',
    "EDP",
    "ALIEN",
    "Suspect",
    "PersonOfInterest",
    "psap",
    '"police"',
    "PatrolUnit",
)
ROW = [
    question
    for question in PROGRAM.protocol.questions
    if not question.follow_up and question.kind == "choice"
]
SCREENED = jsonschema.Draft202012Validator(SCHEMA)

words = st.text(min_size=1, max_size=40)
answered = st.fixed_dictionaries(
    {},
    optional={
        question.id: st.sampled_from(
            [*(choice.code for choice in question.choices), "unsure", SKIPPED, UNREADABLE]
        )
        for question in ROW
    },
)
moments = st.fixed_dictionaries(
    {"opened": st.just(OPEN)}, optional={"promised": st.just(OPEN + timedelta(minutes=20))}
)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A case as any conversation could leave it, and some that no conversation could."""
    case = Case(
        str(draw(st.uuids())),
        "K7M4Q2",
        "contact-1",
        draw(st.sampled_from([*PROGRAM.iso639_3, "zh-Hant", "xx"])),
        status=draw(st.sampled_from(list(Status))),
        answers=draw(answered),
        said=frozenset(
            draw(
                st.sets(
                    st.sampled_from(
                        [
                            "suicide",
                            "weapon",
                            "overdose",
                            "person",
                            "worse",
                            "watched",
                            "asked_to_cancel",
                        ]
                    )
                )
            )
        ),
        located=draw(
            st.sampled_from(
                ["", "inside", "outside", "not_live", "near_edge", "ambiguous", "unknown", SKIPPED]
            )
        ),
        place=draw(st.one_of(st.just(""), words)),
        point=draw(st.one_of(st.none(), st.tuples(st.floats(-180, 180), st.floats(-90, 90)))),
        response=draw(
            st.sampled_from(["", "human", "team", "counselor", "information", "call_911"])
        ),
        team=draw(st.sampled_from(["", "care-1"])),
        interpreter=draw(st.booleans()),
        cannot_text=draw(st.sampled_from(["", "stopped", "blocked", "landline"])),
        related=draw(st.sampled_from(["", "case-0"])),
        revision=draw(st.integers(1, 9)),
        narrative=tuple(draw(st.lists(words, max_size=3))),
        remarks=tuple(draw(st.lists(st.tuples(words, words), max_size=2))),
        marks=draw(moments),
    )
    return reconsider(PROGRAM.protocol, case)[0]


def told(case: Case, issuer: Issuer = TEAM) -> dict[str, Any]:
    return document(packet(case, PROGRAM, NUMBER), issuer, OPEN)


def codes(made: dict[str, Any]) -> str:
    """The document without the free text that people wrote."""
    bare = copy.deepcopy(made)
    del bare["notesComponent"]
    for place in bare.get("locationComponent", []):
        del place["locationByValue"]
        place.pop("locationDescriptionText", None)
    return json.dumps(bare)


# ---- the document --------------------------------------------------------------------------------
@pytest.mark.slow
@settings(max_examples=300)
@given(cases())
def test_whatever_was_answered_the_document_is_sound_and_asks_for_no_police(case: Case) -> None:
    made = told(case)

    assert faults(made) == ()
    assert SCREENED.is_valid(made)
    assert made == told(case), "the same again"
    assert json.loads(json.dumps(made)) == made
    assert [word for word in FORBIDDEN if word in codes(made)] == []
    assert made["incidentComponent"]["incidentTypeCommonRegistryText"] in ("MNTL", "CITASST")
    assert "No police requested." in made["notesComponent"][0]["notesActionComments"]
    for place in made.get("locationComponent", []):
        ElementTree.fromstring(place["locationByValue"])
    for note in made["notesComponent"]:
        assert re.findall("<[^>]*>", note["notesActionComments"]) == ["<p>", "</p>"], (
            "nobody's words become markup"
        )


@settings(max_examples=150)
@given(cases())
def test_a_number_goes_out_only_where_contact_was_called_safe(case: Case) -> None:
    made = json.dumps(told(case))

    safe = number_condition(case) is not None  # called safe, or in danger: for emergency services
    assert (f"tel:{NUMBER}" in made) == safe
    assert safe or NUMBER[2:] not in made


@pytest.mark.slow
def test_every_level_response_status_and_term_of_contact() -> None:
    """Exhaustive over the values that the document is made from."""
    contacts = ["text_call", "text", "text_deaf", "call", "unsafe", "unwanted", None, *DOUBT]
    responses = ["human", "team", "counselor", "information", "call_911", ""]
    for level, response, status, contact in product([*Level, None], responses, Status, contacts):
        answers = {"contact": contact} if contact else {}
        case = Case(
            "case-1",
            "K7M4Q2",
            "c",
            "es",
            status,
            answers=answers,
            level=level,
            response=response,
            revision=1,
        )
        made = told(case.marked(OPEN, Mark.OPENED))
        assert faults(made) == ()
        wanted = PRIORITIES[level.name] if level is not None else 6
        assert made["incidentComponent"]["incidentCommonPriorityNumber"] == wanted


def a_case(**told: Any) -> Case:
    plain: dict[str, Any] = {
        "answers": {"who": "adult", "need": "worried", "contact": "text"}, "response": "team",
        "level": Level.R4, "revision": 1,
    }  # fmt: skip
    return Case("018f-aa", "K7M4Q2", "c", "es", **(plain | told)).marked(OPEN, Mark.OPENED)


@pytest.mark.parametrize(
    ("known", "kind"),
    [
        ({"answers": {"need": "worried"}}, "CITASST"),
        ({"answers": {"need": "high"}, "because": ("drunk_or_high",)}, "CITASST"),
        ({"answers": {}, "because": ("weapon.yes", "violence.yes", "health.yes")}, "CITASST"),
        ({"answers": {}, "because": ("quiet",)}, "CITASST"),
        ({"answers": {"need": "upset"}}, "MNTL"),
        ({"answers": {}, "because": ("suicide.doubt",)}, "MNTL"),
        ({"answers": {}, "because": ("soon.yes",)}, "MNTL"),
        ({"answers": {}, "because": ("attempt.yes",)}, "MNTL"),
        ({"answers": {}, "because": ("upset_hears_or_sees",)}, "MNTL"),
    ],
)
def test_the_incident_is_mental_distress_only_where_that_was_told(
    known: dict[str, Any], kind: str
) -> None:
    assert told(a_case(**known))["incidentComponent"]["incidentTypeCommonRegistryText"] == kind


def test_priority_falls_with_the_level() -> None:
    assert sorted(PRIORITIES, key=lambda level: -PRIORITIES[level]) == sorted(PRIORITIES)


@pytest.mark.parametrize(
    ("known", "wanted"),
    [
        ({"language": "es", "team": "care-1", "interpreter": False}, []),
        (
            {"language": "es", "team": "care-1", "interpreter": True},
            ["SpanishCastilianInterpreter"],
        ),
        ({"language": "es", "team": ""}, ["SpanishCastilianInterpreter"]),
        ({"language": "en", "team": ""}, []),
        ({"language": "zh-Hant", "team": ""}, ["ChineseInterpreter"]),
        (
            {"language": "en", "answers": {"contact": "text_deaf"}, "team": "care-1"},
            ["SignLanguagesInterpreter"],
        ),
    ],
)
def test_an_interpreter_is_an_attribute_of_the_unit(
    known: dict[str, Any], wanted: list[str]
) -> None:
    attributes = told(replace(a_case(), **known))["emergencyResourceComponent"][0][
        "resourceAttributeRegistryText"
    ]
    assert attributes == ["CrisisInterventionSpecialist", *wanted]


def test_every_language_but_english_has_its_interpreter() -> None:
    assert set(PROGRAM.iso639_3.values()) - {"eng"} <= set(eido_registry.INTERPRETERS)


@pytest.mark.parametrize(
    ("status", "secondary"),
    [
        (Status.HANDED_OFF, []),
        (Status.ACCEPTED, ["AcknowledgedTransmission"]),
        (Status.ASSIGNED, ["Assigned"]),
        (Status.EN_ROUTE, ["EnRoute"]),
        (Status.ARRIVED, ["OnScene"]),
        (Status.DECLINED, ["AssignmentCancelled"]),
        (Status.CLOSED, ["Cleared"]),
    ],
)
def test_the_unit_stands_where_the_case_stands(status: Status, secondary: list[str]) -> None:
    assert (
        told(a_case(status=status))["emergencyResourceComponent"][0][
            "secondaryUnitStatusRegistryText"
        ]
        == secondary
    )


@pytest.mark.parametrize("response", ["counselor", "information", "call_911"])
def test_no_unit_is_named_for_who_wants_none(response: str) -> None:
    assert "emergencyResourceComponent" not in told(a_case(response=response))
    assert "emergencyResourceComponent" in told(
        a_case(response=response, status=Status.EN_ROUTE)
    ), "unless one is sent"


def test_words_of_people_stay_words_in_place_and_notes() -> None:
    case = replace(
        a_case(),
        place='5th & "Main" <b>\x00',
        point=(-105.0, 39.7),
        narrative=("<script>alert(1)</script> & \x0b",),
    )
    made = told(case)

    place = made["locationComponent"][0]
    tree = ElementTree.fromstring(place["locationByValue"])
    assert (
        tree.findtext(".//{urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr}LOC")
        == '5th & "Main" <b>'
    )
    assert tree.findtext(".//{http://www.opengis.net/gml}pos") == "39.7 -105.0", "latitude first"
    assert "<p>Self-reported, not translated: &lt;script&gt;alert(1)&lt;/script&gt; &amp; </p>" in [
        note["notesActionComments"] for note in made["notesComponent"]
    ]


def test_what_is_not_known_is_not_there() -> None:
    assert "locationComponent" not in told(a_case())
    assert "locationReference" not in told(a_case())["incidentComponent"]
    assert "linkComponent" not in told(a_case())
    assert "callbackComponent" not in told(a_case(answers={"contact": "unsafe"}))
    assert (
        "do not call"
        in told(a_case(answers={"contact": "unsafe"}))["notesComponent"][0]["notesActionComments"]
    )


def test_a_related_case_is_linked_by_the_id_its_own_document_has() -> None:
    assert told(a_case(related="018f-bb"))["linkComponent"][0][
        "incidentTrackingIdentifier"
    ] == tracking_id("018f-bb", TEAM)
    assert told(a_case())["$id"] == tracking_id("018f-aa", TEAM)


def test_who_asks_for_somebody_else_is_not_the_one_who_needs_help() -> None:
    other, self = told(a_case()), told(a_case(answers={"who": "me", "contact": "text"}))

    assert [one["personIncidentRoleRegistryText"] for one in other["personComponent"]] == [
        ["Caller", "ReportingParty"],
        ["InvolvedPerson"],
    ]
    assert [one["personIncidentRoleRegistryText"] for one in self["personComponent"]] == [
        ["Caller", "InvolvedPerson"]
    ]


def test_how_to_reach_them_goes_with_the_number() -> None:
    case = a_case(answers={"contact": "text_call", "voicemail": "yes"}, cannot_text="stopped")

    number = told(case)["callbackComponent"][0]["updatedCbn"]
    assert number["updatedCbnIdentifierUri"] == f"tel:{NUMBER}"
    assert (
        number["updatedCbnCallerDescription"]
        == "Text or call. A neutral voicemail is allowed. Texts do not reach them now."
    )


def test_the_same_moment_in_another_zone_is_the_same_document() -> None:
    made = packet(a_case(), PROGRAM, NUMBER)

    assert document(made, TEAM, OPEN) == document(
        made, TEAM, OPEN.astimezone(timezone(timedelta(hours=-7)))
    )
    assert told(a_case())["lastUpdateTimeStamp"] == "2026-11-23T18:00:00.000000+00:00"


# ---- the schema and its validator ----------------------------------------------------------------
FULL = told(
    replace(
        a_case(status=Status.EN_ROUTE, related="018f-bb", narrative=("hello",)),
        place="Main St",
        point=(-105.0, 39.7),
    ).marked(OPEN, Mark.PROMISED)
)


def spots(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    for key, inner in (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    ):
        yield from spots(inner, (*path, key))


def spoiled(path: tuple[Any, ...], value: Any) -> Any:
    made = copy.deepcopy(FULL)
    if not path:
        return value
    at: Any = made
    for key in path[:-1]:
        at = at[key]
    if value is ...:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return made


def test_the_example_has_every_part() -> None:
    assert set(FULL) == set(SCHEMA["properties"])
    assert faults(FULL) == ()


def test_the_schema_itself_is_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.slow
def test_the_reader_and_a_validator_for_all_of_json_schema_say_the_same() -> None:
    """Every position in a complete document, damaged in every way: both refuse it, or both accept
    it."""
    for path in spots(FULL):
        for value in (
            ...,
            None,
            "",
            "x",
            "police",
            11,
            -1,
            3,
            True,
            1.5,
            [],
            {},
            ["x"],
            {"$ref": "nothing"},
            "2026-11-23T18:00:00Z",
            "tel:911",
        ):
            if path or value is not ...:
                made = spoiled(path, value)
                assert SCREENED.is_valid(made) == (not list(misshapen(made, SCHEMA))), (
                    f"{path}: {value!r}"
                )


def test_a_field_that_is_not_named_is_refused_everywhere_and_not_quoted() -> None:
    for path in spots(FULL):
        made = copy.deepcopy(FULL)
        at: Any = made
        for key in path:
            at = at[key]
        if isinstance(at, dict):
            at["zebrafinch"] = "limekilnyard"
            assert faults(made) and not SCREENED.is_valid(made)
            assert "zebrafinch" not in str(faults(made))
            assert "limekilnyard" not in str(faults(made))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("incidentComponent", "incidentTypeCommonRegistryText"), "SUICTHRT"),
        (("incidentComponent", "incidentTypeCommonRegistryText"), "OD"),
        (("incidentComponent", "incidentTypeCommonRegistryText"), "EDP"),
        (("incidentComponent", "incidentTypeCommonRegistryText"), "ALIEN"),
        (("personComponent", 0, "personIncidentRoleRegistryText"), ["Suspect"]),
        (("agencyComponent", 0, "agencyType"), ["police"]),
        (("agencyComponent", 0, "agencyType"), ["psap"]),
        (
            ("emergencyResourceComponent", 0, "emergencyResourceTypeCommonRegistryText"),
            "PatrolUnit",
        ),
        (("incidentComponent", "personReference", 0, "$ref"), "nobody"),
        (("personComponent", 0, "$id"), FULL["personComponent"][1]["$id"]),
        (("callbackComponent", 0, "callBackInformationUri"), ["tel:911"]),
    ],
)
def test_what_must_never_be_said_is_a_fault(path: tuple[Any, ...], value: Any) -> None:
    assert faults(spoiled(path, value))
    assert str(value) not in str(faults(spoiled(path, value)))


@pytest.mark.parametrize("junk", [None, 7, "x", [], {}, [FULL], {"$id": []}])
def test_junk_is_a_fault_and_no_error(junk: Any) -> None:
    assert faults(junk)


# ---- what units report ---------------------------------------------------------------------------
def says(status: str, by: str = "Unit 7", outcome: str = "", reason: str = "") -> Any:
    return lambda case, scene: unit_status(case, status, by, outcome, scene, reason)


def said(effects: list[Any] | tuple[Any, ...]) -> list[str]:
    return [effect.key for effect in effects if isinstance(effect, Say)]


def test_a_unit_that_says_it_is_late_is_late_at_once_and_once() -> None:
    person = waiting_for_a_team().staff(takes("Sam", 20)).waits(minutes=2).staff(says("Delayed"))
    person.hears_of("status.late")

    assert person.waits(minutes=1).staff(says("Delayed")).said == ()
    assert person.staff(says("Delayed", reason="flat tyre")).said == (), (
        "a new reason is kept and not told twice"
    )
    assert person.case.remarks == (("Unit 7", "flat tyre"),)
    person.waits(minutes=1).staff(says("EnRoute")).hears_of("status.en_route")
    person.waits(minutes=1).staff(says("Delayed")).hears_of("status.late")


def test_what_was_told_of_a_delay_the_clock_does_not_tell_again_after_the_promised_time() -> None:
    person = (
        waiting_for_a_team()
        .staff(takes("Sam", 20))
        .waits(minutes=21)
        .staff(says("Delayed"))
        .waits(minutes=8)
    )

    assert "status.late" not in said(person.effects)


def test_who_is_in_danger_has_a_human_and_was_told_no_time() -> None:
    person = in_danger().staff(takes("Sam")).staff(says("Delayed"))

    assert person.said == ()


@pytest.mark.parametrize("status", UNIT_STATUSES)
def test_a_repeat_says_nothing_and_pages_nobody(status: str) -> None:
    person = (
        waiting_for_a_team().staff(takes("Sam", 20)).staff(says(status, "Sam", "resolved", "why"))
    )
    before = person.case

    person.staff(says(status, "Sam", "resolved", "why"))
    assert person.effects == ()
    assert person.case == before


def test_no_report_ever_takes_a_case_backwards() -> None:
    """Every order of any three reports, each possibly late or out of order: the case never goes
    back, except when it is cancelled."""
    rank = {
        Status.ACCEPTED: 0,
        Status.ASSIGNED: 1,
        Status.EN_ROUTE: 2,
        Status.ARRIVED: 3,
        Status.CLOSED: 4,
    }
    start = waiting_for_a_team().staff(takes("Sam", 20))
    for order in product(
        [status for status in UNIT_STATUSES if status != "AssignmentCancelled"], repeat=3
    ):
        case, now, arrivals = start.case, start.now, 0
        for status in order:
            now += timedelta(seconds=30)
            try:
                step = unit_status(case, status, "Unit 7", "resolved", Scene(PROGRAM, now))
            except Refused as refusal:
                assert refusal.code in ("cannot_move", "ended")
                continue
            assert rank[step.case.status] >= rank[case.status], order
            arrivals += said(step.effects).count("status.arrived")
            case = step.case
        assert arrivals <= 1, order


@pytest.mark.parametrize("outcome", ["", "resolved", "information"])
def test_a_free_unit_closes_no_danger(outcome: str) -> None:
    person = in_danger().staff(takes("Sam"))
    with pytest.raises(Refused, match="outcome_needed"):
        person.staff(says("Cleared", outcome=outcome))

    assert not person.case.ended


@pytest.mark.parametrize("outcome", sorted(DANGER_OUTCOMES))
def test_danger_closes_with_how_the_person_is(outcome: str) -> None:
    taken = in_danger().staff(takes("Sam"))
    if outcome == "passed_to_service":
        with pytest.raises(Refused, match="service_needed"):
            taken.staff(says("Cleared", outcome=outcome))

    ended = taken.staff(says("Cleared", outcome=outcome, reason="Bridge House"))

    assert ended.case.outcome == outcome


def test_a_free_unit_alone_does_not_say_how_the_person_is() -> None:
    person = waiting_for_a_team().staff(takes("Sam")).staff(says("OnScene"))
    with pytest.raises(Refused, match="outcome_needed"):
        person.staff(says("Cleared"))

    assert person.waits(hours=3).happened(Page), "the case is open, so somebody looks after it"


def test_a_unit_that_turns_back_is_told_whoever_had_accepted_and_the_next_is_asked() -> None:
    person = (
        waiting_for_a_team()
        .staff(takes("Sam", 20))
        .staff(says("EnRoute"))
        .staff(says("AssignmentCancelled", reason="flat tyre"))
    )

    person.hears_of("status.not_coming")
    assert person.case.status == Status.DECLINED
    assert person.happened(Page)
    assert person.case.remarks == (("Unit 7", "flat tyre"),)


def test_an_acceptance_is_not_cancelled_by_a_unit_nobody_sent() -> None:
    with pytest.raises(Refused) as refused:
        waiting_for_a_team().staff(takes("Sam", 20)).staff(
            says("AssignmentCancelled", reason="busy")
        )

    assert (refused.value.code, refused.value.name) == ("taken", "Sam")


@pytest.mark.parametrize("status", UNIT_STATUSES)
def test_an_ended_case_stays_ended(status: str) -> None:
    person = waiting_for_a_team().staff(takes("Sam")).staff(says("Cleared", outcome="resolved"))
    if status == "Cleared":
        assert person.staff(says(status)).effects == ()
        return
    with pytest.raises(Refused, match="ended"):
        person.staff(says(status, reason="why"))


def test_who_asked_for_somebody_else_hears_of_no_arrival() -> None:
    person = (
        Person()
        .texts("hi")
        .answers("adult", "no", "no", "no", "text", "team", "inside", "worried", "wait")
        .staff(takes("Sam"))
    )
    person.staff(says("EnRoute")).hears_of("status.other.coming")
    person.staff(says("PatientContact")).hears_of("status.other.finished")
    assert person.staff(says("Transporting")).said == ()


# ---- the type that a named human gives it --------------------------------------------------------
HUMANS = eido_registry.HUMAN_INCIDENT_TYPES


def calls_it(kind: str, by: str = "Maria", reason: str = "his sister told me on the phone") -> Any:
    return lambda case, scene: set_type(case, kind, by, reason)


def kind_of(case: Case) -> str:
    return str(told(case)["incidentComponent"]["incidentTypeCommonRegistryText"])


def test_no_type_that_a_human_may_set_asks_what_we_never_ask() -> None:
    registry = {
        "ALIEN",
        "EDP",
        "SUSP",
        "WEAPON",
        "ASSAULT",
        "DISORD",
        "WARRANT",
        "TRESPASS",
        "DRUGS",
        "PERSUSP",
        "THREATS",
        "FIGHT",
    }

    assert not registry & set(ALLOWED)
    assert not set(HUMANS) & set(eido_registry.INCIDENT_TYPES)


@settings(max_examples=100)
@given(cases(), st.sampled_from(ALLOWED), words.filter(str.strip))
def test_what_a_named_human_set_is_sound_and_the_same_without_a_name_is_not(
    case: Case, kind: str, by: str
) -> None:
    made = told(replace(case, incident_type=kind, typed_by=by))

    assert made["incidentComponent"]["incidentTypeCommonRegistryText"] == kind
    assert SCREENED.is_valid(made)
    assert faults(made, by) == ()
    assert bool(faults(made)) == bool(faults(made, " ")) == (kind in HUMANS)
    assert "No police requested." in made["notesComponent"][0]["notesActionComments"]


def test_a_humans_type_goes_out_once_with_their_name_and_their_reason_stays_sealed() -> None:
    person = waiting_for_a_team()
    before = person.case.revision
    person.staff(calls_it("WELFARE"))

    assert person.case.revision == before + 1
    assert kind_of(person.case) == "WELFARE"
    assert person.happened(HandOff)
    assert [one.detail for one in person.effects if isinstance(one, Record)] == [
        {"by": "Maria", "type": "WELFARE"}
    ]
    assert person.case.remarks == (("Maria", "his sister told me on the phone"),)
    assert person.said == (), "a resident hears nothing of codes"
    notes = " ".join(note["notesActionComments"] for note in told(person.case)["notesComponent"])
    assert "Incident type set by Maria." in notes
    assert "Maria: his sister told me on the phone" in notes
    assert person.staff(calls_it("WELFARE")).effects == (), "said twice, told once"


def test_what_a_human_set_stays_whatever_is_told_later_until_a_human_sets_it_back() -> None:
    person = waiting_for_a_team().staff(calls_it("SICK")).texts("he wants to kill himself")
    assert kind_of(person.case) == "SICK"

    person.staff(calls_it("CITASST", "Sam", "nobody is ill"))
    assert kind_of(person.case) == "CITASST"
    assert (
        "Incident type set by Sam." in told(person.case)["notesComponent"][0]["notesActionComments"]
    )


@pytest.mark.parametrize(
    ("kind", "by"),
    [("ALIEN", "Maria"), ("EDP", "Maria"), ("", "Maria"), ("WELFARE", ""), ("WELFARE", " ")],
)
def test_no_other_type_and_nobody_without_a_name(kind: str, by: str) -> None:
    with pytest.raises(ValueError, match="not a type"):
        waiting_for_a_team().staff(calls_it(kind, by))


def test_an_ended_case_keeps_its_type() -> None:
    person = waiting_for_a_team().staff(takes("Sam")).staff(says("Cleared", outcome="resolved"))
    with pytest.raises(Refused, match="ended"):
        person.staff(calls_it("WELFARE"))


def test_cases_and_packets_of_before_are_as_they_were() -> None:
    case = a_case()

    assert "incident_type" not in packet(case, PROGRAM, NUMBER), "software's own type is nobody's"
    assert digest(case) != digest(replace(case, incident_type="SICK", typed_by="Maria"))
    plain = {
        name: value
        for name, value in to_plain(case).items()
        if name not in ("incident_type", "typed_by")
    }
    assert from_plain(plain) == case


# ---- the endpoints -------------------------------------------------------------------------------
URL = "https://cad.team.example/eido"


def asks(house: House, path: str, told: dict[str, Any] | None = None, method: str = "") -> Any:
    way = method or ("GET" if told is None else "POST")
    return house.client.open(
        f"/EIDO/{path}", method=way, json=told, headers={"Authorization": f"Bearer {house.token}"}
    )


def reads_eido(house: House, name: str = "team-cad") -> House:
    """A program with an additional team that reads EIDO."""
    one = Destination(name, "eido", URL, "TEAM_CAD_SECRET", "team.example", "fire")
    program = replace(house.parts.program, destinations=(*house.parts.program.destinations, one))
    poster = house.parts.webhooks
    secret = poster.secrets["rehearsal-cad"]
    house.change(
        program=program,
        webhooks=WebhookClient({**poster.urls, name: URL}, {**poster.secrets, name: secret}),
    )
    return house


def test_a_hand_off_is_read_as_eido_and_the_reading_is_journaled(house: House) -> None:
    me = house.resident().wants_a_team()

    answer = asks(house, me.case().id)
    assert (answer.status_code, answer.content_type) == (200, "application/json")
    made = answer.get_json()
    jsonschema.validate(made, house.client.get("/api/v1/eido.v1.schema.json").get_json())
    assert faults(made) == ()
    assert made["agencyComponent"][0]["$id"] == "house.test"
    assert [
        line.who for line in house.rows("journal", case_id=me.case().id, event="read_eido")
    ] == ["cad"]
    assert made == asks(house, me.case().id).get_json()


def test_a_case_that_was_never_handed_off_or_is_not_known_is_not_there(house: House) -> None:
    me = house.resident().texts("hello")

    for path, told in (("unknown", None), (me.case().id, None)):
        answer = asks(house, path, told)
        assert (answer.status_code, answer.content_type) == (404, "application/problem+json")
        answer = asks(house, f"{path}/unit-status", {"status": "EnRoute", "by": "Unit 7"})
        assert (answer.status_code, answer.content_type) == (404, "application/problem+json")
    assert house.rows("journal", event="read_eido") == []


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic abc"}]
)
def test_without_a_token_no_eido_is_told(house: House, headers: dict[str, str]) -> None:
    for path, method in (("x", "GET"), ("x/unit-status", "POST")):
        answer = house.client.open(f"/EIDO/{path}", method=method, headers=headers, json={})
        assert (answer.status_code, answer.content_type) == (401, "application/problem+json")


def test_a_units_way_from_assigned_to_cleared_is_heard_step_by_step(house: House) -> None:
    me = (
        house.resident()
        .texts("hi")
        .texts("1", "2", "2", "2", "3", "1", "Main St and 3rd Ave", "5", "1")
    )
    assert me.case().status == "handed_off"
    heard = []
    for status in (
        "Assigned",
        "Dispatched",
        "EnRoute",
        "Delayed",
        "Delayed",
        "OnScene",
        "PatientContact",
        "Transporting",
    ):
        answer = asks(house, f"{me.case().id}/unit-status", {"status": status, "by": "Unit 7"})
        assert answer.status_code == 200, answer.text
        house.wait(30)
        heard.append(len(house.settles().texts_to(me.number)))

    assert heard == [1, 1, 2, 3, 3, 4, 4, 4]
    assert house.texts_to(me.number)[2] == house.words("status.late")
    assert answer.get_json()["emergencyResourceComponent"][0][
        "secondaryUnitStatusRegistryText"
    ] == ["OnScene"]
    late = asks(house, f"{me.case().id}/unit-status", {"status": "EnRoute", "by": "Unit 7"})
    assert (late.status_code, late.get_json()["code"]) == (409, "cannot_move")
    cleared = {"status": "Cleared", "by": "Unit 7"}
    assert (
        asks(house, f"{me.case().id}/unit-status", cleared).get_json()["code"] == "outcome_needed"
    )
    assert me.case().status == "arrived"
    assert (
        asks(
            house, f"{me.case().id}/unit-status", cleared | {"outcome": "taken_to_care"}
        ).status_code
        == 200
    )
    assert (me.case().status, me.case().outcome) == ("closed", "taken_to_care")
    assert (
        asks(
            house, f"{me.case().id}/unit-status", {"status": "EnRoute", "by": "Unit 7"}
        ).get_json()["code"]
        == "ended"
    )


def test_a_cancelled_assignment_asks_the_next(house: House) -> None:
    me = house.resident().wants_a_team()
    asks(house, f"{me.case().id}/unit-status", {"status": "EnRoute", "by": "Unit 7"})

    told = {"status": "AssignmentCancelled", "by": "Unit 7", "reason": "no, but I can in 2 hours"}
    assert asks(house, f"{me.case().id}/unit-status", told).status_code == 200
    assert me.case().status == "declined"
    assert [row.ladder for row in house.rows("page")] == ["team"]
    assert asks(house, f"{me.case().id}/unit-status", told).status_code == 200
    assert len(house.rows("page")) == 1, "said twice, asked once"


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ({}, 422),
        ({"status": "EnRoute"}, 422),
        ({"status": "EnRoute", "by": ""}, 422),
        ({"status": "Meal", "by": "U"}, 422),
        ({"status": "en_route", "by": "U"}, 422),
        ({"status": None, "by": "U"}, 422),
        ({"status": ["EnRoute"], "by": "U"}, 422),
        ({"status": "EnRoute", "by": "U", "more": 1}, 422),
        ({"status": "AssignmentCancelled", "by": "U"}, 422),
        ({"status": "Cleared", "by": "U", "outcome": "fine"}, 422),
        ({"status": "Cleared", "by": "U", "reason": "x" * 301}, 422),
        ({"status": "Delayed", "by": "U"}, 409),
        ({"status": "Cleared", "by": "U"}, 409),
    ],
)
def test_bad_reports_change_nothing(house: House, told: dict[str, Any], status: int) -> None:
    me = house.resident().wants_a_team()
    version = me.case().version

    answer = asks(house, f"{me.case().id}/unit-status", told)

    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert me.case().version == version


def test_what_is_no_json_or_no_such_method_is_a_problem_too(house: House) -> None:
    me = house.resident().wants_a_team()
    bearer = {"Authorization": f"Bearer {house.token}"}

    broken = house.client.post(
        f"/EIDO/{me.case().id}/unit-status",
        data="{",
        content_type="application/json",
        headers=bearer,
    )
    assert (broken.status_code, broken.content_type) == (400, "application/problem+json")
    assert asks(house, me.case().id, method="DELETE").status_code == 405


def test_openapi_names_the_doors(house: House) -> None:
    paths = house.client.get("/api/v1/openapi.json").get_json()["paths"]

    assert {
        "/EIDO/{hand_off_id}",
        "/EIDO/{hand_off_id}/unit-status",
        "/EIDO/{hand_off_id}/incident-type",
    } <= set(paths)


TYPED = {"type": "SUICTHRT", "by": "Maria", "reason": "he said so to me on the phone"}


def test_a_named_human_changes_the_type_and_every_destination_hears_it_in_order(
    house: House,
) -> None:
    me = reads_eido(house).resident().wants_a_team()
    answer = asks(house, f"{me.case().id}/incident-type", TYPED)

    assert answer.status_code == 200, answer.text
    assert answer.get_json()["incidentComponent"]["incidentTypeCommonRegistryText"] == "SUICTHRT"
    sent = [json.loads(request.body) for request in delivered(house)]
    assert [one["incidentComponent"]["incidentTypeCommonRegistryText"] for one in sent] == [
        "MNTL",
        "SUICTHRT",
    ]
    house.settles()
    assert [(one["revision"], one.get("incident_type")) for one, _ in house.posted] == [
        (1, None),
        (2, {"type": "SUICTHRT", "by": "Maria"}),
    ]
    for one, _ in house.posted:
        jsonschema.validate(one, house.client.get("/api/v1/hand_off.v1.schema.json").get_json())
    (line,) = house.rows("journal", case_id=me.case().id, event="incident_type")
    assert (line.who, line.detail) == ("cad", {"by": "Maria", "type": "SUICTHRT"})
    assert TYPED["reason"] not in str(house.rows("journal")) + str(house.rows("case"))
    assert house.posted[-1][0]["remarks"] == [{"by": "Maria", "words": TYPED["reason"]}]
    assert asks(house, f"{me.case().id}/incident-type", TYPED).status_code == 200
    assert len(ours(house)) == 2, "said twice, told once"
    back = asks(
        house,
        f"{me.case().id}/incident-type",
        TYPED | {"type": "MNTL", "reason": "he did not mean it"},
    )
    assert back.get_json()["incidentComponent"]["incidentTypeCommonRegistryText"] == "MNTL"


@pytest.mark.parametrize(
    "spoiled",
    [
        {"type": "ALIEN"},
        {"type": "EDP"},
        {"type": "mntl"},
        {"type": None},
        {"by": ""},
        {"by": "  "},
        {"by": "x" * 81},
        {"reason": ""},
        {"reason": " \n "},
        {"reason": "x" * 301},
        {"more": 1},
    ],
)
def test_a_type_without_name_or_reason_or_of_another_kind_changes_nothing(
    house: House, spoiled: dict[str, Any]
) -> None:
    me = house.resident().wants_a_team()
    version = me.case().version

    for told in (
        TYPED | spoiled,
        {name: value for name, value in TYPED.items() if name not in spoiled},
    ):
        answer = asks(house, f"{me.case().id}/incident-type", told)
        if told != TYPED:
            assert (answer.status_code, answer.content_type) == (422, "application/problem+json")
            assert me.case().version == version


def test_no_type_is_set_for_what_ended_is_not_known_or_by_nobody(house: House) -> None:
    me, screening = house.resident().wants_a_team(), house.resident("+17205550124").texts("hello")

    assert house.client.post(f"/EIDO/{me.case().id}/incident-type", json=TYPED).status_code == 401
    for path in ("unknown", screening.case().id):
        assert asks(house, f"{path}/incident-type", TYPED).status_code == 404
    house.dispatch(
        f"/{me.case().id}/status", {"status": "closed", "by": "Maria", "outcome": "resolved"}
    )
    answer = asks(house, f"{me.case().id}/incident-type", TYPED)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "ended")


# ---- delivery ------------------------------------------------------------------------------------
def ours(house: House) -> list[Any]:
    return sorted(house.rows("delivery", destination="team-cad"), key=lambda row: row.revision)


def delivered(house: House, answer: int = 202) -> list[Any]:
    """What is sent to the team's system when each of its deliveries that is due is tried once."""
    taken: list[Any] = []
    house.sweeps()
    house.outside.reset()
    house.outside.assert_all_requests_are_fired = False
    house.outside.add_callback(
        "POST", URL, lambda request: (taken.append(request), (answer, {}, ""))[1]
    )
    for row in ours(house):
        deliver(house.parts, row.id)
    return taken


def test_the_team_gets_the_eido_and_the_others_the_packet(house: House) -> None:
    me = reads_eido(house).resident().wants_a_team()
    house.clock.at = datetime.now(UTC)
    (request,) = delivered(house)

    made = Webhook(house.parts.webhooks.secrets["team-cad"]).verify(
        request.body, dict(request.headers)
    )
    assert faults(made) == ()
    assert made["agencyComponent"][0]["agencyType"] == ["fire"]
    assert (
        request.headers["webhook-id"] == request.headers["Idempotency-Key"] == f"{me.case().id}.1"
    )
    assert [row.state for row in ours(house)] == ["received"]
    assert [row.state for row in house.rows("delivery", destination="rehearsal-cad")] == [
        "waiting"
    ], "each has its own state"
    assert made == asks(house, me.case().id).get_json(), "the door says what was sent"


def test_each_revision_is_sent_as_it_was(house: House) -> None:
    me: Resident = reads_eido(house).resident().wants_a_team()
    house.dispatch(
        f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Maria", "in_minutes": 20}
    )

    sent = [json.loads(request.body) for request in delivered(house)]
    assert [
        one["emergencyResourceComponent"][0]["secondaryUnitStatusRegistryText"] for one in sent
    ] == [[], ["AcknowledgedTransmission"]]
    assert "eta" in sent[1]["emergencyResourceComponent"][0]
    assert sent[0]["lastUpdateTimeStamp"] < sent[1]["lastUpdateTimeStamp"]


def test_a_try_again_is_the_same_document_under_the_same_id(house: House) -> None:
    reads_eido(house).resident().wants_a_team()
    first = delivered(house, 500)
    assert [(row.state, row.error) for row in ours(house)] == [("waiting", "http 500")]
    house.wait(3)
    second = delivered(house)

    assert first[0].body == second[0].body
    assert first[0].headers["webhook-id"] == second[0].headers["webhook-id"]


def test_a_document_with_faults_is_never_sent_and_its_words_stand_nowhere(
    house: House, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A simulated fault of ours: a registry value that must never be sent out."""
    me = reads_eido(house).resident().wants_a_team()
    monkeypatch.setattr("caller_service.documents.eido.incident_type", lambda packet: "SUICTHRT")
    with caplog.at_level(logging.DEBUG):
        assert delivered(house) == []
        answer = asks(house, me.case().id)

    where = ".incidentComponent.incidentTypeCommonRegistryText: not an allowed value"
    assert [(row.state, row.error) for row in ours(house)] == [("waiting", f"eido_faults {where}")]
    assert answer.get_json()["errors"] == [where]
    assert (answer.status_code, answer.get_json()["code"]) == (503, "eido_faults")
    assert house.rows("journal", event="read_eido") == []
    told = " ".join(str(vars(record)) for record in caplog.records)
    assert "SUICTHRT" not in told
    assert where in told, "where it is wrong is said"
    for pause in PAUSES:
        house.wait(pause)
        delivered(house)
    assert [row.state for row in ours(house)] == ["dead"]


def test_a_destination_gets_its_own_agencys_document(house: House) -> None:
    me = reads_eido(reads_eido(house), "cad").resident().wants_a_team()
    program = house.parts.program
    other = [
        replace(one, agency="cad.example") if one.name == "cad" else one
        for one in program.destinations
    ]
    house.change(program=replace(program, destinations=tuple(other)))

    house.token = house.new_token("any-name", "cad")
    assert asks(house, me.case().id).get_json()["agencyComponent"][0]["$id"] == "cad.example"
