// The phone's location: asked for when the button is pressed, never before; sent with the form alone.
(function () {
  if (!navigator.geolocation) return;
  document.documentElement.className = "locates";
  document.addEventListener("click", function (event) {
    var button = event.target, form = button.form, told = document.getElementById("located");
    function say(name, number) { told.textContent = button.getAttribute("data-" + name).replace("{}", number); }
    if (button.id !== "locate") return;
    say("looking");
    navigator.geolocation.getCurrentPosition(function (found) {
      var feet = found.coords.accuracy * 3.281;
      form.latitude.value = found.coords.latitude.toFixed(6);
      form.longitude.value = found.coords.longitude.toFixed(6);
      form.accuracy.value = Math.ceil(found.coords.accuracy);
      if (feet > 2640) say("miles", Math.ceil(feet / 2640) / 2);
      else say("feet", Math.ceil(feet / 50) * 50);
    }, function (fault) { say(fault.code === 1 ? "denied" : "unknown"); },
    { enableHighAccuracy: true, timeout: 20000 });
  });
})();
