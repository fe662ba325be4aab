"""Is this process well, and counts for the operator's collector."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import sqlalchemy as sa
from flask import Response, current_app, jsonify

from caller_service.front.guard import guarded, metrics_only, open_to_all, parts
from caller_service.store import probes
from caller_service.store.tables import case, delivery, message

health = guarded("health", open_to_all, "/health")
metrics = guarded("metrics", metrics_only)


@health.get("/live")
def live() -> Response:
    return jsonify(status="live")


@health.get("/ready")
def ready() -> tuple[Response, int]:
    """About this process: its words and protocol are loaded, its migrations known. A database that is away does not
    drain the doors, which can still say the 911 words; it is told beside it."""
    try:
        with parts().engine.connect() as conn:
            version = conn.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
        database = "migrated" if version == current_app.config["MIGRATION_HEAD"] else "not migrated"
    except sa.exc.SQLAlchemyError:
        database = "away"
    ok = database != "not migrated"
    return jsonify(status="ready" if ok else "not ready", database=database, protocol=parts().program.protocol.hash), 200 if ok else 503


@metrics.get("/metrics")
def counts() -> Response:
    """Counts from the database at the time of asking, in the Prometheus text format. Test cases are in none of them."""
    lines = ["# TYPE caller_cases_open gauge"]
    now = parts().now()
    tests = sa.select(case.c.id).where(case.c.test)
    with parts().engine.connect() as conn:
        open_cases = sa.select(case.c.status, case.c.level, sa.func.count()).where(case.c.closed_at.is_(None), ~case.c.test)
        for status, level, count in conn.execute(open_cases.group_by(case.c.status, case.c.level)):
            lines.append(f'caller_cases_open{{status="{status}",level="{level or ""}"}} {count}')
        lines.append("# TYPE caller_deliveries gauge")
        sent = sa.select(delivery.c.destination, delivery.c.state, sa.func.count()).where(delivery.c.case_id.not_in(tests))
        for destination, state, count in conn.execute(sent.group_by(delivery.c.destination, delivery.c.state)):
            lines.append(f'caller_deliveries{{destination="{destination}",state="{state}"}} {count}')
        lines.append("# TYPE caller_texts gauge")
        residents = message.c.case_id.is_(None) | message.c.case_id.not_in(tests)
        texts = sa.select(message.c.state, sa.func.count()).where(message.c.direction == "out", residents)
        for state, count in conn.execute(texts.group_by(message.c.state)):
            lines.append(f'caller_texts{{state="{state}"}} {count}')
        overdue = conn.execute(sa.select(sa.func.min(case.c.due_at)).where(case.c.due_at <= now)).scalar()
        probed = probes.latest(conn)
    late = (now - overdue).total_seconds() if overdue else 0.0
    lines += ["# TYPE caller_clock_late_seconds gauge", f"caller_clock_late_seconds {late:.1f}", *_probed(probed, now)]
    return Response("\n".join(lines) + "\n", content_type="text/plain; version=0.0.4; charset=utf-8")


def _probed(results: list[probes.Result], now: datetime) -> list[str]:
    """The last result of the synthetic resident for each channel, language and conversation; nothing before its first run."""
    gauges: list[tuple[str, Callable[[probes.Result], float | None]]] = [
        ("success", lambda one: 0.0 if one.fault else 1.0),
        ("age_seconds", lambda one: (now - one.at).total_seconds()),
        ("seconds", lambda one: one.seconds),
        ("slowest_turn_seconds", lambda one: one.slowest),
        ("queued_seconds", lambda one: one.queued),
        ("paged_seconds", lambda one: one.paged),
    ]
    lines = []
    for name, of in gauges:
        told = [(one, value) for one in results if (value := of(one)) is not None]
        lines += [f"# TYPE caller_probe_{name} gauge"] if told else []
        for one, value in told:
            labels = f'channel="{one.channel}",language="{one.language}",conversation="{one.conversation}"'
            lines.append(f"caller_probe_{name}{{{labels}}} {value:.3f}".removesuffix(".000"))
    return lines
