"""The query of a request to the API. A parameter that a route does not have is refused: ignored, a
mistyped `open` would list other cases than were asked for, and a `dry_run` would be real."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from flask import Response, request

from caller_service.web.shared.problem import invalid


def known_query_only(known: Mapping[str, Collection[str]]) -> Callable[[], Response | None]:
    """Runs before the views of a blueprint. `known`: the parameters of an endpoint; any other takes
    none. The name of an unknown one is not repeated: it may be somebody's words."""

    def refused() -> Response | None:
        names = known.get(request.endpoint or "", ())
        wrong = {
            name: ["Given more than once."] for name in names if len(request.args.getlist(name)) > 1
        }
        if request.args.keys() - set(names):
            there = f"there are {', '.join(names)}" if names else "there is none here"
            wrong["unknown"] = [f"Unknown parameter: {there}."]
        return invalid({"query": wrong}) if wrong else None

    return refused
