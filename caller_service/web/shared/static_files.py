"""Our own style sheets, scripts and sounds.

`static_url("exit.js")` puts the hash of the file in its URL. What has that URL never changes, so a
browser caches it and requests it once: on a slow connection each round trip costs a second. Text
files are compressed here, once. Pages are not compressed, because they hold what somebody wrote
beside a secret.
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
AN_HOUR = "public, max-age=3600"  # without the hash, such as the tone of a waiting call
PACKED = {".css", ".js", ".svg"}
# comments and indentation, which only readers of the source need
FOR_READERS = re.compile(r"(?m)^\s*//.*\n|/\*[^*]*\*/|^\s+")

# served as one file: on a slow connection a request takes as long as some kilobytes. The quick exit
# is separate, so that it works whatever happens to the others
TOGETHER: Mapping[str, tuple[str, ...]] = {
    "screens.css": ("tokens.css", "resident.css"),
    "screens.js": ("send.js", "live.js", "place.js"),
}

static_files = guarded("static_files", open_to_all)


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file, read and hashed once; `packed` is its gzipped content, or empty."""

    content: bytes
    packed: bytes
    kind: str
    tag: str


@cache
def read_files() -> Mapping[str, StaticFile]:
    """Every file that we serve, by name."""
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
    """The URL of a file, with its hash. Raises KeyError for an unknown file."""
    return f"/static/{name}?v={read_files()[name].tag}"


@static_files.get("/static/<name>")
def static_file(name: str) -> Response:
    """Serve a file. With the current hash it may be cached for ever; by name alone, or with an
    older hash, for an hour."""
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
