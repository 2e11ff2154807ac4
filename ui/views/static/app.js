// The app's own behaviour beside Gradio: passages open beside the conversation, the view follows the answer, progress is shown.
(() => {
  "use strict";

  // --- passages ---
  const reader = document.createElement("aside");
  reader.id = "reader";
  reader.setAttribute("aria-label", gettext("Passage"));
  reader.innerHTML = '<nav><a target="_blank"></a><span class="steps"><button type="button" data-step="-1">‹</button><span role="status"></span><button type="button" data-step="1">›</button></span><button type="button" class="close">×</button></nav><iframe></iframe>';
  reader.querySelector("a").textContent = gettext("Open in a tab of its own ↗");
  reader.querySelector("[data-step='-1']").setAttribute("aria-label", gettext("The source before"));
  reader.querySelector("[data-step='1']").setAttribute("aria-label", gettext("The next source"));
  reader.querySelector(".close").setAttribute("aria-label", gettext("Close the passage"));
  reader.querySelector("iframe").title = gettext("Passage");
  const frame = reader.querySelector("iframe");
  let opener = null;

  function openPassage(link) {
    document.querySelectorAll("a.open").forEach((other) => other.classList.remove("open"));
    document.querySelectorAll(`a[href="${CSS.escape(link.getAttribute("href"))}"]`).forEach((same) => same.classList.add("open"));
    if (!reader.isConnected) document.body.append(reader);
    const theme = document.body.classList.contains("dark") ? "dark" : "light";
    const address = new URL(link.href);
    address.searchParams.set("beside", "1");
    address.searchParams.set("theme", theme);
    frame.src = address.href;
    reader.querySelector("a").href = link.href;
    // Within the frame keys would be lost while the next page is loaded; what cannot be seen yet takes no focus.
    const takesFocus = !opener || document.activeElement === frame;
    requestAnimationFrame(() => {
      document.documentElement.classList.add("reading");
      if (takesFocus) reader.querySelector(".close").focus({ preventScroll: true });
    });
    opener = link;
    const sources = sourcesOf(link);
    reader.querySelector(".steps").hidden = sources.length < 2 || place(sources, link) < 0;
    reader.querySelector("[role=status]").textContent = gettext("{number} of {count}", { number: place(sources, link) + 1, count: sources.length });
  }

  const sourcesOf = (link) => [...(link.closest(".turn")?.querySelectorAll("ol.sources a.source") || [])];
  const place = (sources, link) => sources.findIndex((one) => one.getAttribute("href") === link.getAttribute("href"));

  function step(by) {
    const sources = sourcesOf(opener), next = sources[(place(sources, opener) + by + sources.length) % sources.length];
    if (next && sources.length > 1) openPassage(next);
  }

  function closePassage() {
    document.documentElement.classList.remove("reading");
    document.querySelectorAll("a.open").forEach((link) => link.classList.remove("open"));
    if (opener && opener.isConnected) opener.focus({ preventScroll: true });
    opener = null;
  }

  document.addEventListener("click", (event) => {
    if (event.target.closest("#reader .close")) return closePassage();
    const stepping = event.target.closest("#reader [data-step]");
    if (stepping) return step(Number(stepping.dataset.step));
    const link = event.target.closest("a.cite, a.source, a.source-link");
    if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    openPassage(link);
  }, true);
  const along = document.documentElement.dir === "rtl" ? -1 : 1; // the way in which one reads
  const keys = { Escape: closePassage, ArrowLeft: () => step(-along), ArrowRight: () => step(along) };
  const pressed = (key) => { if (opener && keys[key]) keys[key](); };
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select");
    if (!event.altKey && !event.ctrlKey && !event.metaKey && !(typing && event.key !== "Escape" && typing.value)) pressed(event.key);
  });
  addEventListener("message", (event) => { if (event.origin === location.origin && event.source === frame.contentWindow) pressed(event.data.key); });

  // --- the view follows an answer until its question reaches the top, unless the reader scrolls away ---
  let following = true, turns = 0, wanted = 0;
  const reading = () => { following = false; };
  for (const kind of ["wheel", "touchmove"]) addEventListener(kind, reading, { passive: true });
  addEventListener("keydown", (event) => { if (["PageUp", "PageDown", "Home", "End"].includes(event.key)) reading(); });

  function follow() {
    const questions = document.querySelectorAll("#chat .question");
    if (questions.length > turns) following = true;
    turns = questions.length;
    if (!following || !turns) return;
    const top = questions[turns - 1].getBoundingClientRect().top + scrollY - 8;
    const bottom = document.documentElement.scrollHeight - innerHeight;
    if (Math.min(top, bottom) !== wanted) scrollTo({ top: (wanted = Math.min(top, bottom)) });
  }
  new MutationObserver(() => { follow(); showProgress(); }).observe(document.documentElement, { childList: true, subtree: true, characterData: true });

  // --- how far the work is: drawn by the server, sent while someone looks ---
  let looking = null, progress = null, askedAt = -1;

  function listen() {
    if (document.hidden) {
      looking?.abort();
      looking = null;
    } else if (!looking) {
      looking = new AbortController();
      listenTo("/progress/events", told, looking.signal);
    }
  }

  function told(name, data) {
    if (name !== "progress") return;
    progress = JSON.parse(data);
    document.querySelectorAll("[data-progress]").forEach((part) => { delete part.dataset.shown; });
    showProgress();
    askAgain();
  }

  function showProgress() {
    if (!progress) return;
    for (const part of document.querySelectorAll("[data-progress]:not([data-shown])")) {
      const drawn = document.createElement("template");
      drawn.innerHTML = progress[part.dataset.progress];
      const fresh = drawn.content.firstElementChild;
      fresh.dataset.shown = "";
      fresh.querySelectorAll("[data-width]").forEach((bar) => { bar.style.width = bar.dataset.width; });
      part.replaceWith(fresh);
    }
  }

  function askAgain() {
    const turns = document.querySelectorAll("#chat .turn");
    const waiting = turns.length && turns[turns.length - 1].querySelector(".refusal.waits");
    const box = document.querySelector("#question textarea");
    const asked = turns.length === askedAt || turns.length === askedAt + 1; // the turn that waited, or the one that came of it
    if (!progress.answering || !waiting || !box || box.value.trim() || asked) return;
    askedAt = turns.length;
    box.value = [...document.querySelectorAll("#chat .question")].pop().textContent;
    box.dispatchEvent(new Event("input", { bubbles: true }));
    setTimeout(() => box.dispatchEvent(new KeyboardEvent("keypress", { key: "Enter", code: "Enter", bubbles: true })), 100);
  }

  document.addEventListener("visibilitychange", listen);
  listen();
})();
