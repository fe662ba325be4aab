"""The public pages: what the service is, who comes, and the published list of situations in which
police could come (README.md)."""

from __future__ import annotations

from flask import render_template, request

from caller_service.language.wording import filling
from caller_service.web.shared.guard import guarded, open_to_all, parts

from .times import open_hours

pages = guarded("pages", open_to_all)
POLICE_CASES = ("violence", "weapon", "attempt", "minor", "medical", "others")


def _page(template: str, **more: object) -> str:
    languages, known = parts().program.languages, parts().catalog.languages
    asked = (
        request.args.get("lang") or request.accept_languages.best_match(languages) or languages[0]
    )
    language = asked if asked in languages else languages[0]

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


@pages.get("/about")
def about() -> str:
    live = [area for area in parts().program.areas if area.live_from is not None]
    return _page("about.html", areas=live, open_hours=open_hours)


@pages.get("/police")
def police() -> str:
    return _page("police.html", cases=POLICE_CASES)
