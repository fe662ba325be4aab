"""The EIDO of a hand-off, for one reader: who issues it, and that it is sound before it goes
anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from caller_service.core.program import DestinationKind
from caller_service.documents import eido
from caller_service.documents.eido_schema import faults

from .parts import Parts


class Unsound(Exception):
    """The document breaks our schema or a registry: a fault of ours. `faults` are places and kinds,
    never a value."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("eido_faults")
        self.faults = faults


def issuer(parts: Parts, reader: str) -> eido.Issuer:
    """The agency of the destination named like this reader; else of the first that gets EIDOs; else
    our own host's name."""
    host = urlsplit(parts.public_url).hostname or "localhost"
    gets = [one for one in parts.program.destinations if one.kind == DestinationKind.EIDO]
    one = next((each for each in gets if each.name == reader), gets[0] if gets else None)
    return eido.Issuer(host, one.agency, one.agency_type) if one else eido.Issuer(host, host)


def sound_document(packet: Mapping[str, Any], by: eido.Issuer, revised: datetime) -> dict[str, Any]:
    """The document of a packet. Raises Unsound for one that must not be sent."""
    told = eido.document(packet, by, revised)
    if wrong := faults(told, (packet.get("incident_type") or {}).get("by", "")):
        raise Unsound(wrong)
    return told
