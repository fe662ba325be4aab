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
    const item = made("li", message.mine ? "mine" : "theirs");
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
    if (!list.children.length) list.append(made("li", "empty", "No texts yet."));
    if (added && atEnd) list.scrollTop = list.scrollHeight;
  };

  const LINES = {
    queued: "The program calls this phone.", initiated: "The program calls this phone.", ringing: "This phone rings: the program calls.",
    "in-progress": "On a call with the program.", completed: "The call is over.", busy: "The call was declined.",
    "no-answer": "A call was missed.", canceled: "The call was ended.", failed: "The call failed.",
  };

  const put = (element, words) => { if (element.textContent !== words) element.textContent = words; };

  const ring = (section, call) => {
    const form = section.querySelector(".call");
    form.hidden = !call;
    if (!call) return;
    form.elements.call.value = call.sid;
    put(form.querySelector(".line"), LINES[call.status] || "");
    const said = form.querySelector(".words");
    put(said, call.words);
    said.hidden = !call.words;
    form.querySelector(".rings").hidden = !call.ringing;
    form.querySelector(".talks").hidden = !call.talking;
  };

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
    section.querySelector("label").htmlFor = `body-${told.key}`;
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
      const item = made("li");
      item.append(made("time", "", note.time), ` ${note.words}`);
      return item;
    }));
    if (!told.notes.length) notes.append(made("li", "empty", "Nothing to report."));
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
    if (event.target.matches("form.call")) {
      event.preventDefault();
      const told = { call: event.target.elements.call.value, act: event.submitter.value };
      const headers = { "Content-Type": "application/json", Accept: "application/json" };
      await fetch(event.target.action, { method: "POST", headers, body: JSON.stringify(told) }).catch(() => {});
      return;
    }
    if (!event.target.matches("form.write")) return;
    event.preventDefault();
    const form = event.target;
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
      notes.prepend(made("li", "", "The rehearsal itself failed. Your text may not have been sent."));
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
