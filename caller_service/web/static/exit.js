// Leave at once: a press on Exit, or Shift three times. The page is blanked before the network is
// asked, and replaced; the history before it remains.
(function () {
  var presses = 0, last = 0;
  function leave(event) {
    if (event) event.preventDefault();
    var link = document.querySelector("[data-exit]");
    document.title = " ";
    document.body.textContent = "";
    location.replace(link.href);
  }
  document.addEventListener("click", function (event) {
    if (event.target.hasAttribute("data-exit")) leave(event);
  });
  document.addEventListener("keyup", function (event) {
    presses = event.keyCode !== 16 ? 0 : Date.now() - last < 1000 ? presses + 1 : 1;
    last = Date.now();
    if (presses === 3) leave();
  });
  // a page that the browser kept whole is asked for again
  addEventListener("pageshow", function (event) { if (event.persisted) location.reload(); });
})();
