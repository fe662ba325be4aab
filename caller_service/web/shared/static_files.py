"""Our own style sheets, scripts and sounds.

`static_url("exit.js")` names a file by the hash of its bytes. What has that address never changes,
so a browser keeps it and asks once: on a slow line each question about it would cost a second.
Text is compressed here, once: pages are not, because they hold what somebody wrote beside a secret.
"""

from __future__ import annotations

import gzip
import mimetypes
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from flask import Response, abort, request

from .guard import guarded, open_to_all

FOLDER = Path(__file__).parents[1] / "static"
FOREVER = "public, max-age=31536000, immutable"
AN_HOUR = "public, max-age=3600"  # without the hash: the tone of a waiting call, say
PACKED = {".css", ".js", ".svg"}
# what only those need who read our sheets and scripts in the repository
FOR_READERS = re.compile(r"(?m)^\s*//.*\n|/\*[^*]*\*/|^\s+")

# served as one file: on a slow line each request costs as long as some kilobytes. The exit stays by
# itself: it works whatever the others do
TOGETHER: Mapping[str, tuple[str, ...]] = {
    "screens.css": ("tokens.css", "resident.css"),
    "screens.js": ("send.js", "live.js", "place.js"),
}

static_files = guarded("static_files", open_to_all)


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file, read and hashed once; `packed` is its gzip form, or empty."""

    content: bytes
    packed: bytes
    kind: str
    tag: str


@cache
def read_files() -> Mapping[str, StaticFile]:
    """Every file we serve, by its name."""
    read = {path.name: path.read_bytes() for path in FOLDER.iterdir() if path.is_file()}
    read |= {name: b"\n".join(read[one] for one in parts) for name, parts in TOGETHER.items()}
    return {name: _served(name, content) for name, content in sorted(read.items())}


def _served(name: str, content: bytes) -> StaticFile:
    suffix = Path(name).suffix
    if suffix in (".css", ".js"):
        content = FOR_READERS.sub("", content.decode()).encode()
    packed = gzip.compress(content, 9, mtime=0) if suffix in PACKED else b""
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return StaticFile(content, packed, kind, sha256(content).hexdigest()[:12])


def static_url(name: str) -> str:
    """The address of a file, by its hash. Raises KeyError for a file that is not there."""
    return f"/static/{name}?v={read_files()[name].tag}"


@static_files.get("/static/<name>")
def static_file(name: str) -> Response:
    """A file. With the right hash it may be kept for ever; by name alone, or by an older hash, for
    an hour."""
    file = read_files().get(name)
    if file is None:
        abort(404)
    packed = bool(file.packed) and request.accept_encodings["gzip"] > 0
    answer = Response(file.packed if packed else file.content, mimetype=file.kind)
    if packed:
        answer.headers["Content-Encoding"] = "gzip"
    if file.packed:
        answer.headers["Vary"] = "Accept-Encoding"
    answer.headers["Cache-Control"] = FOREVER if request.args.get("v") == file.tag else AN_HOUR
    answer.set_etag(f"{file.tag}{'-gzip' * packed}")
    length = answer.content_length
    return answer.make_conditional(request, accept_ranges=True, complete_length=length)  # type: ignore[return-value]
