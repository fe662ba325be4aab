// Leave this page at once: the button, or Shift three times. The page itself is replaced; the browser's history before it remains.
(function () {
  var link = document.getElementById("exit"), presses = 0, last = 0;
  function leave(event) { if (event) event.preventDefault(); location.replace(link.href); }
  link.addEventListener("click", leave);
  addEventListener("keyup", function (event) {
    if (event.key !== "Shift") { presses = 0; return; }
    presses = Date.now() - last < 1000 ? presses + 1 : 1;
    last = Date.now();
    if (presses === 3) leave();
  });
})();
