"""The acts of a page that lists cases: who may do each, what it does, and the text shown when it is
done. If an act is refused, the current page says why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flask import Blueprint, Response, request, url_for

from caller_service.core.case import Case
from caller_service.core.refusal import Refused
from caller_service.core.roles import Act
from caller_service.store.cases import Unreadable
from caller_service.web.shared.see_other import see_other

from .refusal_words import refusal_words
from .session_guard import may, page

Told = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ListAct:
    """`does` takes the id of the case and what the form holds, and raises Refused; None: there is
    no such case."""

    act: Act
    done: str
    does: Callable[[str, Told], Case | None]


def done_words(acts: Mapping[str, ListAct]) -> str:
    """The text about the act that led to this page; "" for none."""
    act = acts.get(request.args.get("done", ""))
    return act.done if act else ""


def add_acts(
    pages: Blueprint,
    acts: Mapping[str, ListAct],
    home: str,
    again: Callable[..., Response],
    otherwise: Mapping[str, str],
) -> None:
    """Register a route for each act. `home`: the endpoint of the list; `again`: renders its page
    with a status and why the act was `refused`; `otherwise`: refusals that this page words
    itself."""

    def door(name: str, act: ListAct) -> Callable[[str], Response]:
        def view(case_id: str) -> Response:
            try:
                if act.does(case_id, request.form) is None:
                    return page("fault.html", 404, title="Not here", fault="There is no such case.")
            except Unreadable:
                return again(409, refused=refusal_words("unreadable"))
            except Refused as refusal:
                return again(409, refused=refusal_words(refusal.code, refusal.name, otherwise))
            return see_other(url_for(f"{pages.name}.{home}", done=name))

        return view

    for name, act in acts.items():
        pages.add_url_rule(
            f"/<case_id>/{name}", name, may(act.act)(door(name, act)), methods=["POST"]
        )
