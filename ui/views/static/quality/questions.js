// The Quality tab: asks for what is shown of a collection, and sends the questions that are written there.
(() => {
  "use strict";
  const tab = () => document.getElementById("quality");
  const form = () => tab()?.querySelector("form.questions");
  const UNSAVED = gettext("The questions were changed and not saved. Leave the changes?");
  const TRIES = 50;
  let isChanged = false, turn = 0;

  // --- what is shown: asked for when the tab is opened, another collection is chosen, or it was saved ---
  async function draw(collection) {
    const mine = ++turn;
    const answer = await ofAsk.send(`/quality?${new URLSearchParams({ collection })}`);
    if (!answer) return;
    const drawn = await answer.text();
    if (mine !== turn) return; // another was chosen since
    tab().innerHTML = drawn;
    isChanged = false;
  }

  function opened(tries = TRIES) {
    if (!tab() && tries) return setTimeout(opened, 100, tries - 1);
    if (!isChanged) draw(form()?.dataset.collection || "");
  }

  // --- what is written ---
  const fieldsOf = (line) => Object.fromEntries([...line.querySelectorAll("[name]")].map((field) => [field.name, field.value.trim()]));

  function isComplete(line) {
    const question = line.querySelector("[name=question]"), { question: asked, ...rest } = fieldsOf(line);
    const lacks = !asked && Object.values(rest).some(Boolean);
    question.setCustomValidity(lacks ? gettext("Write a question, or empty the rest of the line.") : "");
    return !lacks;
  }

  async function save(sent) {
    const lines = [...sent.querySelectorAll("tbody tr")];
    lines.forEach(isComplete);
    if (!sent.reportValidity()) return;
    const written = lines.map(fieldsOf).filter((one) => one.question).map((one) => ({ ...one, page: one.page ? Number(one.page) : null }));
    const { collection, version } = sent.dataset, button = sent.querySelector("button");
    const options = { method: "PUT", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ questions: written, version }) };
    button.disabled = true; // a second click would send the version that the first one replaces
    const answer = await ofAsk.send(`/api/v1/collections/${encodeURIComponent(collection)}/questions`, options);
    button.disabled = false;
    if (!answer) return;
    const saved = (await answer.json()).questions.length;
    await draw(collection);
    form()?.querySelector("button").focus({ preventScroll: true });
    ofAsk.say(gettext("Saved: {count}. They are asked once all documents are indexed.", { count: saved }), null, 10);
  }

  document.addEventListener("submit", (event) => {
    if (event.target !== form()) return;
    event.preventDefault();
    save(event.target);
  });
  document.addEventListener("input", (event) => {
    const line = event.target.closest("#quality form.questions tr");
    if (!line) return;
    isChanged = true;
    isComplete(line);
  });
  document.addEventListener("change", (event) => {
    if (!event.target.matches("#quality [name=collection]")) return;
    if (isChanged && !confirm(UNSAVED)) event.target.value = form().dataset.collection;
    else draw(event.target.value);
  });
  addEventListener("beforeunload", (event) => { if (isChanged) event.preventDefault(); });

  window.ofQuality = { opened: () => opened() };
})();
