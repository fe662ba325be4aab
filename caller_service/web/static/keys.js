// Single keys act only while a row of the queue, or the heading of a case, has the focus; each person
// can switch them off. In a field they are letters.
(function () {
  var off = document.body.getAttribute("data-single-keys") === "off", field = document.getElementById("w"), list = document.getElementById("keys");
  function here() {
    var one = document.activeElement;
    if (!one || /^(TEXTAREA|INPUT|SELECT)$/.test(one.tagName)) return null;
    return one.closest("#queue tr[data-key]") || (one.id === "ref" ? one : null);
  }
  function step(row, by) {
    var rows = [].slice.call(document.querySelectorAll("#queue tr[data-key]")), next = rows[rows.indexOf(row) + by];
    if (next) next.querySelector("a").focus();
  }
  function press(key, row) {
    var take = row.querySelector && row.querySelector("button.take"), one = document.querySelector(".acts [data-key='" + key + "']"), back = key === "u" && document.querySelector(".alarm.calm button");
    if (row.id !== "ref") { if (key === "a" && take) take.click(); return; }
    if (back) back.click();
    else if (one) { one.click(); if (one.tagName === "SUMMARY") { one = one.parentNode.querySelector("input:not([type=hidden]), select, button"); if (one) one.focus(); } }
  }
  function next() {
    var one, rail = [].slice.call(document.querySelectorAll("#rail a[data-case]:not([aria-current])")), waits = rail.filter(function (each) { return each.hasAttribute("data-since"); });
    waits.sort(function (a, b) { return a.getAttribute("data-since") - b.getAttribute("data-since"); });
    one = waits[0] || rail[0];
    if (one) location.assign(one.href);
  }
  document.addEventListener("keydown", function (event) {
    var row = here(), key = event.key;
    if (event.isComposing || event.altKey || event.metaKey) return;
    if (event.ctrlKey) {
      if (key === "Enter" && field && document.activeElement === field) { event.preventDefault(); document.querySelector("#compose .row button").click(); }
      return;
    }
    if (key === "Escape" && document.activeElement === field) { document.getElementById("ref").focus(); return; }
    if (key === "Escape" && list && list.open) { list.open = false; return; }
    if (off || !row) return;
    if (key === "j") step(row, 1);
    else if (key === "k") step(row, -1);
    else if (key === "n") next();
    else if (key === "/") document.getElementById("find").focus();
    else if (key === "?" && list) { list.open = true; list.querySelector("summary").focus(); }
    else if (/^[1-9]$/.test(key) && field) { key = document.querySelectorAll("[data-phrase]")[key - 1]; if (key) key.click(); }
    else if (/^[a-z]$/.test(key)) press(key, row);
    else return;
    event.preventDefault();
  });
})();
