// The panel of conversations: found, pinned, renamed, exported, deleted with a way back. Loaded by ask.js when it is opened.
(() => {
  "use strict";
  const panel = document.createElement("aside");
  panel.id = "conversations";
  panel.setAttribute("aria-label", gettext("Conversations"));
  panel.innerHTML = '<nav><button type="button" class="anew"></button><button type="button" class="close">×</button></nav><input type="search" dir="auto" maxlength="500"><div class="list" aria-live="polite"></div>';
  panel.querySelector(".anew").textContent = gettext("New conversation");
  panel.querySelector(".close").setAttribute("aria-label", gettext("Close the conversations"));
  panel.querySelector("input").setAttribute("aria-label", gettext("Search in conversations"));
  panel.querySelector("input").placeholder = gettext("Search");
  const list = panel.querySelector(".list"), search = panel.querySelector("input");
  const address = (id, rest = "") => `/api/v1/conversations/${id}${rest}`;
  const isOpen = () => document.documentElement.classList.contains("with-conversations");
  const narrow = matchMedia("(max-width: 999px)");
  let asked = 0;

  async function load(before = "") {
    if (!isOpen()) return;
    const number = ++asked;
    const answer = await ofAsk.send(`/conversations/list?${new URLSearchParams({ search: search.value, ...(before && { before }) })}`);
    if (!answer || number !== asked) return;
    const part = document.createElement("template");
    part.innerHTML = await answer.text();
    if (before) list.querySelector("[data-more]")?.remove();
    else list.replaceChildren();
    list.append(part.content);
    mark();
  }

  function mark() {
    const shown = ofAsk.shown();
    for (const row of list.querySelectorAll("li")) {
      if (row.dataset.id === shown) row.querySelector("a").setAttribute("aria-current", "page");
      else row.querySelector("a").removeAttribute("aria-current");
    }
  }

  function show(open) {
    if (!panel.isConnected) document.querySelector(".masthead").after(panel);
    document.documentElement.classList.toggle("with-conversations", open);
    document.querySelector(".for-conversations").setAttribute("aria-expanded", String(open));
    if (!narrow.matches) localStorage.setItem("conversations", open ? "open" : "");
    if (open) load();
  }

  const change = (id, body) => ofAsk.send(address(id), { method: "PATCH", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  const actions = {
    pin: async (id) => { await change(id, { pinned: true }); load(); },
    unpin: async (id) => { await change(id, { pinned: false }); load(); },
    rename(id, row) {
      const link = row.querySelector("a"), field = document.createElement("input");
      field.value = link.textContent;
      field.maxLength = 120;
      field.setAttribute("aria-label", gettext("Title"));
      row.querySelector(".menu").open = false;
      link.hidden = true;
      row.prepend(field);
      field.select();
      let over = false;
      const end = async (keep) => {
        if (over) return;
        over = true;
        if (keep && field.value.trim() && field.value !== link.textContent) await change(id, { title: field.value });
        await load();
        list.querySelector(`li[data-id="${id}"] a`)?.focus();
      };
      field.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === "Escape") { event.preventDefault(); end(event.key === "Enter"); } });
      field.addEventListener("blur", () => end(true));
    },
    async delete(id, row) {
      const title = row.querySelector("a").textContent, shown = ofAsk.shown() === id;
      if (!(await ofAsk.send(address(id), { method: "DELETE" }))) return;
      if (shown) document.querySelector("#anew").click();
      ofAsk.say(gettext("“{title}” deleted.", { title: title.slice(0, 60) }), async () => {
        if (await ofAsk.send(address(id, "/restore"), { method: "POST" })) { load(); if (shown) ofAsk.open(id); }
      });
      await load();
      search.focus();
    },
  };

  panel.addEventListener("click", (event) => {
    const button = event.target.closest("button"), row = event.target.closest("li"), link = event.target.closest("li > a");
    if (link && !event.metaKey && !event.ctrlKey && !event.shiftKey) {
      event.preventDefault();
      ofAsk.open(row.dataset.id);
      if (narrow.matches) show(false);
    } else if (button?.dataset.do) actions[button.dataset.do](row.dataset.id, row);
    else if (button?.dataset.more) load(button.dataset.more);
    else if (button?.matches(".close")) { show(false); document.querySelector(".for-conversations").focus(); }
    else if (button?.matches(".anew")) { document.querySelector("#anew").click(); if (narrow.matches) show(false); document.querySelector("#question textarea").focus(); }
  });
  panel.addEventListener("toggle", (event) => {
    if (event.target.open) for (const other of list.querySelectorAll(".menu[open]")) if (other !== event.target) other.open = false;
  }, true);
  panel.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    const menu = event.target.closest(".menu[open]");
    if (menu) { menu.open = false; menu.querySelector("summary").focus(); }
    else if (narrow.matches) panel.querySelector(".close").click();
  });
  let waiting = 0;
  search.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(load, 200); });
  document.addEventListener("click", (event) => {
    if (event.target.closest(".for-conversations")) { show(!isOpen()); if (isOpen()) search.focus(); }
    else if (!event.target.closest("#conversations .menu")) for (const menu of list.querySelectorAll(".menu[open]")) menu.open = false;
  });
  document.addEventListener("conversation", () => load());
  ofAsk.showPanel = show;
})();
