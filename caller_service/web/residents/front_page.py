"""The public pages: what this is, and the published list of cases in which police could come
(README.md)."""

from __future__ import annotations

from flask import render_template, request

from caller_service.language.wording import filling
from caller_service.web.shared.guard import guarded, open_to_all, parts

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

    return render_template(
        template,
        say=say,
        language=language,
        direction="rtl" if known[language].right_to_left else "ltr",
        languages=[(code, known[code].native) for code in languages if code != language],
        program=parts().program,
        **more,
    )


@pages.get("/")
def front() -> str:
    return _page("front.html", number=parts().program.numbers.ours[0].number)


@pages.get("/police")
def police() -> str:
    return _page("police.html", cases=POLICE_CASES)
