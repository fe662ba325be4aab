"""The floor of the benchmark: a minimal Flask and sqlite3 app that does one durable turn: check the
signature, one insert, one update, commit to disk, respond. It screens nobody, encrypts nothing and
hands nothing off; no turn can cost less. It runs on gunicorn's own threads (gthread), whatever the
service runs on, so that it stays the same when the service changes. Run as `python -m
caller_service.proving.bench_floor FILE PORT TOKEN`."""

from __future__ import annotations

import sqlite3
import sys
import threading

from flask import Flask, Response, request
from twilio.request_validator import RequestValidator

from caller_service.server.web_server import Web

from .bench import PUBLIC, THREADS, WORKERS


def create(path: str, token: str) -> Flask:
    app = Flask(__name__)
    own = threading.local()

    def database() -> sqlite3.Connection:
        if not hasattr(own, "conn"):
            own.conn = sqlite3.connect(path, timeout=30, isolation_level=None)
            own.conn.execute("PRAGMA synchronous=FULL")
        conn: sqlite3.Connection = own.conn
        return conn

    @app.get("/health/live")
    def live() -> str:
        return "live"

    @app.post("/twilio/sms")
    def text() -> Response:
        if not RequestValidator(token).validate(
            f"{PUBLIC}/twilio/sms", request.form, request.headers.get("X-Twilio-Signature", "")
        ):
            return Response(status=403)
        conn = database()
        conn.execute("BEGIN IMMEDIATE")
        conn.execute(
            "INSERT OR IGNORE INTO message VALUES (?, ?, ?)",
            (request.form["MessageSid"], request.form["From"], request.form["Body"]),
        )
        conn.execute(
            "INSERT INTO caller VALUES (?, 1) ON CONFLICT (number) DO UPDATE SET turns = turns + 1",
            (request.form["From"],),
        )
        conn.execute("COMMIT")
        return Response(
            "<Response><Message>Next question? 1 Yes 2 No</Message></Response>",
            content_type="text/xml",
        )

    return app


def main(path: str, port: str, token: str) -> None:
    with sqlite3.connect(path) as conn:
        conn.execute("PRAGMA journal_mode=WAL")
        conn.execute("CREATE TABLE message (sid TEXT PRIMARY KEY, number TEXT, body TEXT)")
        conn.execute("CREATE TABLE caller (number TEXT PRIMARY KEY, turns INTEGER)")
    conn.close()
    Web(lambda: create(path, token), f"127.0.0.1:{port}", WORKERS, THREADS, "gthread").run()


if __name__ == "__main__":
    main(*sys.argv[1:])
