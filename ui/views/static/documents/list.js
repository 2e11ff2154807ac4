// The list on the Documents tab: narrowed, sorted, paged, selected from, and kept up to date without losing any of that. The server draws
// its parts (/documents/list/parts); here each is put into its place, if it differs from what is there.
(() => {
  "use strict";
  const LOOK_SECONDS = 3, UNDO_SECONDS = 10, AT_ONCE = 1000, NAMED = 50;
  const LATER = [429, 503]; // the next look may find out
  const view = { sort: "state", descending: false, page: 1, folder: "" };
  const chosen = new Set(); // ids of documents
  let every = null; // the filter, once all that it matches are selected
  let waiting = null; // a deletion that can still be undone
  let mark = "", asked = 0, asking = 0, total = 0;

  const part = (name) => document.querySelector(`#documents [data-part="${name}"]`);
  const form = () => document.querySelector("#documents [data-filters]");
  const boxes = () => [...document.querySelectorAll("#table td.choose input")];
  const isLookedAt = () => { const list = document.querySelector("#documents .listing"); return Boolean(list?.offsetParent) && !document.hidden; };
  const documents = (number) => ngettext("{number} document", "{number} documents", number);

  // --- asking for it ---
  function filter() {
    const values = Object.fromEntries([...new FormData(form())].filter(([name, value]) => value && name !== "sort"));
    if (values.tag) values.tag = [values.tag];
    return view.folder ? { ...values, folder: view.folder } : values;
  }

  async function refresh(anew = false) {
    if (!isLookedAt() || (asking && !anew)) return; // one that takes long is not overtaken by the next look
    if (anew) mark = "";
    const number = ++asked;
    asking += 1;
    const query = new URLSearchParams({ ...filter(), sort: view.sort, descending: view.descending, page: view.page });
    let answer = null, text = "";
    try {
      answer = await fetch(`/documents/list/parts?${query}`, { headers: mark ? { "If-None-Match": mark } : {}, cache: "no-store" });
      text = await answer.text();
    } catch {
      answer = null;
    } finally {
      asking -= 1;
    }
    if (number !== asked || answer?.status === 304) return;
    if (!answer) fail(gettext("The app could not be reached. Is it still running?"));
    else if (answer.ok) { mark = answer.headers.get("ETag"); show(text); }
    else if (!LATER.includes(answer.status) || !boxes().length) fail(failureOf(JSON.parse(text).error));
  }

  function fail(words) {
    mark = "";
    const box = document.createElement("div"), strong = document.createElement("strong"), said = document.createElement("p");
    box.className = "failure";
    box.setAttribute("role", "alert");
    strong.textContent = gettext("The documents cannot be read");
    said.textContent = words;
    box.append(strong, said);
    const place = part("rows");
    if (place.shown !== words) place.replaceChildren(box);
    place.shown = words;
  }

  function show(text) {
    const fresh = document.createElement("template");
    fresh.innerHTML = text;
    for (const one of [...fresh.content.children]) {
      const place = part(one.dataset.part), markup = one.outerHTML;
      if (one.dataset.total) { total = Number(one.dataset.total); view.page = Number(one.dataset.number); }
      if (!place || place.shown === markup) continue;
      place.shown = markup;
      keepingFocus(place, () => place.replaceChildren(...one.childNodes));
    }
    for (const name of ["collection", "type", "tag"]) offer(name);
    const folders = document.querySelector("#documents details.folders");
    if (!folders.dataset.drawn) { folders.dataset.drawn = "yes"; folders.open = matchMedia("(min-width: 900px)").matches; }
    paint();
  }

  function keepingFocus(place, change) {
    const active = document.activeElement, within = place.contains(active) && active !== place;
    const same = within && address(active), typed = within && active.matches("[data-page-number]") ? active.value : null;
    change();
    if (!within) return;
    const found = place.querySelector(same);
    if (found && typed !== null) found.value = typed;
    (found && !found.disabled ? found : place.querySelector("input, button:not(:disabled), a"))?.focus({ preventScroll: true });
  }

  function address(element) {
    if (element.name) return `${element.localName}[name="${CSS.escape(element.name)}"]`;
    const told = [...element.attributes].filter((one) => one.name.startsWith("data-") || one.name === "href" || one.name === "value");
    return element.localName + told.map((one) => `[${one.name}="${CSS.escape(one.value)}"]`).join("");
  }

  function offer(name) {
    const source = document.querySelector(`#documents [data-options="${name}"]`), select = form().elements[name];
    if (select.offered === source.innerHTML) return;
    const value = select.value;
    select.offered = source.innerHTML;
    select.innerHTML = source.innerHTML;
    if (value && ![...select.options].some((one) => one.value === value)) select.add(new Option(value, value));
    select.value = value;
  }

  // --- what is selected ---
  function paint() {
    const number = every ? total : chosen.size, bar = document.querySelector("#documents .toolbar");
    for (const box of boxes()) {
      box.checked = Boolean(every) || chosen.has(box.value);
      const row = box.closest("tr");
      row.classList.toggle("chosen", box.checked);
      row.classList.toggle("going", isGoing(box.value));
    }
    const all = document.querySelector("#table [data-all]");
    if (all) {
      all.checked = boxes().every((box) => box.checked);
      all.indeterminate = !all.checked && boxes().some((box) => box.checked);
    }
    if (!bar) return;
    bar.hidden = !number;
    bar.querySelector("[data-selected]").textContent = gettext("{number} selected", { number });
    const more = bar.querySelector("[data-every]");
    more.hidden = Boolean(every) || total <= chosen.size;
    more.textContent = ngettext("Select all {number} document that match", "Select all {number} documents that match", total);
  }

  const isGoing = (id) => Boolean(waiting && (waiting.wanted.documents?.includes(id) || (waiting.wanted.filter && JSON.stringify(waiting.wanted.filter) === JSON.stringify(filter()))));

  function choose(box) {
    if (every) { every = null; for (const one of boxes()) if (one !== box) chosen.add(one.value); }
    if (box.checked) chosen.add(box.value);
    else chosen.delete(box.value);
    paint();
  }

  function chooseNone() {
    every = null;
    chosen.clear();
    paint();
  }

  const wanted = () => (every ? { filter: every } : { documents: [...chosen] });

  function narrow() {
    view.page = 1;
    chooseNone();
    refresh(true);
  }

  // --- what is done with it ---
  async function change(body, words) {
    const lists = [];
    for (let begin = 0; begin < (body.documents || []).length; begin += AT_ONCE) lists.push(body.documents.slice(begin, begin + AT_ONCE));
    const told = { done: 0, remarks: [], complete: true };
    for (const documents of lists.length ? lists : [null]) if (!(await changeSome(documents ? { ...body, documents } : body, told))) { told.complete = false; break; }
    const refused = told.remarks.filter((one) => !one.done).length;
    const rest = refused ? gettext(", {number} not", { number: refused }) : "";
    if (told.complete) announce(`${words(told.done)}${rest}.`, 6);
    tell(told.remarks);
    refresh(true);
  }

  async function changeSome(body, told) {
    let cursor = null;
    do {
      const options = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ ...body, cursor }) };
      const answer = await ofAsk.send("/api/v1/documents/batch", options);
      if (!answer) { if (waiting) offerUndo(); return false; }
      const { outcomes, next_cursor, total: of } = await answer.json();
      told.done += outcomes.filter((one) => one.done).length;
      told.remarks.push(...outcomes.filter((one) => one.message));
      cursor = next_cursor;
      if (cursor) announce(ngettext("{done} of {number} document …", "{done} of {number} documents …", of, { done: told.done }), 30);
    } while (cursor);
    return true;
  }

  function tell(remarks) {
    const place = document.querySelector("#documents [data-outcomes]"), list = document.createElement("ul"), close = document.createElement("button");
    place.hidden = !remarks.length;
    for (const one of remarks.slice(0, NAMED)) {
      const item = document.createElement("li");
      item.className = one.done ? "" : "bad";
      item.textContent = one.document ? `${one.collection}/${one.document}: ${remark(one)}` : remark(one);
      list.append(item);
    }
    if (remarks.length > NAMED) list.append(Object.assign(document.createElement("li"), { textContent: gettext("… and {number} more.", { number: remarks.length - NAMED }) }));
    Object.assign(close, { type: "button", className: "quiet", textContent: gettext("Close") });
    close.addEventListener("click", () => { place.hidden = true; });
    place.replaceChildren(list, close);
  }

  const remark = (one) => (!one.done || document.documentElement.lang.startsWith("en") ? failureOf(one) : gettext("Done ({remark})", { remark: one.message }));

  function remove(gone, number) {
    carryOut();
    waiting = { wanted: gone, number, timer: setTimeout(carryOut, UNDO_SECONDS * 1000) };
    offerUndo();
    chooseNone();
  }

  const offerUndo = () => ofAsk.say(ngettext("{number} document will be deleted.", "{number} documents will be deleted.", waiting.number), takeBack, UNDO_SECONDS);
  const announce = (words, seconds) => { if (!waiting) ofAsk.say(words, null, seconds); }; // the way back stays in sight

  function takeBack() {
    if (!waiting) return;
    clearTimeout(waiting.timer);
    waiting = null;
    ofAsk.say(gettext("Nothing was deleted."));
    paint();
  }

  async function carryOut() {
    if (!waiting) return;
    const { wanted: gone, timer } = waiting;
    clearTimeout(timer);
    waiting = null;
    await change({ action: "delete", ...gone }, (number) => ngettext("{number} document deleted", "{number} documents deleted", number));
  }

  function tag(asked, action) {
    const tags = asked.elements.tags.value.split(",").map((one) => one.trim()).filter(Boolean), these = wanted();
    if (!tags.length) return;
    asked.closest("details").open = false;
    asked.reset();
    chooseNone();
    const names = { tags: tags.join(", ") };
    change({ action, tags, ...these }, (number) => (action === "tag" ? ngettext("{number} document tagged {tags}", "{number} documents tagged {tags}", number, names) : ngettext("{number} document without the tag {tags}", "{number} documents without the tag {tags}", number, names)));
  }

  function download(files) {
    if ((files.documents || []).length > AT_ONCE) return ofAsk.say(gettext("Select at most {documents} one by one, or all that match.", { documents: documents(AT_ONCE) }), null, 8);
    let frame = document.querySelector("#download");
    if (!frame) {
      frame = Object.assign(document.createElement("iframe"), { id: "download", name: "download", hidden: true, title: gettext("Download") });
      document.body.append(frame);
      // What is saved loads nothing; a refusal does.
      frame.addEventListener("load", () => { if (frame.dataset.asked) ofAsk.say(gettext("The documents could not be downloaded. They may have been deleted meanwhile."), null, 10); });
    }
    const asking = Object.assign(document.createElement("form"), { method: "post", action: "/documents/list/zip", target: "download", hidden: true });
    asking.append(Object.assign(document.createElement("input"), { name: "chosen", value: JSON.stringify(files) }));
    frame.dataset.asked = "yes";
    document.body.append(asking);
    asking.submit();
    asking.remove();
    ofAsk.say(gettext("The download begins; the zip is made while it is sent."));
  }

  const toBeRead = (number) => ngettext("{number} document to be read again", "{number} documents to be read again", number);

  // --- events ---
  const buttons = {
    sort(button) {
      const key = button.dataset.sort, numbers = ["pages", "chunks", "size", "indexed"];
      view.descending = view.sort === key ? !view.descending : numbers.includes(key);
      view.sort = form().elements.sort.value = key;
      view.page = 1;
      refresh(true);
    },
    page(button) { view.page = Number(button.dataset.page); refresh(true); },
    folder(button) {
      form().elements.collection.value = button.dataset.collection;
      view.folder = button.dataset.folder;
      narrow();
    },
    show(button) {
      form().elements.state.value = button.dataset.state;
      form().elements.collection.value = button.dataset.collection || "";
      view.folder = "";
      narrow();
    },
    tagged(button) {
      const select = form().elements.tag, tag = button.dataset.tagged;
      if (![...select.options].some((one) => one.value === tag)) select.add(new Option(tag, tag));
      select.value = tag;
      narrow();
    },
    every() { every = filter(); paint(); },
    none: chooseNone,
    download: () => download(wanted()),
    retry() { const these = wanted(); chooseNone(); change({ action: "retry", ...these }, toBeRead); },
    retryAll: () => change({ action: "retry", filter: { state: "failed" } }, toBeRead),
    delete: () => remove(wanted(), every ? total : chosen.size),
    gone: (button) => remove({ documents: [button.dataset.gone] }, 1),
  };

  document.addEventListener("click", (event) => {
    if (event.target.closest('[role="tab"]')) for (const delay of [50, 400]) setTimeout(refresh, delay);
    const button = event.target.closest("#documents button");
    const name = button && Object.keys(button.dataset).find((one) => buttons[one]);
    if (name) buttons[name](button);
  });
  document.addEventListener("change", (event) => {
    const field = event.target, ours = field.form && field.form === form();
    if (field.matches("#table td.choose input")) choose(field);
    else if (field.matches("#table [data-all]")) {
      every = null;
      for (const box of boxes()) { if (field.checked) chosen.add(box.value); else chosen.delete(box.value); }
      paint();
    } else if (field.matches("[data-page-number]")) { view.page = Math.max(1, Number(field.value) || 1); refresh(true); }
    else if (ours && field.name === "sort") { view.sort = field.value; view.descending = false; view.page = 1; refresh(true); }
    else if (ours && field.name !== "name") {
      if (field.name === "collection") view.folder = "";
      narrow();
    }
  });
  let typing = 0;
  document.addEventListener("input", (event) => {
    if (!event.target.matches("#documents [data-filters] [name=name]")) return;
    clearTimeout(typing);
    typing = setTimeout(narrow, 250);
  });
  document.addEventListener("reset", (event) => {
    if (event.target !== form()) return;
    Object.assign(view, { sort: "state", descending: false, folder: "" });
    setTimeout(narrow); // once the fields are empty
  });
  document.addEventListener("submit", (event) => {
    if (event.target === form()) { event.preventDefault(); narrow(); }
    if (event.target.matches("#documents [data-tag]")) { event.preventDefault(); tag(event.target, event.submitter.value); }
    if (!event.target.matches("#documents [data-move]")) return;
    event.preventDefault();
    const to = event.target.elements.to.value.trim(), these = wanted();
    if (!to) return;
    event.target.closest("details").open = false;
    chooseNone();
    change({ action: "move", to, ...these }, (number) => ngettext("{number} document moved to {collection}", "{number} documents moved to {collection}", number, { collection: to }));
  });
  document.addEventListener("keydown", (event) => {
    const open = event.key === "Escape" && event.target.closest("#documents details.move[open]");
    if (open) { open.open = false; open.querySelector("summary").focus(); }
  });
  // A deletion that can still be undone is carried out by this page: whoever leaves it is asked.
  addEventListener("beforeunload", (event) => { if (waiting) event.preventDefault(); });
  document.addEventListener("visibilitychange", () => refresh());
  setInterval(refresh, LOOK_SECONDS * 1000);
})();
