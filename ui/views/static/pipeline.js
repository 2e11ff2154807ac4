// The Pipeline tab: asks for its parts while someone looks at it, and sends what its buttons say, after a question where something is lost.
(() => {
  "use strict";
  const NOW_MS = 3000, FIGURES_MS = 60000, TRIES = 50;
  const place = () => document.getElementById("pipeline");
  const partOf = (name) => place()?.querySelector(`[data-part="${name}"]`);
  const isLookedAt = () => !document.hidden && Boolean(place()?.getClientRects().length);
  let turn = 0, timer = 0, figuresAt = -Infinity;

  // --- parts, drawn by the server ---
  async function draw(name) {
    let drawn, failed = "";
    try {
      const answer = await fetch(`/pipeline/${name}`);
      if (answer.ok) drawn = await answer.text();
      else failed = failureOf((await answer.json()).error);
    } catch {
      failed = gettext("The app could not be reached. Is it still running?");
    }
    const part = partOf(name);
    if (!part) return;
    if (failed) say(part, failed);
    else if (part.drawn !== drawn) replace(part, drawn);
  }

  function say(part, words) {
    part.drawn = null;
    part.replaceChildren(Object.assign(document.createElement("p"), { className: "failure", role: "alert", textContent: words }));
  }

  function replace(part, drawn) {
    const focused = part.contains(document.activeElement) ? nameOf(document.activeElement) : "";
    const unfolded = new Set([...part.querySelectorAll("details[open]")].map(nameOf));
    part.innerHTML = drawn;
    part.drawn = drawn;
    part.querySelectorAll("[data-width]").forEach((bar) => { bar.style.width = bar.dataset.width; });
    part.querySelectorAll("details").forEach((one) => { one.open = unfolded.has(nameOf(one)); });
    if (focused) [...part.querySelectorAll("button, a, summary")].find((one) => nameOf(one) === focused)?.focus({ preventScroll: true });
  }

  // By what an element is found again that was drawn anew.
  function nameOf(element) {
    const { send = "", body = "", unfolds = "" } = element.dataset, title = element.closest("figure")?.querySelector("strong")?.textContent;
    return [element.tagName, send || element.getAttribute("href"), body || unfolds, title].join(" ");
  }

  // --- only while someone looks ---
  async function look() {
    const mine = ++turn;
    clearTimeout(timer);
    if (!isLookedAt()) return;
    await draw("now");
    if (mine !== turn) return;
    if (performance.now() - figuresAt > FIGURES_MS) {
      figuresAt = performance.now();
      draw("figures");
    }
    timer = setTimeout(look, NOW_MS);
  }

  function opened(tries = TRIES) {
    if (!isLookedAt() && tries) return setTimeout(opened, 100, tries - 1);
    draw("machine");
    look();
  }
  document.addEventListener("visibilitychange", look);
  document.addEventListener("toggle", (event) => {
    const name = event.target.dataset?.unfolds;
    if (name && event.target.open) unfold(name);
  }, true);

  async function unfold(name) {
    partOf(name).textContent = gettext("Looking …");
    partOf(name).drawn = null;
    await draw(name);
  }

  // --- buttons ---
  const dialog = document.createElement("dialog");
  dialog.id = "sure";
  dialog.setAttribute("aria-labelledby", "sure-question");
  dialog.innerHTML = '<form method="dialog"><p id="sure-question"></p><button value="no" autofocus></button><button value="yes"></button></form>';
  dialog.querySelector("[value=no]").textContent = gettext("Leave it as it is");

  function isSure(question, words) {
    if (!dialog.isConnected) document.body.append(dialog);
    dialog.querySelector("p").textContent = question;
    dialog.querySelector("[value=yes]").textContent = words;
    dialog.returnValue = "";
    dialog.showModal();
    return new Promise((done) => { dialog.onclose = () => done(dialog.returnValue === "yes"); });
  }

  document.addEventListener("click", async (event) => {
    const tab = event.target.closest("#pipeline [data-tab]")?.dataset.tab;
    if (tab) return document.getElementById(`tab-${tab}-button`)?.click();
    const again = event.target.closest("#pipeline [data-again]");
    if (again) return unfold(again.dataset.again);
    const button = event.target.closest("#pipeline button[data-send]");
    if (!button) return;
    const { send, body, question } = button.dataset, words = button.textContent;
    if (question && !(await isSure(question, words))) return;
    const options = { method: "POST", ...(body && { body, headers: { "Content-Type": "application/json" } }) };
    const answer = await window.ofAsk.send(send, options);
    if (answer) window.ofAsk.say(saidOf(await answer.json(), words), null, 10);
    look();
  });

  // What the server says of it is English; whoever reads another language is told that it was done.
  function saidOf(answer, words) {
    const english = document.documentElement.lang.startsWith("en") && answer.message;
    return english || gettext("{what}: done, or taken up within seconds.", { what: words });
  }

  window.ofPipeline = { opened: () => opened() };
})();
