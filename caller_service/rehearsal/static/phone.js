// Keeps the phones fresh and sends without a reload. The page works without it: every form posts and comes back.
"use strict";
(() => {
  const desk = document.querySelector("[data-state]");
  const others = document.getElementById("others");
  const notes = document.getElementById("notes");
  const blank = document.getElementById("phone-template");
  let version = Number(desk.dataset.version);

  const STATES = {
    queued: "on its way", delivered: "delivered", undelivered: "did not arrive", failed: "refused: this phone stopped texts",
  };

  const made = (tag, className, words) => {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (words) element.textContent = words;
    return element;
  };

  // Real phones make links tappable; everything else stays plain text.
  const linked = (target, words) => {
    for (const piece of words.split(/(https?:\/\/[^\s<>]*[^\s<>.,)!?])/)) {
      if (!/^https?:\/\//.test(piece)) { target.append(piece); continue; }
      const link = made("a", "", piece);
      link.href = piece;
      link.target = "_blank";
      link.rel = "noopener noreferrer";
      target.append(link);
    }
  };

  const bubble = (message) => {
    const item = made("div", message.mine ? "mine" : "theirs");
    item.dataset.sid = message.sid;
    if (["undelivered", "failed"].includes(message.status)) item.classList.add("lost");
    const words = made("p", "words");
    words.dir = "auto";
    words.append(made("span", "who", message.mine ? "You: " : "The program: "));
    linked(words, message.body);
    const state = made("p", "state");
    const time = made("time", "", message.time);
    time.dateTime = message.at;
    let said = message.mine
      ? (message.answered_ms === null ? "sent" : `answered in ${message.answered_ms} ms`)
      : (STATES[message.status] || message.status) + (message.error_code ? ` (${message.error_code})` : "") + ` · ${message.parts} SMS`;
    state.append(time, ` · ${said}`);
    if (message.notice) state.append(" · ", made("strong", "", message.notice));
    item.append(words, state);
    return item;
  };

  // Only what changed is replaced, so that a screen reader hears the new text and not the whole talk again.
  const thread = (section, told) => {
    section.querySelector(".blocked").hidden = !told.blocked;
    const list = section.querySelector(".thread");
    list.querySelectorAll(".empty, .pending").forEach((item) => item.remove());
    const known = new Map([...list.children].map((item) => [item.dataset.sid, item]));
    const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
    let added = false;
    told.messages.forEach((message) => {
      const fresh = bubble(message);
      const old = known.get(message.sid);
      known.delete(message.sid);
      if (!old) { list.append(fresh); added = true; }
      else if (old.textContent.replace(/\s+/g, " ").trim() !== fresh.textContent.replace(/\s+/g, " ").trim()) {
        old.className = fresh.className;
        old.querySelector(".state").replaceWith(fresh.querySelector(".state"));
      }
    });
    known.forEach((item) => item.remove());
    if (!list.children.length) list.append(made("div", "empty", "No texts yet."));
    if (added && atEnd) list.scrollTop = list.scrollHeight;
  };

  const put = (element, words) => { if (element.textContent !== words) element.textContent = words; };

  // A browser reads aloud what the program says on the phone in front. What a key cuts off, stops.
  const aloud = document.getElementById("aloud");
  const voice = window.speechSynthesis;
  let spoken = { sid: "", count: 0 };
  if (voice) aloud.parentElement.hidden = false;

  const speak = (call) => {
    if (!voice) return;
    if (spoken.sid !== call.sid) {
      voice.cancel();
      // A call that was under way before the page was opened is not told again.
      spoken = { sid: call.sid, count: call.lines.length > 8 ? call.count : 0 };
    }
    const fresh = call.lines.slice(call.lines.length - Math.min(call.lines.length, call.count - spoken.count));
    spoken.count = call.count;
    if (!call.live || fresh.some((line) => line.kind === "presses")) voice.cancel();
    if (!aloud.checked || !call.live) return;
    for (const line of fresh) {
      if (line.kind !== "says" && line.kind !== "hears") continue;
      const words = new SpeechSynthesisUtterance(line.words || line.text);
      if (line.language) words.lang = line.language;
      voice.speak(words);
    }
  };
  aloud.addEventListener("change", () => { if (voice && !aloud.checked) voice.cancel(); });

  const heard = (list, call) => {
    const shown = call.lines.filter((line) => line.kind !== "listens");
    const first = call.count - call.lines.length;  // older lines are not sent
    const known = list.dataset.sid === call.sid && Number(list.dataset.first) === first ? list.children.length : 0;
    if (!known) list.replaceChildren();
    list.dataset.sid = call.sid;
    list.dataset.first = first;
    const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
    shown.forEach((line, place) => {
      if (place < known) { list.children[place].classList.toggle("cut", line.cut); return; }
      const item = made("div", line.side + (line.cut ? " cut" : ""));
      const words = made("p", "words", line.text);
      words.dir = "auto";
      if (line.language) words.lang = line.language;
      item.append(words);
      list.append(item);
    });
    if (atEnd) list.scrollTop = list.scrollHeight;
  };

  const ring = (section, call) => {
    const form = section.querySelector(".call");
    form.hidden = !call;
    const dial = section.querySelector(".dial");
    if (dial) dial.hidden = Boolean(call && call.live);
    if (!call) return;
    form.elements.call.value = call.sid;
    put(form.querySelector(".line"), call.stands);
    const fault = form.querySelector(".fault");
    fault.hidden = !call.fault;
    put(fault.querySelector("span"), call.fault);
    heard(form.querySelector(".heard"), call);
    // Whoever holds the focus on what goes away keeps their place.
    const inside = form.contains(document.activeElement);
    form.querySelector(".rings").hidden = !call.ringing;
    form.querySelector(".talks").hidden = !call.talking;
    if (inside && !document.activeElement.offsetParent) form.querySelector(".heard").focus();
    if (section.classList.contains("hero")) speak(call);
  };

  const act = (told) => fetch(document.querySelector("form.call").action, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify(told),
  }).catch(() => {});

  // On a call, the digits of the keyboard are the keypad, but not where words are typed.
  document.addEventListener("keydown", (event) => {
    const form = event.target.closest?.("form.call");
    if (!form || event.target.matches("input") || event.ctrlKey || event.altKey || event.metaKey) return;
    if (!/^[0-9*#]$/.test(event.key) || form.querySelector(".talks").hidden) return;
    event.preventDefault();
    act({ call: form.elements.call.value, act: event.key });
  });

  const newPhone = (told) => {
    const section = blank.content.firstElementChild.cloneNode(true);
    section.dataset.key = told.key;
    const name = section.querySelector("h2");
    name.id = `name-${told.key}`;
    section.setAttribute("aria-labelledby", name.id);
    section.querySelector(".name").textContent = told.name;
    section.querySelector(".number").textContent = told.number;
    section.querySelector(".thread").setAttribute("aria-label", `Texts of ${told.name}`);
    section.querySelector("[name=from]").value = told.number;
    section.querySelector("[name=body]").id = `body-${told.key}`;
    section.querySelector(".write label").htmlFor = `body-${told.key}`;
    section.querySelector("[name=words]").id = `speak-${told.key}`;
    section.querySelector(".side label").htmlFor = `speak-${told.key}`;
    section.querySelector(".heard").setAttribute("aria-label", `What is said in the call of ${told.name}`);
    section.querySelector(".call").setAttribute("aria-label", `Call of ${told.name}`);
    others.append(section);
    return section;
  };

  const show = (told) => {
    version = told.version;
    thread(document.querySelector(".hero"), told);
    ring(document.querySelector(".hero"), told.call);
    told.others.forEach((other) => {
      const section = others.querySelector(`[data-key="${other.key}"]`) || newPhone(other);
      thread(section, other);
      ring(section, other.call);
    });
    notes.replaceChildren(...[...told.notes].reverse().map((note) => {
      const item = made("div");
      item.append(made("time", "", note.time), ` ${note.words}`);
      return item;
    }));
    if (!told.notes.length) notes.append(made("div", "empty", "Nothing to report."));
    // A failure meant for the next time only switches itself off.
    if (!told.faults.send && !document.activeElement.closest?.("#fail")) document.getElementById("send-works").checked = true;
  };

  const ask = async (wait) => {
    const address = new URL(desk.dataset.state, location.href);
    address.searchParams.set("after", wait ? version : -1);
    address.searchParams.set("wait", wait);
    const answer = await fetch(address, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(String(answer.status));
    show(await answer.json());
  };

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (form.matches("form.dial")) {
      event.preventDefault();
      const told = { from: form.elements.from.value, act: "dial" };
      if (form.elements.to) told.to = form.elements.to.value;
      if (form.elements.withheld.checked) told.withheld = form.elements.withheld.value;
      await act(told);
      return;
    }
    if (form.matches("form.call")) {
      event.preventDefault();
      // Enter in the field of words presses the form's first button, which is hidden in a call.
      const entered = event.submitter.value === "answer" && form.querySelector(".rings").hidden;
      const told = { call: form.elements.call.value, act: entered ? "speak" : event.submitter.value };
      if (told.act === "speak") {
        told.words = form.elements.words.value;
        if (!told.words.trim()) { form.elements.words.focus(); return; }
        form.elements.words.value = "";
      }
      await act(told);
      return;
    }
    if (!event.target.matches("form.write")) return;
    event.preventDefault();
    const field = form.elements.body;
    const words = (event.submitter && event.submitter.value) || field.value;
    if (!words.trim()) { field.focus(); return; }
    if (!event.submitter || !event.submitter.value) field.value = "";
    const list = form.parentElement.querySelector(".thread");
    list.scrollTop = list.scrollHeight;
    try {
      const answer = await fetch(form.action, {
        method: "POST",
        headers: { "Content-Type": "application/json", Accept: "application/json" },
        body: JSON.stringify({ from: form.elements.from.value, body: words }),
      });
      if (!answer.ok) throw new Error(String(answer.status));
    } catch {
      if (!field.value) field.value = words;
      notes.prepend(made("div", "", "The rehearsal itself failed. Your text may not have been sent."));
    }
  });

  document.querySelectorAll(".thread").forEach((list) => { list.scrollTop = list.scrollHeight; });
  (async () => {
    for (;;) {
      try { await ask(20); }
      catch { await new Promise((again) => setTimeout(again, 2000)); }
    }
  })();
})();
