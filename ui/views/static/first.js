// The first page while there is nothing to ask about: what this machine offers, paths and commands to copy, a language model by one click.
(() => {
  "use strict";
  // --- parts of the page that the server draws when they are first seen ---
  async function load(part) {
    part.dataset.loaded = "";
    const answer = await ofAsk.send(part.dataset.loads);
    if (answer) part.innerHTML = await answer.text();
  }
  const loadSeen = () => document.querySelectorAll("[data-loads]:not([data-loaded])").forEach((part) => { if (part.parentElement.offsetParent) load(part); });
  new MutationObserver(loadSeen).observe(document.documentElement, { childList: true, subtree: true });
  loadSeen();

  // --- who writes the answers ---
  async function use(options, words) {
    if (!(await ofAsk.send("/api/v1/language-models/chosen", options))) return;
    ofAsk.say(words);
    ofAsk.tellWhoAnswers();
    document.querySelectorAll("[data-loads][data-loaded]").forEach((part) => { delete part.dataset.loaded; });
    loadSeen();
  }
  const chosen = (server, name) => ({ method: "PUT", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ server, name }) });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    const said = button?.dataset || {};
    if ("copy" in said) ofAsk.copy(said.copy);
    else if ("useName" in said) use(chosen(said.useServer, said.useName), gettext("{model} writes the answers from the next question on.", { model: said.useName }));
    else if ("useNone" in said) use({ method: "DELETE" }, gettext("Answers are quoted from the documents from the next question on."));
    else if ("lookAgain" in said) load(button.closest("[data-loads]"));
    else if ("tab" in said) document.getElementById(`tab-${said.tab}-button`)?.click();
  });
})();
