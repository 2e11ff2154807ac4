// The Ask tab beside Gradio: what is sent with a question, copying, editing, deleting with a way back.
(() => {
  "use strict";
  const box = () => document.querySelector("#question textarea");
  const turns = () => [...document.querySelectorAll("#chat .turn")];
  const lastTurn = () => turns().pop();
  const lastQuestion = () => [...document.querySelectorAll("#chat .question")].pop();
  const idIn = (turn, prefix) => [...(turn?.classList || [])].find((name) => name.startsWith(prefix))?.slice(prefix.length);
  const messageOf = (turn) => idIn(turn, "kept-");
  const conversationOf = (turn) => idIn(turn, "in-");
  const messages = (turn, rest = "") => `/api/v1/conversations/messages/${turn}${rest}`;

  function write(text) {
    box().value = text;
    box().dispatchEvent(new Event("input", { bubbles: true }));
  }

  // --- what goes to the server with an event: Gradio calls these with the values of the page, and sends what they return ---
  let ofGradio = null, next = null, edited = null;
  // On a slow machine somebody clicks before Gradio is ready.
  function trigger(kind) {
    if (ofGradio) ofGradio(kind);
    else setTimeout(trigger, 50, kind);
  }

  window.ofAsk = {
    open: (conversation) => open(conversation),
    say: (words, back, seconds) => say(words, back, seconds),
    send: (address, options) => send(address, options),
    copy: (text) => copyOut(text),
    tellWhoAnswers: () => trigger("click"),
    shown: () => conversationOf(lastTurn()),
    begin(given) {
      ofGradio = given;
      restoreDraft();
      writesAsTyped();
      if (localStorage.getItem("conversations") && matchMedia("(min-width: 1000px)").matches) showPanel();
      const conversation = new URLSearchParams(location.search).get("conversation");
      if (conversation) open(conversation);
    },
  };
  // A question may be in a language that is written the other way.
  function writesAsTyped() {
    if (box()) box().dir = "auto";
    else setTimeout(writesAsTyped, 50);
  }
  const sent = (wishes, chosen) => JSON.stringify({ ...window.ofScope.asked(), ...wishes, ...(chosen ? { collections: chosen } : {}) });
  // A question leaves its box when it is sent: the answer's drawings do not touch what is typed meanwhile.
  window.takeQuestion = (question, conversation, chat) => {
    if (!question.trim()) return ["", conversation, chat, ""];
    write("");
    const wishes = edited ? insteadOf(edited) : {};
    stopEditing();
    return [question, conversation, chat, sent(wishes)];
  };
  window.takeSuggestion = (question, conversation, chat) => [question, conversation, chat, sent({})];
  window.takeAgain = (_, conversation, chat) => [lastQuestion().textContent, conversation, chat, sent(insteadOf(messageOf(lastTurn())))];
  window.takeNext = (_, conversation, chat) => [next.question, conversation, chat, sent(next.wishes || {}, next.collections)];
  window.takeOpened = () => next;

  function insteadOf(message) {
    if (!message || messageOf(lastTurn()) !== message) return {};
    const conversation = conversationOf(lastTurn());
    say(gettext("The earlier answer made room for a new one."), () => restore(message, conversation));
    return { instead_of: message };
  }

  function open(conversation) {
    next = conversation;
    trigger("select");
  }

  // --- the address says which conversation this is: loaded again, the page goes on in it ---
  function keepAddress() {
    const shown = conversationOf(lastTurn()) || "";
    const address = new URL(location.href);
    if (shown === (address.searchParams.get("conversation") || "") || (!shown && !started)) return;
    started = true;
    if (shown) address.searchParams.set("conversation", shown);
    else address.searchParams.delete("conversation");
    history.replaceState(history.state, "", address);
    document.dispatchEvent(new CustomEvent("conversation", { detail: shown }));
  }
  let started = false; // before anything was shown, an empty chat says nothing
  new MutationObserver(keepAddress).observe(document.documentElement, { childList: true, subtree: true });

  // --- the panel of conversations: its script comes when it is wanted ---
  let panel = null;
  async function showPanel() {
    panel ||= new Promise((done) => {
      const script = document.createElement("script");
      script.src = "/ui/conversations.js";
      script.onload = done;
      document.head.append(script);
    });
    await panel;
    window.ofAsk.showPanel(true);
  }
  document.addEventListener("click", async (event) => {
    if (panel || !event.target.closest(".for-conversations")) return;
    await showPanel();
    document.querySelector("#conversations input").focus();
  });

  // --- what is typed and not yet asked outlives the page, in this tab ---
  const draftOf = () => `draft of ${conversationOf(lastTurn()) || new URLSearchParams(location.search).get("conversation") || "a new one"}`;
  document.addEventListener("input", (event) => {
    if (event.target !== box() || edited) return;
    if (box().value) sessionStorage.setItem(draftOf(), box().value);
    else sessionStorage.removeItem(draftOf());
  });
  function restoreDraft() {
    if (!box()) return setTimeout(restoreDraft, 50);
    const kept = sessionStorage.getItem(draftOf());
    if (kept && !box().value) write(kept);
  }

  // --- what was done, in words that are read out, and a way back ---
  const said = document.createElement("div");
  said.id = "said";
  said.innerHTML = '<span role="status"></span><button type="button" class="undo"></button><button type="button">×</button>';
  said.querySelector(".undo").textContent = gettext("Undo");
  said.lastChild.setAttribute("aria-label", gettext("Dismiss"));
  said.hidden = true;
  let undo = null, saidTimer = 0;

  function say(words, back = null, seconds = back ? 20 : 4) {
    if (!said.isConnected) document.body.append(said);
    said.hidden = false;
    undo = back;
    said.querySelector(".undo").hidden = !back;
    said.querySelector("span").textContent = words;
    clearTimeout(saidTimer);
    saidTimer = setTimeout(() => { said.hidden = true; }, seconds * 1000);
  }
  said.addEventListener("click", (event) => {
    if (!event.target.closest("button")) return;
    said.hidden = true;
    if (event.target.closest(".undo") && undo) undo();
  });
  // Someone may be reading it, or on the way to its button.
  for (const kind of ["mouseenter", "focusin"]) said.addEventListener(kind, () => clearTimeout(saidTimer));

  async function send(address, options) {
    try {
      const answer = await fetch(address, options);
      if (answer.ok) return answer;
      say(failureOf((await answer.json()).error), null, 10);
    } catch {
      say(gettext("The app could not be reached. Is it still running?"), null, 10);
    }
    return null;
  }

  const isLive = () => Boolean(document.querySelector("#chat .turn.live"));

  async function until(isSo) {
    for (let waited = 0; !isSo() && waited < 100; waited++) await new Promise((done) => setTimeout(done, 100));
  }

  async function restore(message, conversation) {
    await until(() => !document.querySelector(`.kept-${message}`)); // what takes its place may not have begun
    if (isLive()) document.querySelector("#question .stop-button")?.click();
    await until(() => !isLive());
    const address = messages(message, "/restore");
    if (await send(address, { method: "POST" })) open(conversation);
  }

  // --- a turn's own buttons ---
  async function copy(text) {
    if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
    const area = document.createElement("textarea"); // by plain HTTP from another machine browsers offer nothing else
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (!done) throw new Error("refused");
  }

  async function copyAnswer(turn, format) {
    const answer = await send(messages(messageOf(turn), `/text?format=${format}`));
    if (answer) await copyOut(await answer.text());
  }

  async function copyOut(text) {
    try {
      await copy(text);
      say(gettext("Copied"));
    } catch {
      say(gettext("The browser refused to copy. Select the text and copy it by hand."), null, 10);
    }
  }

  async function deleteTurn(turn) {
    if (isLive()) return say(gettext("Stop the answer first."));
    const message = messageOf(turn), conversation = conversationOf(turn);
    if (!(await send(messages(message), { method: "DELETE" }))) return;
    open(conversation);
    say(gettext("Question and answer deleted."), () => restore(message, conversation));
    box().focus({ preventScroll: true });
  }

  const actions = {
    "copy-plain": (turn) => copyAnswer(turn, "plain"),
    "copy-markdown": (turn) => copyAnswer(turn, "markdown"),
    edit: (turn) => edit(messageOf(turn)),
    delete: deleteTurn,
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest(".turn .actions button");
    if (button) actions[button.className](button.closest(".turn"));
  });

  // --- how an answer was found: asked for when it is opened ---
  document.addEventListener("toggle", async (event) => {
    const details = event.target;
    if (!details.matches?.(".turn details.found") || !details.open || details.querySelector(".trace")) return;
    const part = document.createElement("div");
    part.className = "trace";
    details.append(part);
    const answer = await send(`/conversations/messages/${messageOf(details.closest(".turn"))}/found`);
    if (!answer) return part.remove();
    part.innerHTML = await answer.text();
  }, true);
  document.addEventListener("submit", (event) => {
    if (!event.target.matches(".ask-again")) return;
    event.preventDefault();
    if (isLive()) return say(gettext("Stop the answer first."));
    const chosen = new FormData(event.target), collections = chosen.getAll("collection");
    const question = event.target.closest(".message-row").previousElementSibling.querySelector(".question").textContent;
    next = { question, collections: collections.length ? collections : null, wishes: { top_k: Number(chosen.get("top_k")) || null } };
    trigger("submit");
  });

  // --- questions that are asked by a click ---
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button.suggest");
    if (!button || isLive()) return;
    next = { question: button.textContent };
    trigger("submit");
  });

  // --- editing the last question: it goes into the box, and is asked in place of itself ---
  const editing = document.createElement("p");
  editing.id = "editing";
  editing.setAttribute("role", "status");
  editing.innerHTML = '<span></span> <button type="button"></button>';
  editing.lastChild.textContent = gettext("Leave it");
  let draft = "";

  function edit(message) {
    if (!message || isLive()) return;
    draft = edited ? draft : box().value;
    edited = message;
    document.querySelector("#composer").prepend(editing);
    editing.firstChild.textContent = gettext("Editing your last question. It is asked in place of itself.");
    write(lastQuestion().textContent);
    box().focus();
    box().setSelectionRange(box().value.length, box().value.length);
  }

  function stopEditing(before = "") {
    if (!edited) return;
    edited = null;
    editing.remove();
    write(before);
  }
  editing.querySelector("button").addEventListener("click", () => { stopEditing(draft); box().focus(); });

  // --- a thumb down asks why ---
  const reasons = { wrong: gettext("It is wrong"), not_from_documents: gettext("Not from the documents"), wrong_page: gettext("Wrong page"), incomplete: gettext("Incomplete") };

  function askWhy(thumb) {
    const row = thumb.closest(".message-buttons"), turn = thumb.closest(".message-row").querySelector(".turn");
    document.querySelector(".why")?.remove();
    // Gradio says "Dislike" in the language of the page, and "Disliked" in English: it is the last but one.
    const isDown = thumb === [...row.querySelectorAll("button")].at(-2);
    if (!isDown || thumb.getAttribute("aria-label") === "Disliked" || !messageOf(turn)) return; // it is taken back, or nothing is kept
    const why = document.createElement("div");
    why.className = "why";
    why.setAttribute("role", "group");
    why.setAttribute("aria-label", gettext("What was the matter with it?"));
    why.append(Object.assign(document.createElement("span"), { textContent: gettext("What was the matter?") }));
    for (const [reason, words] of Object.entries({ ...reasons, "": gettext("Say nothing more") })) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = words;
      button.addEventListener("click", async () => {
        why.remove();
        const options = { method: "PUT", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ feedback: "down", reason }) };
        if (reason && (await send(messages(messageOf(turn), "/feedback"), options))) say(gettext("Thank you. It is kept with the answer."));
        thumb.focus();
      });
      why.append(button);
    }
    row.after(why);
    why.querySelector("button").focus();
  }
  document.addEventListener("click", (event) => {
    const thumb = event.target.closest("#chat .message-buttons button");
    if (thumb) askWhy(thumb);
  }, true);

  // --- a mark shows its passage while it is pointed at, or has the focus ---
  const peek = document.createElement("div");
  peek.id = "peek";
  peek.setAttribute("role", "tooltip");
  peek.hidden = true;
  let pointed = null, leaving = 0;

  function showPassage(mark) {
    clearTimeout(leaving);
    if (mark === pointed) return;
    const card = [...mark.closest(".turn").querySelectorAll("a.source")].find((one) => one.getAttribute("href") === mark.getAttribute("href"));
    if (!card) return;
    pointed = mark;
    mark.removeAttribute("title"); // the browser would show it on top
    mark.setAttribute("aria-describedby", "peek");
    peek.replaceChildren(card.querySelector(".source-body").cloneNode(true));
    if (!peek.isConnected) document.body.append(peek);
    peek.hidden = false;
    const at = mark.getBoundingClientRect(), size = peek.getBoundingClientRect();
    peek.style.left = `${Math.max(8, Math.min(at.left - 20, document.documentElement.clientWidth - size.width - 8))}px`;
    peek.style.top = `${at.top > size.height + 12 ? at.top - size.height - 6 : at.bottom + 6}px`;
  }
  function hidePassage() {
    pointed = null;
    peek.hidden = true;
  }
  for (const kind of ["mouseover", "focusin"]) {
    document.addEventListener(kind, (event) => {
      const mark = event.target.closest?.("#chat a.cite");
      if (mark) showPassage(mark);
      else if (event.target.closest?.("#peek")) clearTimeout(leaving);
      else if (pointed) { clearTimeout(leaving); leaving = setTimeout(hidePassage, 200); }
    });
  }
  addEventListener("scroll", hidePassage, { passive: true });

  // --- keys ---
  const isTyping = (element) => Boolean(element.closest("input, textarea, select, [contenteditable]"));
  const isHere = () => Boolean(box()?.offsetParent);
  const singleKeys = () => localStorage.getItem("single-keys") !== "off"; // who speaks to the computer needs them off (WCAG 2.1.4)

  function showKeys() {
    document.querySelector("#single-keys").checked = singleKeys();
    document.querySelector("#keys").showModal();
  }
  document.addEventListener("change", (event) => {
    if (event.target.id === "single-keys") localStorage.setItem("single-keys", event.target.checked ? "on" : "off");
  });
  document.addEventListener("click", (event) => { if (event.target.closest(".for-keys")) showKeys(); });

  const single = {
    "/": () => box().focus(),
    "?": showKeys,
  };
  // Before the others that listen: they close what Escape is meant for here.
  document.addEventListener("keydown", (event) => {
    if (!isHere() || event.defaultPrevented || event.isComposing || event.metaKey || event.ctrlKey || event.altKey || document.querySelector("dialog[open]")) return;
    const target = event.target;
    if (event.key === "Escape" && !peek.hidden) return hidePassage();
    if (event.key === "Escape" && !document.documentElement.classList.contains("reading")) {
      if (edited) return stopEditing(draft);
      if (isLive()) document.querySelector("#question .stop-button")?.click();
    } else if (event.key === "ArrowUp" && target === box() && !box().value && lastTurn()) {
      event.preventDefault();
      edit(messageOf(lastTurn()));
    } else if (single[event.key] && !isTyping(target) && singleKeys()) {
      event.preventDefault();
      single[event.key]();
    }
  }, true);
})();
