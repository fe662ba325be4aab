"""`caller-service words …`: an operator erases, or holds, what residents wrote."""

from __future__ import annotations

import click

from caller_service.casework import retention
from caller_service.casework.accounts import Refused as NotDone
from caller_service.casework.change import Look
from caller_service.core import retention as core
from caller_service.core.refusal import Refused
from caller_service.store.journal import Author

from .startup import parts_now

_WHY = {
    "not_ended": "the request has not ended",
    "held_by_law": "there is a legal hold: caller-service words release",
    "kept_by_law": "a law keeps it for longer: [retention] keep_days in program.toml",
    "under_way": "a text of it is still to be sent; try again in a minute",
}


@click.group()
def words() -> None:
    """Erase what residents wrote, or hold it for a court (docs/privacy.md)."""


_by = click.option("--by", default=Author.OPERATOR.value, help="Who decided this, for the journal.")


@words.command()
@click.argument("reference")
@_by
@click.confirmation_option(prompt="Words, place, notes and drafts go for good. Sure?")
def erase(reference: str, by: str) -> None:
    """Erase the words of a request that has ended. Codes, times and the outcome are kept."""
    _decide(reference, by, retention.erase)
    click.echo(f"{reference}: the words are erased")


@words.command()
@click.argument("reference")
@_by
def hold(reference: str, by: str) -> None:
    """Set a legal hold: nothing of this request is erased until it is lifted."""
    _decide(reference, by, lambda case, scene, _: core.hold(case, by, scene))
    click.echo(f"{reference}: held")


@words.command()
@click.argument("reference")
@_by
def release(reference: str, by: str) -> None:
    """Lift a legal hold. The worker then erases what is past its retention time."""
    _decide(reference, by, lambda case, scene, _: core.release(case, scene))
    click.echo(f"{reference}: not held")


def _decide(reference: str, by: str, decide: Look) -> None:
    try:
        if retention.by_reference(parts_now(), reference, " ".join(by.split()), decide) is None:
            raise NotDone(f"{reference}: there is no such request")
    except Refused as refusal:
        raise NotDone(f"{reference}: {_WHY[refusal.code]}") from None
