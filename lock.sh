#!/usr/bin/env bash
# Make the two lock files anew (needs uv). Hashes, no host names.
set -eu
cd "$(dirname "$0")"
common=(--quiet --universal --generate-hashes --no-header --no-emit-index-url --no-emit-find-links --python-version 3.11 --extra build)
uv pip compile "${common[@]}" pyproject.toml -o requirements.lock "$@"
uv pip compile "${common[@]}" --extra test pyproject.toml -c requirements.lock -o requirements-test.lock "$@"
