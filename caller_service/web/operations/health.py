"""Health of this process, and metrics for the operator's collector."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask import Response, current_app, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from caller_service.store import counts as stored
from caller_service.store import keys, probes
from caller_service.store.sealing import UNOPENED
from caller_service.web.shared.guard import guarded, metrics_only, open_to_all, parts
from caller_service.web.shared.refusals import MANY_NUMBERS, REFUSED, TURNED_AWAY

health = guarded("health", open_to_all, "/health")
metrics = guarded("metrics", metrics_only)


@health.get("/live")
def live() -> Response:
    return jsonify(status="live")


@health.get("/ready")
def ready() -> tuple[Response, int]:
    """Readiness of this process: its texts and protocol are loaded, its migrations are known. An
    unavailable database is reported, but does not make the process unready: it can still answer
    with the 911 texts. A missing key that rows need does: the service could not recognise somebody
    in danger."""
    try:
        with parts().engine.connect() as conn:
            version = stored.schema_version(conn)
            migrated = version == current_app.config["MIGRATION_HEAD"]
            missing = migrated and bool(keys.faults(conn, parts().sealer))
        database = "migrated" if migrated else "not migrated"
    except sa.exc.SQLAlchemyError:
        database, missing = "away", False
    ok = database != "not migrated" and not missing
    return jsonify(
        status="ready" if ok else "not ready",
        database=database,
        keys="missing" if missing else "there" if database == "migrated" else "not looked at",
        protocol=parts().program.protocol.hash,
    ), 200 if ok else 503


@metrics.get("/metrics")
def counts() -> Response:
    """Counts from the database at the time of the scrape, in the Prometheus text format, without
    test cases."""
    registry = CollectorRegistry()
    registry.register(Counted(list(_gauges())))
    registry.register(REFUSED)
    registry.register(UNOPENED)
    registry.register(TURNED_AWAY)
    registry.register(MANY_NUMBERS)
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class Counted(Collector):
    """A collector over the current counts, made anew for each scrape."""

    def __init__(self, gauges: list[GaugeMetricFamily]) -> None:
        self._gauges = gauges

    def collect(self) -> list[GaugeMetricFamily]:
        return self._gauges


def _gauges() -> Iterator[GaugeMetricFamily]:
    now = parts().now()
    with parts().engine.connect() as conn:
        cases, deliveries, states = (
            stored.open_cases(conn),
            stored.deliveries(conn),
            stored.texts(conn),
        )
        overdue = stored.longest_overdue(conn, now)
        probed = probes.latest(conn)
        missing = keys.faults(conn, parts().sealer)
    yield _gauge("caller_cases_open", "Cases that have not ended.", ("status", "level"), cases)
    yield _gauge(
        "caller_deliveries",
        "Hand-offs to destinations, by how far they are.",
        ("destination", "state"),
        deliveries,
    )
    yield _gauge(
        "caller_texts", "Texts to residents and staff, by how far they are.", ("state",), states
    )
    late = (now - overdue).total_seconds() if overdue else 0.0
    yield GaugeMetricFamily(
        "caller_clock_late_seconds", "How long the clock that is latest has been due.", late
    )
    yield GaugeMetricFamily(
        "caller_keys_missing", "Keys that rows need and that are not set.", len(missing)
    )
    yield from _probed(probed, now)


def _gauge(
    name: str, what: str, labels: tuple[str, ...], rows: Sequence[Sequence[Any]]
) -> GaugeMetricFamily:
    """One gauge; the last value of each row is the count, the others are its labels."""
    family = GaugeMetricFamily(name, what, labels=labels)
    for *named, count in rows:
        family.add_metric([str(each or "") for each in named], count)
    return family


PROBED: tuple[tuple[str, str, Callable[[probes.Result, datetime], float | None]], ...] = (
    (
        "success",
        "1: the last test conversation went well.",
        lambda one, now: 0.0 if one.fault else 1.0,
    ),
    (
        "age_seconds",
        "Since the last test conversation.",
        lambda one, now: (now - one.at).total_seconds(),
    ),
    ("seconds", "How long it took.", lambda one, now: one.seconds),
    ("slowest_turn_seconds", "Its slowest turn.", lambda one, now: one.slowest),
    ("queued_seconds", "Until it stood in the dispatch queue.", lambda one, now: one.queued),
    ("paged_seconds", "Until somebody would have been paged.", lambda one, now: one.paged),
)


def _probed(results: list[probes.Result], now: datetime) -> Iterator[GaugeMetricFamily]:
    """The last result of the synthetic resident for each channel, language and conversation;
    nothing before its first run."""
    for name, what, of in PROBED:
        rows = [
            (one.channel, one.language, one.conversation, value)
            for one in results
            if (value := of(one, now)) is not None
        ]
        if rows:
            yield _gauge(
                f"caller_probe_{name}", what, ("channel", "language", "conversation"), rows
            )
