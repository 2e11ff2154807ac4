// Buttons that send an empty request and say what came of it: retry, confirm deletions, delete.
(() => {
  "use strict";
  const DONE = gettext("Done: the pipeline takes it up the next time it looks");

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-post]");
    if (!button || (button.dataset.confirm && !confirm(button.dataset.confirm))) return;
    button.disabled = true;
    try {
      const answer = await fetch(button.dataset.post, { method: button.dataset.method || "POST" });
      button.textContent = answer.ok ? button.dataset.done || DONE : failureOf((await answer.json()).error);
      if (answer.ok) button.dispatchEvent(new CustomEvent("posted", { bubbles: true }));
    } catch {
      button.disabled = false;
      button.textContent = gettext("The app could not be reached. Click to try again");
    }
  });
})();
