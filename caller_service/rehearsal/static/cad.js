// Keeps the board fresh and its clocks counting. The page works without it: every button posts and comes back.
"use strict";
(() => {
  const fresh = document.getElementById("fresh");
  const stale = document.getElementById("stale");
  let version = Number(fresh.dataset.version);
  let seen = Date.now();
  let last = "";

  const json = { headers: { Accept: "application/json" } };
  const pause = (seconds) => new Promise((again) => setTimeout(again, seconds * 1000));

  const replace = async () => {
    const answer = await fetch(fresh.dataset.part, { headers: { Accept: "text/html" } });
    if (!answer.ok) throw new Error(String(answer.status));
    const words = await answer.text();
    if (words === last) return;
    last = words;
    // Whoever stands on a button keeps it; when it is gone, the row's link takes its place and never another button.
    const place = [...fresh.querySelectorAll("a, button, [tabindex]")].indexOf(document.activeElement);
    const row = document.activeElement.closest?.("tr")?.id;
    const { value, className: kind } = document.activeElement;
    fresh.innerHTML = words;
    if (place < 0) return;
    const scope = (row && document.getElementById(row)) || fresh;
    const same = [...scope.querySelectorAll("button, a")].find((each) => each.value === value && each.className === kind);
    const next = row ? same || scope.querySelector("a") : scope.querySelectorAll("a, button, [tabindex]")[place];
    next?.focus({ preventScroll: true });
  };

  const news = async () => {
    if (fresh.dataset.every) { await pause(Number(fresh.dataset.every)); return; }
    const address = new URL(fresh.dataset.state, location.href);
    address.search = `after=${version}&wait=20`;
    const answer = await fetch(address, json);
    if (!answer.ok) throw new Error(String(answer.status));
    version = (await answer.json()).version;
  };

  const tick = () => {
    document.querySelectorAll("[data-since]").forEach((clock) => {
      const seconds = Math.max(0, Math.floor((Date.now() - Date.parse(clock.dataset.since)) / 1000));
      clock.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    });
  };
  setInterval(tick, 1000);

  (async () => {
    for (;;) {
      try {
        await news();
        await replace();
        seen = Date.now();
        if (stale.textContent) stale.textContent = "";
      } catch {
        const words = `This page could not be refreshed since ${new Date(seen).toLocaleTimeString()}.`;
        if (stale.textContent !== words) stale.textContent = words;
        await pause(2);
      }
    }
  })();
})();
