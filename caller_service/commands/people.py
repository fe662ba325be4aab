"""`caller-service person …`: accounts of staff. The first administrator is created here; others can
be created in the console."""

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

# the accounts of a rehearsal, and their roles
REHEARSAL = {
    "Alex Kim": Role.ADMINISTRATOR,
    "Sam Ortiz": Role.SUPERVISOR,
    "Dana Ruiz": Role.DISPATCHER,
}
# the people on the rehearsal's ladder that become these accounts
PHONES = {"Dispatcher on duty": "Dana Ruiz", "Shift supervisor": "Sam Ortiz"}


def link(parts: Parts, secret: str) -> str:
    return f"{parts.public_url}/console/first/{secret}"


def add(parts: Parts, name: str, role: str) -> list[str]:
    """Create an account; returns the lines to print. Raises Refused."""
    secret = accounts.add_person(parts, Author.OPERATOR, " ".join(name.split()), Role(role))
    return [f"{name}, {role}. One-time link, works for 24 hours:", link(parts, secret)]


def listed(parts: Parts) -> list[str]:
    """A line per account: name, role, whether codes are on, and its state."""
    return [
        f"{one.name:40}  {one.role:13}  {'codes' if one.has_totp else '-':5}  {_state(one)}"
        for one in accounts.everybody(parts)
    ]


def _state(one: Person) -> str:
    if one.ended_at is not None:
        return "disabled"
    return "can sign in" if one.password else "waits for their link"


def named(parts: Parts, name: str) -> Person:
    """The account of this name. Raises Refused if there is none."""
    person = accounts.find_named(parts, name)
    if person is None:
        raise Refused(f"{name}: nobody has this name")
    return person


def disable(parts: Parts, name: str) -> None:
    """Disable an account, even of the last administrator: an operator can create another. Raises
    Refused."""
    accounts.disable(parts, Author.OPERATOR, named(parts, name).id, last_too=True)


def enable(parts: Parts, name: str) -> None:
    """Enable an account. Raises Refused."""
    accounts.enable(parts, Author.OPERATOR, named(parts, name).id)


def reset(parts: Parts, name: str) -> list[str]:
    """Delete password, codes and PIN; returns the lines to print. Raises Refused."""
    secret = accounts.reset(parts, Author.OPERATOR, named(parts, name).id)
    return [f"{name}: a new one-time link, works for 24 hours:", link(parts, secret)]


def staff_notes(parts: Parts) -> list[str]:
    """What `check` reports about accounts. Notes, not faults: the phones on the ladder work without
    the console."""
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
    """Accounts of staff, for the console."""


@person.command("add")
@click.argument("name")
@click.option("--role", type=click.Choice([str(role) for role in Role]), required=True)
def person_add(name: str, role: str) -> None:
    """Add a member of staff; prints a one-time link with which they set up their account."""
    _print(add(parts_now(), name, role))


@person.command("list")
def person_list() -> None:
    """List all accounts: name, role, whether codes are on, and state."""
    _print(listed(parts_now()))


@person.command("disable")
@click.argument("name")
def person_disable(name: str) -> None:
    """Disable an account: they are signed out at once and cannot sign in."""
    disable(parts_now(), name)
    click.echo(f"{name}: disabled, and signed out everywhere")


@person.command("enable")
@click.argument("name")
def person_enable(name: str) -> None:
    """Enable an account: they can sign in again."""
    enable(parts_now(), name)
    click.echo(f"{name}: can sign in")


@person.command("reset")
@click.argument("name")
def person_reset(name: str) -> None:
    """Delete password, codes and PIN; prints a new one-time link."""
    _print(reset(parts_now(), name))


def _print(lines: list[str]) -> None:
    for line in lines:
        click.echo(line)


# ---- rehearsal -----------------------------------------------------------------------------------
def rehearsal_password(settings: Settings, role: Role) -> str:
    """The password of a rehearsal account: the same at each rehearsal in this folder, and
    secret."""
    text = derived_text(settings.seed, f"rehearsal-{role}")
    return "-".join(text[at : at + 5] for at in range(0, 20, 5))


def rehearsal_totp(settings: Settings, role: Role) -> str | None:
    """The TOTP secret of a rehearsal account, for roles that need codes."""
    if not must_have_second_factor(role):
        return None
    return base64.b32encode(derived(settings.seed, f"rehearsal-{role}-codes")[:20]).decode()


def make_rehearsal_staff(parts: Parts, settings: Settings) -> None:
    for name, role in REHEARSAL.items():
        accounts.set_up_for_rehearsal(
            parts, name, role, rehearsal_password(settings, role), rehearsal_totp(settings, role)
        )


def rehearsal_lines(settings: Settings) -> list[str]:
    """The lines that say who can sign in, and how."""
    lines = []
    for name, role in REHEARSAL.items():
        lines.append(f"    {name:10} {role:13}  password {rehearsal_password(settings, role)}")
        if secret := rehearsal_totp(settings, role):
            lines.append(f"{'':29} codes {secret}, now {code_at(secret, utc_now())}")
    return lines
