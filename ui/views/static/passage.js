// A passage page: the theme of the app around it (or of the system), and the passage in view.
(() => {
  "use strict";
  const asked = new URLSearchParams(location.search);
  const dark = asked.has("theme") ? asked.get("theme") === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  document.documentElement.classList.toggle("beside", asked.has("beside"));

  // A page that cannot be drawn: words in place of its picture, and the text opened.
  document.addEventListener("error", (event) => {
    const figure = event.target.closest && event.target.closest("figure");
    if (!figure) return;
    figure.querySelector(".sheet").remove();
    figure.querySelector(".missing").hidden = false;
    for (const text of document.querySelectorAll("details.instead")) text.open = true;
  }, true);

  // Beside a conversation, its keys mean the same in here.
  addEventListener("keydown", (event) => {
    if (parent !== window && !event.altKey && !event.ctrlKey && !event.metaKey) parent.postMessage({ key: event.key }, location.origin);
  });

  addEventListener("click", (event) => {
    if (event.target.closest("button.print")) print();
  });

  addEventListener("load", () => {
    for (const place of document.querySelectorAll(".place")) place.style.top = `${Number(place.dataset.top) * 100}%`;
    const passage = document.querySelector(".place") || document.querySelector(".quoted") || document.querySelector("mark") || document.querySelector("tr.marked");
    if (passage && passage.getBoundingClientRect().top > innerHeight * 0.6) passage.scrollIntoView({ block: "start" });
  });
})();
