"""Reads a protocol file (TOML) into core's types. core/protocol_check.py then checks its
content."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from caller_service.core import protocol_check
from caller_service.core.protocol import (
    Choice,
    Condition,
    Level,
    Part,
    Protocol,
    Question,
    Rule,
    Words,
    condition,
)

from .checked_table import CheckedTable, ProgramFaults, read_toml


def read_protocol(path: Path) -> Protocol:
    """The protocol of a file. Raises ProgramFaults with every fault."""
    faults: list[str] = []
    protocol = gather_protocol(path, faults)
    if faults:
        raise ProgramFaults(tuple(faults))
    return protocol


def gather_protocol(path: Path, faults: list[str]) -> Protocol:
    """As much of a protocol as can be read; faults are added to `faults`."""
    before = len(faults)
    top = read_toml(path, faults)
    head = top.table("protocol", needed=True)
    # a signed copy is accepted; the signature is not part of the signed content
    top.table("sign_off")
    protocol = Protocol(
        id=head.text("id"),
        version=head.text("version"),
        questions=tuple(_question(sheet) for sheet in top.tables("question", needed=True)),
        rules=tuple(_rule(sheet) for sheet in top.tables("rule", needed=True)),
        dangers=_dangers(top.table("dangers")),
        unreadable_limit=head.whole("unreadable_limit", 3, 1, 9),
        hash=content_hash(top),
        aloud=tuple(_part(sheet) for sheet in top.tables("aloud")),
    )
    head.done()
    top.done()
    # an incomplete protocol would give misleading faults
    if len(faults) == before:
        faults.extend(f"{path.name}: {wrong}" for wrong in protocol_check.faults(protocol))
    return protocol


def content_hash(top: CheckedTable) -> str:
    """The hash that a sign-off names: of the content, whatever its layout and comments, without the
    sign-off."""
    content = {key: value for key, value in top.content.items() if key != "sign_off"}
    plain = json.dumps(
        content, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str
    )
    return hashlib.sha256(plain.encode()).hexdigest()


def _question(sheet: CheckedTable) -> Question:
    question = Question(
        id=sheet.text("id"),
        kind=sheet.text("kind"),
        choices=_choices(sheet),
        when=_condition(sheet),
        safety=sheet.flag("safety", False),
        by_who=sheet.flag("by_who", False),
        in_danger=sheet.whole("in_danger", 0, 0, 9),
        follow_up=sheet.flag("follow_up", False),
        sooner=_condition(sheet, "sooner") if "sooner" in sheet.content else None,
        after_hand_off=_condition(sheet, "after_hand_off")
        if "after_hand_off" in sheet.content
        else None,
        several=tuple(sheet.texts("several")) if "several" in sheet.content else (),
        notice_minor=sheet.flag("notice_minor", False),
    )
    sheet.done()
    return question


def _part(sheet: CheckedTable) -> Part:
    name = sheet.text("part")
    part = Part(
        id=name,
        question=sheet.text("question", name),
        gives=tuple(sheet.texts("gives")) if "gives" in sheet.content else (),
        unsure=sheet.flag("unsure", False),
        when=_condition(sheet),
        names_keys=sheet.flag("names_keys", False),
        refines=sheet.flag("refines", False),
    )
    sheet.done()
    return part


def _choices(sheet: CheckedTable) -> tuple[Choice, ...]:
    """A choice is a code, or a table with a code and the condition under which it is offered."""
    found = sheet.raw("choices", list, "a list", [])
    choices = []
    for place, content in enumerate(found if isinstance(found, list) else [], start=1):
        if isinstance(content, str):
            choices.append(Choice(content))
        elif isinstance(content, dict):
            choice = sheet.inner(f"choices[{place}]", content)
            choices.append(
                Choice(
                    choice.text("code"),
                    _condition(choice),
                    choice.text("reads", ""),
                    choice.flag("opens", False),
                    choice.flag("deaf", False),
                    choice.text("marker", ""),
                )
            )
            choice.done()
        else:
            sheet.fault(f"choices[{place}]", "must be a code or a table with code and when")
    return tuple(choices)


def _rule(sheet: CheckedTable) -> Rule:
    level = sheet.text("level", "")
    if level and level not in Level.__members__:
        sheet.fault("level", f'"{level}" is none of {", ".join(sorted(Level.__members__))}')
    rule = Rule(
        because=sheet.text("because"),
        level=Level.__members__.get(level),
        when=_condition(sheet),
        say=sheet.text("say", "") or None,
        review=sheet.flag("review", False),
        at_once=sheet.flag("at_once", False),
        marker=sheet.flag("marker", False),
        by_who=sheet.flag("by_who", False),
        in_violence=sheet.text("in_violence", ""),
    )
    sheet.done()
    return rule


def _condition(sheet: CheckedTable, key: str = "when") -> Condition:
    if key in sheet.content and sheet.content[key] == []:
        sheet.fault(key, "is empty; leave it out to mean always")
    alternatives = []
    for alternative in sheet.tables(key):
        alternatives.append(
            {name: alternative.texts(name, needed=True) for name in alternative.content}
        )
    return condition(alternatives)


def _dangers(sheet: CheckedTable) -> dict[str, Words]:
    """The words of a kind are a key, or a table that says they depend on who needs help."""
    words_by_kind = {}
    for kind, content in sheet.content.items():
        if isinstance(content, dict):
            worded = sheet.inner(kind, content)
            words_by_kind[kind] = Words(worded.text("say"), worded.flag("by_who", False))
            worded.done()
        else:
            words_by_kind[kind] = Words(sheet.text(kind))
    return words_by_kind
