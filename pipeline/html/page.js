"use strict";
(() => {
  document.documentElement.classList.add("js");
  for (const pane of document.querySelectorAll(".pane")) {
    pane.addEventListener("click", () => {
      pane.setAttribute("aria-pressed", String(pane.getAttribute("aria-pressed") !== "true"));
    });
  }
  const flips = (event) =>
    (event.key === "f" || event.key === "F") && !event.ctrlKey && !event.metaKey && !event.altKey;
  addEventListener("keydown", (event) => { if (flips(event)) document.body.classList.add("flipped"); });
  addEventListener("keyup", (event) => { if (flips(event)) document.body.classList.remove("flipped"); });
  addEventListener("blur", () => document.body.classList.remove("flipped"));
})();
