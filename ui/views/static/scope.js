// What a question is asked of: collections, a folder, types, tags, dates, documents. Shown as chips above the question, removed one by one.
(() => {
  "use strict";
  const nothing = () => ({ collections: [], filter: { documents: [], folder: "", types: [], since: null, before: null, tags: [] } });
  let scope = nothing();
  const part = () => document.querySelector("#scope .scope");
  const dialog = () => document.querySelector("#narrow");
  const known = () => JSON.parse(document.querySelector("#scope-known [data-known]")?.dataset.known || "[]");
  const day = (moment) => moment.slice(0, 10);
  const shownDay = (moment) => (document.documentElement.lang === "en" ? day(moment) : new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeZone: "UTC" }).format(new Date(`${day(moment)}T00:00:00Z`)));

  // Until it is asked with, it is kept in this tab, as what is typed is; then the conversation keeps it.
  const place = () => `scope of ${window.ofAsk.shown() || new URLSearchParams(location.search).get("conversation") || "a new one"}`;
  const whole = (kept) => ({ collections: kept?.collections || [], filter: { ...nothing().filter, ...kept?.filter } });

  // --- chips: what is named in each, and the scope without it ---
  function chips() {
    const { collections, filter } = scope;
    const without = (change) => ({ collections, filter: { ...filter, ...change } });
    return [
      ...collections.map((name) => [gettext("Collection {name}", { name }), { collections: collections.filter((one) => one !== name), filter }]),
      ...(filter.folder ? [[gettext("Folder {folder}", { folder: filter.folder }), without({ folder: "" })]] : []),
      ...filter.types.map((type) => [gettext("Type {type}", { type }), without({ types: filter.types.filter((one) => one !== type) })]),
      ...filter.tags.map((tag) => [gettext("Tag {tag}", { tag }), without({ tags: filter.tags.filter((one) => one !== tag) })]),
      ...(filter.since ? [[gettext("Changed since {day}", { day: shownDay(filter.since) }), without({ since: null })]] : []),
      ...(filter.before ? [[gettext("Changed before {day}", { day: shownDay(filter.before) }), without({ before: null })]] : []),
      ...filter.documents.map((name) => [gettext("Document {name}", { name }), without({ documents: filter.documents.filter((one) => one !== name) })]),
    ];
  }

  function draw() {
    if (!part()) return;
    part().dataset.drawn = "";
    part().querySelector(".chips").replaceChildren(...chips().map(([words, rest]) => {
      const chip = document.createElement("li"), name = document.createElement("bdi"), button = document.createElement("button");
      name.textContent = words;
      name.title = words;
      button.type = "button";
      button.textContent = "×";
      button.setAttribute("aria-label", gettext("Remove: {words}", { words }));
      button.addEventListener("click", () => { change(rest); (part().querySelector(".chips button") || part().querySelector(".narrow")).focus(); });
      chip.append(name, button);
      return chip;
    }));
  }

  function change(to) {
    scope = whole(to);
    sessionStorage.setItem(place(), JSON.stringify(scope));
    draw();
  }

  // --- the server says what a conversation was asked of; the page may be drawn anew ---
  function follow() {
    if (part() && !("drawn" in part().dataset)) draw();
    const kept = document.querySelector("#scope-kept [data-scope]:not([data-taken])");
    if (!kept) return;
    kept.dataset.taken = "";
    const changed = sessionStorage.getItem(`scope of ${kept.dataset.conversation}`);
    scope = whole(JSON.parse(changed || kept.dataset.scope));
    draw();
  }
  new MutationObserver(follow).observe(document.documentElement, { childList: true, subtree: true });
  if (!new URLSearchParams(location.search).has("conversation")) scope = whole(JSON.parse(sessionStorage.getItem("scope of a new one")));
  follow();

  window.ofScope = {
    now: () => scope,
    asked() {
      sessionStorage.removeItem(place());
      return scope;
    },
  };

  document.addEventListener("conversation", (event) => { if (!event.detail && chips().length) change(scope); });

  // --- the form that adds to it ---
  function open() {
    const form = dialog().querySelector("form"), { folder, types, since, before } = scope.filter;
    form.querySelector(".of-collections").hidden = known().length < 2;
    form.querySelectorAll(".of-collections label").forEach((one) => one.remove());
    for (const name of known()) {
      const label = document.createElement("label"), box = document.createElement("input");
      box.type = "checkbox";
      box.name = "collection";
      box.value = name;
      box.checked = scope.collections.includes(name);
      label.append(box, ` ${name}`);
      form.querySelector(".of-collections").append(label);
    }
    const values = { folder, types: types.join(", "), since: since ? day(since) : "", before: before ? day(before) : "", tag: "", document: "" };
    for (const [name, value] of Object.entries(values)) form.elements[name].value = value;
    suggestTags();
    dialog().showModal();
  }

  function take(form) {
    const said = new FormData(form), text = (name) => String(said.get(name) || "").trim();
    const moment = (name) => (text(name) ? `${text(name)}T00:00:00` : null);
    const types = text("types").split(/[\s,;]+/).map((type) => type.replace(/^\*?\./, "").toLowerCase()).filter(Boolean);
    const documents = [...new Set([...scope.filter.documents, text("document")])].filter(Boolean);
    const folder = text("folder").replace(/^\/+|\/+$/g, "");
    const tags = [...new Set([...scope.filter.tags, ...text("tag").split(",").map((tag) => tag.trim())])].filter(Boolean);
    change({ collections: said.getAll("collection"), filter: { documents, folder, types: [...new Set(types)], since: moment("since"), before: moment("before"), tags } });
  }

  async function suggestTags() {
    const answer = await fetch("/api/v1/tags").catch(() => null);
    if (answer?.ok) document.querySelector("#narrow-tags").replaceChildren(...(await answer.json()).tags.map(({ tag }) => new Option("", tag)));
  }

  let typed = 0;
  async function suggest(name) {
    const number = ++typed;
    await new Promise((done) => setTimeout(done, 200));
    if (number !== typed || !name.trim()) return;
    const answer = await fetch(`/api/v1/documents?${new URLSearchParams({ name, limit: 20 })}`);
    if (!answer.ok || number !== typed) return;
    const { documents } = await answer.json();
    const among = scope.collections.length ? documents.filter((one) => scope.collections.includes(one.collection)) : documents;
    document.querySelector("#narrow-documents").replaceChildren(...among.map((one) => new Option("", one.document)));
  }

  document.addEventListener("click", (event) => {
    if (event.target.closest("#scope .narrow")) open();
    if (event.target.closest("#narrow .leave")) dialog().close();
  });
  document.addEventListener("submit", (event) => { if (event.target.closest("#narrow")) take(event.target); });
  document.addEventListener("input", (event) => { if (event.target.matches("#narrow [name=document]")) suggest(event.target.value); });
})();
