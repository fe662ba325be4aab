"""How a case ended, why somebody was not served, and whether police were there: stored with the
case, chosen by staff.

The values never change, whatever the member is called. core/ledger.py assigns each outcome to its
class.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """`Case.outcome`. Staff choose the first two groups; the service sets the third."""

    # after a danger: what became of the person (rule 3)
    EMERGENCY_HELP_CONFIRMED = "emergency_help_confirmed"  # emergency services are with them
    PASSED_TO_SERVICE = "passed_to_service"  # a named service has taken over and confirmed it
    COUNSELOR_JOINED = "counselor_joined"  # a counselor spoke with them
    REFUSED_PLAN_MADE = "refused_plan_made"  # they refused help, and have a plan
    NO_DANGER_FOUND = "no_danger_found"  # somebody looked, and there was none
    SAFE = "safe"  # they are safe
    LOST = "lost"  # nobody could reach them any more

    # after any other case
    RESOLVED = "resolved"  # the team helped where they were
    TAKEN_TO_CARE = "taken_to_care"  # the team brought them to care
    REFUSED = "refused"  # help came, or was offered, and they did not want it
    GONE = "gone"  # whoever came did not find them
    REFERRED = "referred"  # a named service goes on with them
    TRANSFERRED_TO_911 = "transferred_to_911"  # police or ambulance came instead
    INFORMATION = "information"  # information was asked for and given; also by the service
    UNSERVED = "unserved"  # they got no help: `Case.unserved` says why
    CANCELLED = "cancelled"  # they took the request back; also by the service
    ABANDONED = "abandoned"  # they stopped writing; also by the service
    NO_REQUEST = "no_request"  # nothing was asked for; also by the service

    # the service alone
    TEST = "test"  # a test case: not counted


class Unserved(StrEnum):
    """`Case.unserved`: what stood in the way. Set by decisions, or by whoever closes the case."""

    NO_CAPACITY = "no_capacity"  # nobody came
    CLOSED = "closed"  # outside the hours of what they wanted
    OUT_OF_AREA = "out_of_area"  # no team serves the place
    CANCELLED = "cancelled"  # they took it back, or did not want what came
    UNREACHABLE = "unreachable"  # somebody tried to reach them and could not
    UNSAFE_TO_CONTACT = "unsafe_to_contact"  # a call or text could put them in danger
    # they did not want contact: their choice, not a danger (docs/safety-rules.md, row `contact`)
    UNWANTED = "unwanted"
    TECHNICAL = "technical"  # texts were the only way, and they do not arrive
    ABANDONED = "abandoned"  # they stopped writing


class Asked(StrEnum):
    """`Case.police_asked_by`: who asked for the police who were there."""

    TEAM = "team"  # the team that came
    STAFF = "staff"  # somebody here called 911
    RESIDENT = "resident"  # they did, or somebody with them
    OTHERS = "others"  # somebody else, or police came by themselves
    UNKNOWN = "unknown"


class Known(StrEnum):
    """`Case.police` and `Case.police_told`. "" in either: nobody recorded it."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Police:
    """What is recorded of police beside an outcome: were they there, who asked for them, and was
    the resident told before they came? ("Software never sends police": docs/safety-rules.md.)"""

    present: str = ""
    asked_by: str = ""
    told: str = ""

    @property
    def whole(self) -> bool:
        """Is everything said that belongs together? Who asked and what was told belong to police
        who were there, and to no others."""
        beside = (self.asked_by in set(Asked), self.told in set(Known))
        if self.present == Known.YES:
            return all(beside)
        return self.present in ("", Known.NO, Known.UNKNOWN) and not (self.asked_by or self.told)


NOT_RECORDED = Police()
