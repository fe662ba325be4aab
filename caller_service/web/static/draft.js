// Keeps what is typed to a resident on the server, sealed, until it is sent; puts a ready phrase into
// the field instead of sending it at once.
(function () {
  var field = document.getElementById("w"), state = document.getElementById("draft-state"), form = document.getElementById("compose"), kept, timer, sent;
  if (!field) return;
  kept = field.value;
  function keep() {
    var request = new XMLHttpRequest(), words = field.value;
    clearTimeout(timer);
    if (words === kept || sent) return;
    request.open("POST", location.pathname + "/draft");
    request.setRequestHeader("Content-Type", "application/x-www-form-urlencoded");
    request.setRequestHeader("X-CSRF-Token", document.body.getAttribute("data-csrf"));
    request.onload = function () {
      if (request.status === 204) { kept = words; state.textContent = words ? "Draft kept." : ""; } else request.onerror();
    };
    request.onerror = function () { state.textContent = "Not kept yet. It stays in this field."; timer = setTimeout(keep, 5000); };
    request.send("words=" + encodeURIComponent(words));
  }
  field.addEventListener("input", function () { clearTimeout(timer); timer = setTimeout(keep, 800); });
  field.addEventListener("blur", keep);
  document.addEventListener("visibilitychange", keep);
  form.addEventListener("submit", function (event) {
    if (sent) event.preventDefault(); // a second press is no second message
    sent = true; clearTimeout(timer);
  });
  addEventListener("pageshow", function () { sent = false; });
  form.addEventListener("click", function (event) {
    var phrase = event.target.closest("[data-phrase]");
    if (!phrase) return;
    event.preventDefault();
    field.value = (field.value.trim() ? field.value.replace(/\s*$/, "\n") : "") + phrase.getAttribute("data-phrase");
    field.focus();
    timer = setTimeout(keep, 0);
  });
})();
