// One tick a second: the timers of a worker go on where those of a hidden page do not.
setInterval(function () { postMessage(0); }, 1000);
