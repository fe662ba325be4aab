"""The recordings that calls play, for a language that has no voice.

The URL holds only the language, the file's name and the first digits of its checksum: a new
recording has a new URL, so a recording may be cached for ever.
"""

from __future__ import annotations

from collections.abc import Mapping

from flask import Response, abort, send_from_directory

from caller_service.language.recordings import Pack, Recording, path_of
from caller_service.web.shared.guard import guarded, open_to_all, parts

recordings = guarded("recordings", open_to_all, "/recordings")
KEPT = 31_536_000  # seconds: a year
_TYPES = {"wav": "audio/wav", "ulaw": "audio/ulaw"}


def packs() -> Mapping[str, Pack]:
    """The complete recording packs of the program's languages, by language."""
    return parts().packs


def play_url(tag: str, recording: Recording) -> str:
    """The URL of a recording, for `<Play>`."""
    return f"{parts().public_url}{path_of(tag, recording)}"


@recordings.get("/<tag>/<file>")
def recording(tag: str, file: str) -> Response:
    """Serve a recording that is in a manifest. Other files in the folder are not served."""
    pack = packs().get(tag)
    if pack is None or pack.by_file(file) is None:
        abort(404)
    answer = send_from_directory(
        pack.folder, file, mimetype=_TYPES[file.rpartition(".")[2]], max_age=KEPT
    )
    answer.cache_control.immutable = True
    return answer
