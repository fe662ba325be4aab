// A page of the desk looks for news by itself: one loop, slower when nobody answers, driven by a
// worker so that a hidden page goes on. It changes rows and parts by their key, never one in use.
(function () {
  var body = document.body, news = body.getAttribute("data-news"), csrf = body.getAttribute("data-csrf"),
    table = document.getElementById("queue"), calls = document.getElementById("calls"), rail = document.getElementById("rail"), desk = document.getElementById("case"),
    QUICK = 2000, pause = QUICK, last = 0, heard = Date.now(), v = "", busy, over,
    underway = [],
    // this machine's clock may be wrong
    skew = body.getAttribute("data-now") - heard / 1000,
    caseTag = desk && desk.getAttribute("data-tag"), callsTag = calls && calls.getAttribute("data-tag"), order, held = {}, known, title = document.title.replace(/^\(\d+\) /, "");
  if (!news) return;
  function id(name) { return document.getElementById(name); }
  function all(query, act, within) { [].forEach.call((within || document).querySelectorAll(query), act); }
  function now() { return Date.now() / 1000 + skew; }
  function age(seconds) {
    var s = Math.max(0, Math.floor(seconds)), h = Math.floor(s / 3600), m = Math.floor(s / 60), two = function (n) { return (n < 10 ? "0" : "") + n; };
    return h > 47 ? Math.floor(h / 24) + " days" : h ? h + " h " + two(m % 60) : m + ":" + two(s % 60);
  }
  function ask(way, fields, done) {
    var request = new XMLHttpRequest();
    request.open("POST", way);
    request.setRequestHeader("Content-Type", "application/x-www-form-urlencoded");
    request.setRequestHeader("X-CSRF-Token", csrf);
    request.timeout = 15000;
    request.onload = function () { done(request.status, request.responseText); };
    request.onerror = request.ontimeout = function () { done(0, ""); };
    underway = underway.filter(function (one) { return one.readyState < 4; }).concat(request);
    request.send(Object.keys(fields).map(function (name) { return name + "=" + encodeURIComponent(fields[name]); }).join("&"));
  }
  function line(key) { return document.querySelector('tr[data-key="' + key + '"]'); }
  function have() {
    var told = "";
    all("tr[data-key]", function (row) { told += row.getAttribute("data-key") + "=" + row.getAttribute("data-tag") + " "; });
    return told;
  }
  function parsed(html) { return new DOMParser().parseFromString(html, "text/html"); }
  function used(node) { return node.contains(document.activeElement); }
  // cell by cell, or line by line: what is the same, or in use, stays the same node
  function mend(old, next) {
    [].forEach.call(next.attributes, function (one) { if (one.name !== "hidden") old.setAttribute(one.name, one.value); });
    [].slice.call(next.children).forEach(function (fresh, at) {
      var there = old.children[at];
      if (!there) old.appendChild(document.importNode(fresh, true));
      else if (!there.isEqualNode(fresh) && !used(there) && !there.querySelector("details[open]")) old.replaceChild(document.importNode(fresh, true), there);
    });
    while (old.children.length > next.children.length) old.removeChild(old.lastElementChild);
  }
  function arrange() {
    if (order) all("tr[data-key]", function (row) {
      var key = row.getAttribute("data-key");
      if (!used(row) && Object.keys(order).every(function (band) { return order[band].indexOf(key) < 0; })) row.parentNode.removeChild(row);
    });
    Object.keys(order || {}).forEach(function (band) {
      var part = document.querySelector("tbody[data-band=" + band + "]"), cursor;
      if (!part) return;
      cursor = part.querySelector("tr[data-key]") || part.querySelector(".empty");
      order[band].forEach(function (key) {
        var row = line(key), focus;
        if (!row) return;
        if (row === cursor) { cursor = row.nextElementSibling; return; }
        if (row.parentNode !== part && held[key] > Date.now()) return; // says who took it, then moves
        focus = used(row) && document.activeElement;
        part.insertBefore(row, cursor);
        if (focus) focus.focus();
      });
      part.querySelector(".empty").hidden = !!part.querySelector("tr[data-key]");
      if (order[band].length) part.hidden = false;
    });
  }
  function rows(told) {
    var place = {};
    Object.keys(told.order).forEach(function (band) {
      told.order[band].forEach(function (key) { place[key] = band; });
      all("[data-band=" + band + "] [data-count]", function (one) { one.textContent = told.many[band]; });
      all("tbody[data-band=" + band + "] [data-more]", function (one) { one.hidden = told.many[band] <= told.order[band].length; });
    });
    Object.keys(told.rows).forEach(function (key) {
      var next = parsed("<table>" + told.rows[key] + "</table>").querySelector("tr"), old = line(key), part;
      if (old) {
        if (old.classList.contains("untaken") && place[key] !== "nobody") held[key] = Date.now() + 10000;
        mend(old, next);
      } else if ((part = document.querySelector("tbody[data-band=" + place[key] + "]"))) {
        part.insertBefore(document.importNode(next, true), part.querySelector(".empty"));
      }
    });
    order = told.order;
    arrange();
  }
  // each is its level, when it began, and a name; those behind the longest list ring as one
  function alarm(told) {
    var list = told.list.slice(), names;
    if (told.many > list.length) list.push(["R2", 0, "+" + told.many]);
    names = list.map(function (one) { return one[2]; });
    document.title = (told.many ? "(" + told.many + ") " : "") + title;
    list.forEach(function (one) {
      if (known && known.indexOf(one[2]) < 0 && (one[3] || one[0] === "R1")) id("said-now").textContent = one[3] ? "You are asked to take over a case." : "New emergency. Nobody has it yet.";
    });
    known = names;
    all("#locked-alarm", function (there) {
      there.textContent = "";
      list.forEach(function (one) {
        var item = document.createElement("li"), time = document.createElement("time");
        if (!one[1]) item.textContent = (told.many - told.list.length) + " more";
        else {
          time.setAttribute("data-at", one[1]);
          item.textContent = (one[0] === "R1" ? "Emergency R1 " : "Human now R2 ");
          item.appendChild(time);
        }
        there.appendChild(item);
      });
    });
    document.dispatchEvent(new CustomEvent("alarm", { detail: list.map(function (one) { return { name: one[2], level: one[0] }; }) }));
  }
  function got(status, text) {
    var told;
    busy = false;
    if (status === 401 || status === 403) { over = true; id("signed-out").hidden = false; return; }
    if (status !== 200) { failed(); return; }
    told = JSON.parse(text);
    heard = Date.now(); skew = told.now - heard / 1000; pause = QUICK;
    id("offline").hidden = true;
    if (told.locked) lock();
    if (told.alarm) alarm(told.alarm);
    if (told.order) rows(told);
    if (told.filters && !used(id("filters"))) id("filters").replaceWith(parsed(told.filters).getElementById("filters"));
    if (told.rail && rail && !used(rail)) { rail.replaceChildren.apply(rail, [].slice.call(parsed(told.rail[1]).body.childNodes)); rail.setAttribute("data-tag", told.rail[0]); }
    v = told.v;
    if (calls) ask(calls.getAttribute("data-at") + "/news", { v: callsTag, have: have() }, gotCalls);
    if (desk) ask(desk.getAttribute("data-at") + "/news", { v: caseTag, looks: document.hasFocus() ? 1 : 0, show: /show=everything/.test(location.search) ? "everything" : "" }, gotCase);
    clocks();
  }
  // the words go, the sound stays: a page that is opened anew would be silent
  function lock() {
    var form = id("locked");
    if (!form || !form.hidden) return;
    all("main, .desk, .rail, .alarm.calm, #fault", function (one) { one.textContent = ""; });
    table = desk = calls = null;
    form.hidden = false;
    form.querySelector("input[type=password]").focus();
  }
  function failed() {
    id("offline").hidden = false;
    pause = Math.min(pause * 2, 8000);
  }
  function gotCalls(status, text) {
    if (status !== 200 || !calls) return;
    var told = JSON.parse(text);
    callsTag = told.v;
    all("[data-stood]", function (one) { one.hidden = true; });
    if (told.order) rows(told);
  }
  function gotCase(status, text) {
    var told, next, list = id("p-talk"), end;
    if (status !== 200) return;
    told = JSON.parse(text);
    caseTag = told.v;
    if (!told.html) return;
    next = parsed(told.html);
    end = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
    all("[data-part]", function (old) {
      var fresh = next.getElementById(old.id), heard = old === list && list.querySelectorAll(".them").length;
      if (!fresh) return;
      if (old === list) {
        mend(list, fresh);
        if (list.querySelectorAll(".them").length > heard) id("said").textContent = [].slice.call(list.querySelectorAll(".them .words"), -1)[0].textContent;
      } else if (!old.isEqualNode(fresh) && !used(old) && !old.querySelector("details[open]")) {
        old.parentNode.replaceChild(document.importNode(fresh, true), old);
      }
    });
    all("#w, #compose button", function (one) {
      var fresh = one.id ? next.getElementById("w") : next.querySelector("#w");
      if (fresh && one.id) one.readOnly = fresh.readOnly; else if (fresh) one.disabled = fresh.readOnly;
    });
    if (end) list.scrollTop = list.scrollHeight;
  }
  function look() {
    var fields = { v: v, page: table ? "queue" : "", here: desk ? desk.getAttribute("data-case") : "", rail: rail ? rail.getAttribute("data-tag") : "" };
    if (busy || over) return;
    busy = true; last = Date.now();
    if (table) {
      new URLSearchParams(location.search).forEach(function (value, name) { fields[name] = value; });
      fields.have = have();
    }
    ask(news, fields, got);
  }
  function clocks() {
    all("time[data-at]", function (one) { one.textContent = age(now() - one.getAttribute("data-at")); late(one); });
    all("time[data-to]", function (one) {
      var left = one.getAttribute("data-to") - now(), box = one.closest("[data-clock]");
      one.textContent = age(left); late(one);
      if (box) { box.classList.toggle("soon", left > 0 && left <= 30); box.classList.toggle("over", left <= 0); }
    });
    all("#offline [data-for]", function (one) { one.textContent = age((Date.now() - heard) / 1000); });
  }
  function late(one) {
    // so many seconds behind its beginning; what counts down is late behind its end
    var after = one.getAttribute("data-late"), at = after ? +one.getAttribute("data-at") + +after : +one.getAttribute("data-to");
    if (at) one.classList.toggle("late", now() > at);
  }
  function tick() {
    if (Date.now() - last >= pause) look();
    clocks(); arrange();
    document.dispatchEvent(new CustomEvent("tick"));
  }
  // a look on its way would come back refused; a sign-out that does not come through must not be silence
  document.addEventListener("submit", function (event) {
    if (!/\/sign-out$/.test(event.target.action)) return;
    underway.forEach(function (one) { one.abort(); });
    busy = false; last = Date.now() + 15000;
  });
  document.addEventListener("look", function () { caseTag = ""; last = 0; tick(); });
  try { new Worker(body.getAttribute("data-tick")).onmessage = tick; } catch (fault) { setInterval(tick, 1000); }
  // an answer that says why nothing was done has the address of its form: opened anew, it would be sent again
  if (desk && location.pathname !== desk.getAttribute("data-at")) history.replaceState(null, "", desk.getAttribute("data-at"));
  if (id("p-talk")) id("p-talk").scrollTop = id("p-talk").scrollHeight;
  look();
})();
