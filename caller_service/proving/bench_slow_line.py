"""`caller-service bench --slow-line`: how long it takes until somebody on a slow mobile connection
can use the request form, in a real browser whose network is throttled: 800 ms per request, 35
kbit/s.

The first load has an empty cache: the form is usable when the first question is painted with its
style sheets, so that its answers can be pressed. Then each answer is timed, from the tap until the
next question is shown. Chromium throttles the network: it adds the latency to each request, but
does not model the handshakes of TCP and TLS, which cost a real connection one to three more round
trips, once.
"""

from __future__ import annotations

import shutil
import statistics
import time
from typing import Any

import click

from .bench import serving

LATENCY = 800  # ms
RATE = 35_000 / 8  # bytes a second, each way
AIM = 5.0  # seconds until the first screen is usable
TAPS = ("me", "no", "no", "no", "page", "team")


def bench(rounds: int = 3) -> None:
    """Run it and print the figures. Needs Playwright and Debian's Chromium, as the tests do."""
    chromium = shutil.which("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        chromium = None
    if chromium is None:
        raise click.ClickException("chromium or Playwright is missing (docs/testing.md)")
    first: list[float] = []
    taps: dict[bool, list[float]] = {True: [], False: []}
    with serving("", read_page=0) as (port, _, _), sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        for _ in range(rounds):
            for script in (True, False):
                usable, answered = _one(browser, f"http://127.0.0.1:{port}", script)
                first.append(usable)
                taps[script] += answered
        browser.close()
    print(f"{LATENCY} ms a request, 35 kbit/s, nothing cached, {len(first)} visits")
    verdict = "reached" if max(first) <= AIM else "aim missed"
    print(
        f"usable       median {statistics.median(first):.1f} s, largest {max(first):.1f} s "
        f"(aim {AIM:g}, {verdict})"
    )
    for script, name in ((True, "next screen, script"), (False, "next screen, none")):
        print(
            f"{name:20} median {statistics.median(taps[script]):.1f} s, "
            f"largest {max(taps[script]):.1f} s"
        )


def _one(browser: Any, url: str, script: bool) -> tuple[float, list[float]]:
    """One visit: seconds until the first screen is usable, and from each answer to the next
    screen."""
    context = browser.new_context(
        viewport={"width": 360, "height": 640}, java_script_enabled=script
    )
    context.set_default_timeout(60_000)
    page = context.new_page()
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    network.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": LATENCY, "downloadThroughput": RATE,
         "uploadThroughput": RATE},
    )  # fmt: skip
    painted: list[float] = []
    network.send("Page.enable")
    network.send("Page.setLifecycleEventsEnabled", {"enabled": True})
    network.on(
        "Page.lifecycleEvent",
        lambda told: painted.extend(
            [time.perf_counter()] if told["name"] == "firstContentfulPaint" else []
        ),
    )
    begun = time.perf_counter()
    page.goto(f"{url}/request", wait_until="load")
    while not painted:
        page.wait_for_timeout(50)
    usable = painted[0] - begun
    taps = []
    for answer in TAPS:
        before = page.locator("h1").inner_text()
        begun = time.perf_counter()
        page.locator(f'button[name=answer][value="{answer}"]').click(no_wait_after=True)
        page.locator("h1").filter(has_not_text=before).wait_for()
        taps.append(time.perf_counter() - begun)
    context.close()
    return usable, taps
