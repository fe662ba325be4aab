// Keeps what is typed to a resident on the server, sealed, until it is sent; puts a ready phrase into
// the field instead of sending it at once. It sends without leaving the page, which goes on ringing:
// where nothing could be sent, the words stay in the field.
(function () {
  var field = document.getElementById("w"), form = document.getElementById("compose"), way, kept, timer, keeping, sent;
  if (!field) return;
  kept = field.value;
  way = form.action.replace(/words$/, "draft");
  function says(words) { document.getElementById("draft-state").textContent = words; }
  function post(way, body, done) {
    var request = new XMLHttpRequest();
    request.open("POST", way);
    request.setRequestHeader("Content-Type", "application/x-www-form-urlencoded");
    request.setRequestHeader("X-CSRF-Token", document.body.getAttribute("data-csrf"));
    request.timeout = 20000;
    request.onload = function () { done(request.status); };
    request.onerror = request.ontimeout = function () { done(0); };
    request.send(body);
    return request;
  }
  function keep() {
    var words = field.value;
    clearTimeout(timer);
    if (words === kept || sent) return;
    keeping = post(way, "words=" + encodeURIComponent(words), function (status) {
      if (sent) return;
      if (status === 204) { kept = words; says(words ? "Draft kept." : ""); return; }
      says("Not kept yet. It stays in this field.");
      timer = setTimeout(keep, 5000);
    });
  }
  function send(event) {
    event.preventDefault();
    if (sent || !field.value.trim()) return; // a second press is no second message
    sent = true; clearTimeout(timer);
    if (keeping) keeping.abort();
    says("Sending.");
    post(form.action, new URLSearchParams(new FormData(form)).toString(), function (status) {
      sent = false;
      if (status === 200) {
        field.value = kept = "";
        form.elements.once.value = Date.now() + "." + Math.random(); // the next message is another one
        says("Sent."); document.dispatchEvent(new CustomEvent("look"));
      }
      else if (!status || status >= 500) says("Not sent. Your words are in this field: send them again.");
      else form.submit(); // the answer says why not, and holds the words
    });
  }
  field.addEventListener("input", function () { clearTimeout(timer); timer = setTimeout(keep, 800); });
  field.addEventListener("blur", keep);
  document.addEventListener("visibilitychange", keep);
  addEventListener("beforeunload", function () { // a request would end with the page
    if (field.value === kept || sent || !navigator.sendBeacon) return;
    navigator.sendBeacon(way, new URLSearchParams({ words: field.value, csrf: document.body.getAttribute("data-csrf") }));
  });
  form.addEventListener("submit", send);
  form.addEventListener("click", function (event) {
    var phrase = event.target.closest("[data-phrase]");
    if (!phrase) return;
    event.preventDefault();
    field.value = (field.value.trim() ? field.value.replace(/\s*$/, "\n") : "") + phrase.getAttribute("data-phrase");
    field.focus();
    timer = setTimeout(keep, 0);
  });
})();
