// Rings for dangers that nobody has, again and again until somebody takes them. A browser makes no
// sound before a key or a press: then a bar with one button says so. Esc quiets what rings now.
(function () {
  var Context = window.AudioContext || window.webkitAudioContext, sound, list = [], quiet = {}, last = 0,
    bar = document.getElementById("sound-off"), state = document.getElementById("sound"), NOTES = { R1: [880, 660, 880], R2: [660, 660] };
  if (!bar) return;
  function ready() { return sound && sound.state === "running"; }
  function show() {
    bar.hidden = ready();
    if (!state) return;
    state.textContent = ready() ? "Sound on" : "Sound off";
    state.classList.toggle("bad", !ready());
  }
  function burst(level, loud) {
    NOTES[level].forEach(function (pitch, at) {
      var note = sound.createOscillator(), volume = sound.createGain(), from = sound.currentTime + at * 0.28;
      note.frequency.value = pitch;
      volume.gain.setValueAtTime(0.0001, from);
      volume.gain.exponentialRampToValueAtTime(loud, from + 0.03);
      volume.gain.exponentialRampToValueAtTime(0.0001, from + 0.25);
      note.connect(volume); volume.connect(sound.destination);
      note.start(from); note.stop(from + 0.27);
    });
    document.documentElement.setAttribute("data-rang", level);
  }
  function wake(both) {
    var used = navigator.userActivation;  // a key such as Shift is no press that lets a page sound
    if (!Context || used && !used.hasBeenActive) return;
    sound = sound || new Context();
    sound.resume().then(function () {
      show();
      if (both === true) { burst("R2", 0.4); setTimeout(function () { burst("R1", 0.4); }, 1200); }
    });
  }
  document.addEventListener("alarm", function (event) { list = event.detail; });
  document.addEventListener("tick", function () {
    var waits = list.filter(function (one) { return !quiet[one.name]; }), busy = document.querySelector("[data-talking]") || document.activeElement && /^(TEXTAREA|INPUT|SELECT)$/.test(document.activeElement.tagName);
    show();
    if (!ready() || !waits.length || Date.now() - last < 5000) return;
    last = Date.now();
    burst(waits.some(function (one) { return one.level === "R1"; }) ? "R1" : "R2", busy ? 0.2 : 0.4);
  });
  document.addEventListener("keydown", function (event) {
    if (event.key === "Escape") list.forEach(function (one) { quiet[one.name] = 1; });
    if (!ready()) wake();
  });
  document.addEventListener("click", function () { if (!ready()) wake(); });
  bar.querySelector("button").addEventListener("click", function () { wake(true); });
  if (Context) { sound = new Context(); show(); }
})();
