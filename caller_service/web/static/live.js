// The page looks again by itself: one loop, slower while nothing changes, none while it is hidden.
// Only parts that changed are replaced, never one that somebody uses or types in.
(function () {
  var QUICK = 4000, pause = QUICK, timer, busy, used;
  function all(query, act) { [].forEach.call(document.querySelectorAll(query), act); }
  function clock() {
    return new Date().toLocaleTimeString(document.documentElement.lang, { hour: "numeric", minute: "2-digit" });
  }
  function later(wait) { clearTimeout(timer); timer = setTimeout(look, wait); }
  function again() { pause = QUICK; later(0); }
  function failed() {
    busy = false;
    all("#stale[hidden]", function (note) {
      note.firstElementChild.textContent = note.getAttribute("data-since").replace("{}", clock());
      note.hidden = false;
    });
    later(pause = Math.min(pause * 2, 60000));
  }
  function newest(act) { all(".live .talk li:last-child", act); }
  function put(html) {
    var next = new DOMParser().parseFromString(html, "text/html"), read, known;
    newest(function (last) { read = last.getBoundingClientRect().top < innerHeight; });
    all("[data-part]", function (old) {
      var now = next.getElementById(old.id), loud, said = document.getElementById("said");
      known = known || now;
      if (!now || old.isEqualNode(now) || old.contains(document.activeElement)
        || old.querySelector("details[open]")) return;
      old.parentNode.replaceChild(document.adoptNode(now), old);
      loud = now.querySelectorAll("h1, .theirs");
      if (loud.length) said.textContent = loud[loud.length - 1].textContent;
    });
    if (!known) location.reload(); // locked, or another screen is open
    if (read) newest(reveal);
  }
  function reveal(last) { last.scrollIntoView(false); }
  function look() {
    var at = document.querySelector("main[data-poll]"), request = new XMLHttpRequest(), typed;
    if (busy || document.hidden) return;
    if (!at) { later(QUICK); return; }
    request.open("GET", at.getAttribute("data-poll") + at.getAttribute("data-v"));
    if (used) request.setRequestHeader("X-Used", used);
    request.timeout = 20000;
    request.onload = function () {
      var told;
      busy = false;
      if (!document.contains(at)) { later(QUICK); return; } // another screen came meanwhile
      if (request.status >= 500) { failed(); return; }
      all("textarea, input", function (one) { typed = typed || one.value !== one.defaultValue; });
      if (request.status >= 400) { if (typed) failed(); else location.reload(); return; }
      all("#stale", function (note) { note.hidden = true; });
      told = request.responseText;
      told = told[0] === "{" ? JSON.parse(told) : { v: "", html: told };
      pause = Math.min(pause * 1.15, 20000);
      if (told.html) {
        put(told.html);
        at.setAttribute("data-v", told.v);
        if (told.v) pause = QUICK;
      }
      all(".fresh time", function (time) { time.textContent = clock(); });
      later(pause);
    };
    request.onerror = request.ontimeout = failed;
    busy = true;
    used = 0;
    request.send();
  }
  document.addEventListener("visibilitychange", again);
  document.addEventListener("input", function () { pause = QUICK; used = 1; });
  addEventListener("online", again);
  newest(reveal);
  later(QUICK);
})();
