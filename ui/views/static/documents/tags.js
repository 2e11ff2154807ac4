// The tags on a document's own page: given, taken, and suggested from those that there are.
(() => {
  "use strict";
  const place = document.querySelector(".tagged"), list = place?.querySelector(".tags"), form = place?.querySelector("form");
  if (!form) return;
  const said = place.querySelector("[role=status]"), identity = place.dataset.document;

  function chip(tag) {
    const item = document.createElement("li"), name = document.createElement("bdi"), button = document.createElement("button");
    item.dataset.tag = name.textContent = tag;
    Object.assign(button, { type: "button", textContent: "×" });
    button.setAttribute("aria-label", gettext("Remove the tag {tag}", { tag }));
    item.append(name, button);
    return item;
  }

  async function asked(address, options) {
    try {
      const answer = await fetch(address, options), told = await answer.json();
      if (answer.ok) return told;
      said.textContent = failureOf(told.error);
    } catch {
      said.textContent = gettext("The app could not be reached. Try again.");
    }
    return null;
  }

  async function change(action, tags) {
    const body = JSON.stringify({ action, tags, documents: [identity] });
    const done = await asked("/api/v1/documents/batch", { method: "POST", headers: { "Content-Type": "application/json" }, body });
    if (!done) return false;
    const [outcome] = done.outcomes, now = await asked(`/api/v1/documents/${identity}`);
    if (now) list.replaceChildren(...now.tags.map(chip));
    if (now) said.textContent = outcome.message || (action === "tag" ? gettext("Tagged {tags}.", { tags: tags.join(", ") }) : gettext("Removed {tags}.", { tags: tags.join(", ") }));
    return outcome.done;
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const field = form.elements.tags, tags = field.value.split(",").map((one) => one.trim()).filter(Boolean);
    if (tags.length && (await change("tag", tags))) field.value = "";
    field.focus();
  });
  form.elements.tags.disabled = false; // what was entered before there was somebody to take it would be lost
  list.addEventListener("click", async (event) => {
    const item = event.target.closest("button")?.parentElement;
    if (!item) return;
    await change("untag", [item.dataset.tag]);
    (list.querySelector("button") || form.elements.tags).focus();
  });
  form.elements.tags.addEventListener("focus", async () => {
    const answer = await fetch("/api/v1/tags").catch(() => null);
    if (answer?.ok) document.getElementById("tag-names").replaceChildren(...(await answer.json()).tags.map(({ tag }) => new Option("", tag)));
  }, { once: true });
})();
