// A document's own page: a text and its place on the page mark each other, parts are loaded as they are asked for, the next one before.
(() => {
  "use strict";
  const POLL_MILLISECONDS = 3000, MOST_KEPT = 8;
  const stage = document.getElementById("stage"), part = document.getElementById("part"), viewer = document.querySelector(".viewer");
  const all = (selector) => (part ? [...part.querySelectorAll(selector)] : []);

  // --- what belongs together: the same element, or the same chunk ---
  const shows = () => viewer.querySelector("input[name=show]:checked").value;

  function keyOf(target) {
    if (shows() === "chunks") {
      const near = target.closest("[data-chunk]") || target.closest("[data-element]")?.querySelector("[data-chunk]");
      return near && ["chunk", near.dataset.chunk];
    }
    const near = shows() === "elements" && target.closest("[data-element]");
    return near && ["element", near.dataset.element];
  }

  function light(target) {
    for (const lit of all(".lit")) lit.classList.remove("lit");
    const key = target && keyOf(target);
    if (key) for (const same of all(`[data-${key[0]}="${CSS.escape(key[1])}"]`)) same.classList.add("lit");
  }

  // --- arrow keys go through the texts, and through their places on the picture; Tab leaves each list ---
  const LISTS = [".block", ".of-elements a", ".of-chunks a"];
  const listOf = (target) => LISTS.map(all).find((list) => list.includes(target));

  function rove(list, chosen) {
    for (const one of list) one.setAttribute("tabindex", one === chosen ? "0" : "-1");
  }

  function moved(event, list) {
    const to = { ArrowDown: 1, ArrowUp: -1 }[event.key], at = list.indexOf(event.target);
    const next = { Home: list[0], End: list.at(-1) }[event.key] || (to && list[at + to]);
    if (!next) return;
    event.preventDefault();
    rove(list, next);
    next.focus();
  }

  function goTo(place) {
    const text = document.getElementById(place.getAttribute("href").slice(1)) || all(`.blocks [data-chunk="${place.dataset.chunk}"]`)[0];
    if (!text) return;
    if (!text.matches("a, [tabindex]")) text.setAttribute("tabindex", "-1");
    text.focus({ preventScroll: true });
    text.scrollIntoView({ block: "nearest" });
  }

  function begin() {
    for (const list of LISTS.map(all)) rove(list, list[0]);
    const next = all("a[rel=next]")[0];
    if (next) fetched(next.href).then(drawn, () => {});
  }

  // --- the parts of the text ---
  const kept = new Map();
  let wanted = "";

  function fetched(address) {
    const url = new URL(address, location.href);
    url.pathname = `${url.pathname}/text`;
    if (!kept.has(url.href)) {
      kept.set(url.href, fetch(url).then((answer) => { if (!answer.ok) throw new Error(answer.statusText); return answer.text(); }));
      kept.get(url.href).catch(() => kept.delete(url.href));
      if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value);
    }
    return kept.get(url.href);
  }

  function drawn(text) {
    const made = document.createElement("template");
    made.innerHTML = text; // the picture is not loaded by a template, so it is asked for here
    const picture = made.content.querySelector("figure img");
    if (picture) new Image().src = picture.getAttribute("src");
  }

  async function show(address, { isNew }) {
    wanted = address;
    part.setAttribute("aria-busy", "true");
    try {
      const text = await fetched(address);
      if (wanted !== address) return;
      const link = document.activeElement?.getAttribute("rel");
      part.innerHTML = text;
      if (isNew) history.pushState(null, "", address);
      const again = link && (part.querySelector(`a[rel=${link}]`) || part.querySelector(".block"));
      if (again) again.focus({ preventScroll: true });
      if (part.getBoundingClientRect().top < 0) part.scrollIntoView({ block: "start" });
      document.getElementById("where").textContent = part.querySelector(".label").textContent;
      const asked = viewer.querySelector(".go input");
      if (asked) asked.value = part.querySelector(".sides").dataset.at;
      begin();
    } catch {
      location.assign(address); // the page says why it cannot be shown
    } finally {
      if (wanted === address) part.removeAttribute("aria-busy");
    }
  }

  if (part) {
    for (const kind of ["pointerover", "focusin"]) part.addEventListener(kind, (event) => light(event.target));
    for (const kind of ["pointerleave", "focusout"]) part.addEventListener(kind, () => light(part.contains(document.activeElement) ? document.activeElement : null));
    viewer.querySelector(".show").addEventListener("change", () => light(null));
    part.addEventListener("keydown", (event) => {
      const list = listOf(event.target);
      if (list && !event.altKey && !event.ctrlKey && !event.metaKey && !event.shiftKey) moved(event, list);
    });
    part.addEventListener("focusin", (event) => { const list = listOf(event.target); if (list) rove(list, event.target); });
    part.addEventListener("click", (event) => {
      if (event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
      const place = event.target.closest(".places a"), link = event.target.closest("a[rel]");
      if (!place && !link) return;
      event.preventDefault();
      if (place) goTo(place);
      else show(link.href, { isNew: true });
    });
    viewer.querySelector(".go")?.addEventListener("submit", (event) => {
      event.preventDefault();
      show(`${event.target.action}?${new URLSearchParams(new FormData(event.target))}`, { isNew: true });
    });
    addEventListener("popstate", () => show(location.href, { isNew: false }));
    (part.querySelector(".asked") || part).closest(".block")?.scrollIntoView({ block: "center" });
    begin();
  }

  // --- how it is to be read: a password, languages of OCR ---
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.matches("form[data-kept]")) return;
    event.preventDefault();
    const button = form.querySelector("button"), said = form.querySelector(".note");
    button.disabled = true;
    said.setAttribute("role", "status");
    const given = JSON.stringify(Object.fromEntries(new FormData(form)));
    const answer = await fetch(form.getAttribute("action"), { method: "POST", body: given, headers: { "Content-Type": "application/json" } }).catch(() => null);
    said.textContent = !answer ? gettext("The app could not be reached. Try again.") : answer.ok ? form.dataset.kept : failureOf((await answer.json()).error);
    button.disabled = Boolean(answer?.ok) && form.matches(".password");
    if (!button.disabled) return; // with other languages it stays indexed, and answers, until it is read
    form.reset();
    form.dispatchEvent(new CustomEvent("posted", { bubbles: true }));
  });

  // --- how far it is, while it is not done and somebody looks ---
  let waiting = stage?.dataset.state === "pending", leaving = false;

  async function look() {
    if (!(waiting || leaving) || document.hidden) return;
    const answer = await fetch(`/api/v1/documents/${stage.dataset.document}`).catch(() => null);
    if (answer && answer.status === 404) {
      waiting = leaving = false;
      stage.textContent = gettext("not there any more");
    }
    if (!answer || !answer.ok) return;
    const now = await answer.json();
    stage.textContent = stageOf(now);
    stage.className = `state ${now.state}`;
    if (waiting && now.state !== "pending") location.reload();
  }

  document.addEventListener("posted", (event) => {
    if (event.target.dataset.method === "DELETE") leaving = true;
    else waiting = true;
    look();
  });
  setInterval(look, POLL_MILLISECONDS);
})();
