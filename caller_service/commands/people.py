"""`caller-service person …`: the staff, from the machine itself. The first administrator is made
here; the others can be made in the console."""

from __future__ import annotations

import base64

import click

from caller_service.casework import accounts
from caller_service.casework.accounts import Refused
from caller_service.casework.parts import Parts, utc_now
from caller_service.casework.second_factor import code_at
from caller_service.config.settings import Settings, derived, derived_text
from caller_service.core.roles import Role, must_have_second_factor
from caller_service.store.journal import Author
from caller_service.store.people import Person

from .startup import parts_now

# of a rehearsal: who is made, and what they may do
REHEARSAL = {
    "Alex Kim": Role.ADMINISTRATOR,
    "Sam Ortiz": Role.SUPERVISOR,
    "Dana Ruiz": Role.DISPATCHER,
}
# the rungs of the rehearsal's ladder whose phones are theirs
PHONES = {"Dispatcher on duty": "Dana Ruiz", "Shift supervisor": "Sam Ortiz"}


def link(parts: Parts, secret: str) -> str:
    return f"{parts.public_url}/console/first/{secret}"


def add(parts: Parts, name: str, role: str) -> list[str]:
    """What to print. Raises Refused."""
    secret = accounts.add_person(parts, Author.OPERATOR, " ".join(name.split()), Role(role))
    return [f"{name}, {role}. One-time link, works for 24 hours:", link(parts, secret)]


def listed(parts: Parts) -> list[str]:
    """One line each: name, role, whether codes are on, and how they stand."""
    return [
        f"{one.name:40}  {one.role:13}  {'codes' if one.has_totp else '-':5}  {_state(one)}"
        for one in accounts.everybody(parts)
    ]


def _state(one: Person) -> str:
    if one.ended_at is not None:
        return "disabled"
    return "can sign in" if one.password else "waits for their link"


def named(parts: Parts, name: str) -> Person:
    """Raises Refused for nobody."""
    person = accounts.find_named(parts, name)
    if person is None:
        raise Refused(f"{name}: nobody has this name")
    return person


def disable(parts: Parts, name: str) -> None:
    """Even the last administrator: whoever has this machine can make another. Raises Refused."""
    accounts.disable(parts, Author.OPERATOR, named(parts, name).id, last_too=True)


def enable(parts: Parts, name: str) -> None:
    """Raises Refused."""
    accounts.enable(parts, Author.OPERATOR, named(parts, name).id)


def reset(parts: Parts, name: str) -> list[str]:
    """What to print. Raises Refused."""
    secret = accounts.reset(parts, Author.OPERATOR, named(parts, name).id)
    return [f"{name}: a new one-time link, works for 24 hours:", link(parts, secret)]


def staff_notes(parts: Parts) -> list[str]:
    """What `check` says of accounts. No fault: the phones of the ladder work without the
    console."""
    able = {one.role for one in accounts.everybody(parts) if one.ended_at is None}
    wanted = (Role.ADMINISTRATOR, Role.DISPATCHER)
    return [
        f"accounts: there is no {role}; caller-service person add NAME --role {role}"
        for role in wanted
        if role not in able and not (role == Role.DISPATCHER and Role.SUPERVISOR in able)
    ]


# ---- the command ---------------------------------------------------------------------------------
@click.group()
def person() -> None:
    """Accounts of the staff, for the console."""


@person.command("add")
@click.argument("name")
@click.option("--role", type=click.Choice([str(role) for role in Role]), required=True)
def person_add(name: str, role: str) -> None:
    """Add somebody of the staff; prints a one-time link by which they set their account up."""
    _said(add(parts_now(), name, role))


@person.command("list")
def person_list() -> None:
    """Everybody: name, role, whether codes are on, and how they stand."""
    _said(listed(parts_now()))


@person.command("disable")
@click.argument("name")
def person_disable(name: str) -> None:
    """They are signed out at once and cannot sign in."""
    disable(parts_now(), name)
    click.echo(f"{name}: disabled, and signed out everywhere")


@person.command("enable")
@click.argument("name")
def person_enable(name: str) -> None:
    """They can sign in again."""
    enable(parts_now(), name)
    click.echo(f"{name}: can sign in")


@person.command("reset")
@click.argument("name")
def person_reset(name: str) -> None:
    """Password, codes and PIN are gone; prints a new one-time link."""
    _said(reset(parts_now(), name))


def _said(lines: list[str]) -> None:
    for line in lines:
        click.echo(line)


# ---- rehearsal -----------------------------------------------------------------------------------
def rehearsal_password(settings: Settings, role: Role) -> str:
    """The same at each rehearsal in this folder; nobody outside can know it."""
    text = derived_text(settings.seed, f"rehearsal-{role}")
    return "-".join(text[at : at + 5] for at in range(0, 20, 5))


def rehearsal_totp(settings: Settings, role: Role) -> str | None:
    """The secret of their codes, for those who need one."""
    if not must_have_second_factor(role):
        return None
    return base64.b32encode(derived(settings.seed, f"rehearsal-{role}-codes")[:20]).decode()


def make_rehearsal_staff(parts: Parts, settings: Settings) -> None:
    for name, role in REHEARSAL.items():
        accounts.set_up_for_rehearsal(
            parts, name, role, rehearsal_password(settings, role), rehearsal_totp(settings, role)
        )


def rehearsal_lines(settings: Settings) -> list[str]:
    """Who can sign in, and how."""
    lines = []
    for name, role in REHEARSAL.items():
        lines.append(f"    {name:10} {role:13}  password {rehearsal_password(settings, role)}")
        if secret := rehearsal_totp(settings, role):
            lines.append(f"{'':29} codes {secret}, now {code_at(secret, utc_now())}")
    return lines
