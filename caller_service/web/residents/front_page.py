"""The public pages: what the service is, who comes, and the published list of situations in which
police could come (docs/safety-rules.md, "Before question one")."""

from __future__ import annotations

from flask import Response, render_template, request

from caller_service.language.wording import filling
from caller_service.web.shared.guard import guarded, open_to_all, parts

from .rendering import chosen_language
from .times import open_hours

pages = guarded("pages", open_to_all)
# paths for staff and machines, which get responses of their own
_NOT_OURS = (
    "/console", "/hand-offs", "/health", "/metrics", "/recordings", "/static", "/twilio"
)  # fmt: skip
POLICE_CASES = ("violence", "weapon", "attempt", "minor", "medical", "others")


def _page(template: str, **more: object) -> str:
    languages, known = parts().program.languages, parts().catalog.languages
    language = chosen_language()

    def say(key: str, **fill: str) -> str:
        return parts().catalog.text(
            language, key, **(filling(parts().program, language, parts().catalog) | fill)
        )

    native = [(code, known[code].native) for code in languages]
    return render_template(
        f"residents/{template}",
        say=say,
        language=language,
        direction="rtl" if known[language].right_to_left else "ltr",
        languages=[one for one in native if one[0] != language],
        all_languages=native,
        program=parts().program,
        public=True,
        base="",
        out="/out",
        **more,
    )


@pages.get("/")
def front() -> str:
    ours = parts().program.numbers.ours[0].number
    # a Messaging Service has no number that anybody could text
    return _page("front.html", number=ours if ours.startswith("+") else "")


@pages.get("/about", strict_slashes=False)
def about() -> str:
    live = [area for area in parts().program.areas if area.live_from is not None]
    return _page("about.html", areas=live, open_hours=open_hours)


@pages.get("/police", strict_slashes=False)
def police() -> str:
    return _page("police.html", cases=POLICE_CASES)


def not_found_page(status: int) -> Response | None:
    """The page for a browser that requests a URL or a method that does not exist, because somebody
    who mistyped it may need help now. Needs no database. None: another response fits."""
    asks_for_a_page = "text/html" in request.headers.get("Accept", "")
    if status not in (400, 404, 405) or request.path.startswith(_NOT_OURS) or not asks_for_a_page:
        return None
    kind = "unsent" if request.method == "POST" else "lost"
    return Response(_page("error.html", kind=kind), status)
