// The first tap sends and locks the rest; the next screen is the answer to the post. On a slow line
// a second tap would answer the next question. If anything here fails, the plain form works alone.
(function () {
  var pressed, kept, busy, half = "";
  function all(root, query, act) { [].forEach.call(root.querySelectorAll(query), act); }
  function word(name) { return document.querySelector("main").getAttribute("data-" + name); }
  function say(words) { all(document, "#said", function (said) { said.textContent = words; }); }

  function drop(one) { one.parentNode.removeChild(one); }
  function lock(form, button) {
    busy = true;
    all(form, "button", function (one) { one.setAttribute("aria-disabled", "true"); });
    if (!button) return;
    kept = button.cloneNode(true);
    button.removeAttribute("aria-disabled");
    button.setAttribute("aria-busy", "true");
    say(button.textContent = word("sending"));
  }
  function unlock(form, button) {
    busy = false;
    if (button) button.parentNode.replaceChild(kept, button);
    all(form, "button", function (one) { one.removeAttribute("aria-disabled"); });
    var note = form.querySelector(".unsent") || document.createElement("p");
    note.className = "unsent";
    form.insertBefore(note, form.firstChild);
    say(note.textContent = word("unsent"));
  }
  // words that are not sent yet wait for the next screen with their field
  function keep(form) {
    all(document, "#words", function (field) {
      half = form.contains(field) ? "" : field.value;
    });
  }
  function show(next, at) {  // where a 303 led to; else the page says it
    all(next, "noscript", drop);
    all(document, ".bar, main, .foot", drop);
    all(next, ".bar, main, .foot", function (part) {
      document.body.appendChild(document.adoptNode(part));
    });
    at = word("at") || at;
    if (at && at !== location.pathname && at !== location.href) history.pushState(null, "", at);
    document.title = next.title;
    ["lang", "dir"].forEach(function (one) { document.documentElement[one] = next.documentElement[one]; });
    all(document, "#words", function (field) { field.value = field.value || half; half = ""; });
    say("");
    scrollTo(0, 0);
    var heading = document.querySelector(".check, h1");
    heading.tabIndex = -1;
    heading.focus();
  }
  function send(form, button) {
    var request = new XMLHttpRequest(), fields = new FormData(form);
    if (button) fields.append(button.name, button.value);
    fields.append("next", 1);
    request.open("POST", button && button.getAttribute("formaction") || form.action);
    request.responseType = "document";
    request.timeout = 40000;
    request.onload = function () {
      busy = false;
      try { keep(form); show(request.response, request.responseURL); } catch (fault) { location.reload(); }
    };
    request.onerror = request.ontimeout = function () { unlock(form, button); };
    request.send(fields);
    lock(form, button);
  }

  document.addEventListener("click", function (event) {
    for (pressed = event.target; pressed && pressed.nodeName !== "BUTTON";) pressed = pressed.parentNode;
  });
  document.addEventListener("submit", function (event) {
    var form = event.target, button = pressed && pressed.form === form ? pressed : null;
    if (busy) { event.preventDefault(); return; }
    if (!form.hasAttribute("data-send")) return;
    busy = true;
    try {
      if (!("responseURL" in new XMLHttpRequest())) return;
      send(form, button);
      event.preventDefault();
    } catch (fault) { /* the browser sends the form itself */ }
  });
  addEventListener("popstate", function () { location.reload(); });
})();
