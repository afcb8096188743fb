"use strict";
(() => {
  const root = document.documentElement, key = "pairmill-theme";
  const dark = matchMedia("(prefers-color-scheme: dark)"), wide = matchMedia("(min-width: 88rem)");
  const kept = () => { try { return localStorage.getItem(key); } catch { return null; } };
  const keep = (theme) => {
    try { theme ? localStorage.setItem(key, theme) : localStorage.removeItem(key); } catch { /* no storage: until the page is left */ }
  };
  const wanted = (theme) => { if (theme) root.dataset.theme = theme; else delete root.dataset.theme; };
  root.classList.add("js");
  if (["dark", "light"].includes(kept())) wanted(kept());

  const isDark = () => (root.dataset.theme ?? (dark.matches ? "dark" : "light")) === "dark";
  const switchTheme = (button) => {
    const name = () => { button.textContent = isDark() ? "Light mode" : "Dark mode"; };
    button.hidden = false;
    button.addEventListener("click", () => {
      const next = isDark() ? "light" : "dark", usual = dark.matches ? "dark" : "light";
      wanted(next === usual ? null : next);
      keep(next === usual ? null : next);
      name();
    });
    dark.addEventListener("change", name);
    name();
  };

  const fold = (contents) => {
    const follow = () => { contents.open = wide.matches; };
    contents.addEventListener("click", (event) => { if (event.target.closest("a") && !wide.matches) contents.open = false; });
    document.addEventListener("keydown", (event) => { if (event.key === "Escape" && !wide.matches) contents.open = false; });
    wide.addEventListener("change", follow);
    follow();
  };

  const unfold = () => {  // whatever a link leads to
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const inner = target?.matches(".part") ? target.querySelector("details") : null;
    for (let part = inner ?? target?.closest("main details"); part; part = part.parentElement.closest("details")) part.open = true;
    if (inner) target.scrollIntoView();
  };

  const wipe = (box) => {
    const range = box.querySelector("input");
    const show = () => { box.style.setProperty("--at", `${range.value}%`); };
    const follow = (event) => {
      const { left, width } = box.getBoundingClientRect();
      range.value = String(Math.round(100 * Math.min(1, Math.max(0, (event.clientX - left) / width))));
      show();
    };
    range.addEventListener("input", show);
    box.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      range.focus({ focusVisible: false });
      box.setPointerCapture(event.pointerId);
      follow(event);
    });
    box.addEventListener("pointermove", (event) => { if (box.hasPointerCapture(event.pointerId)) follow(event); });
    show();
  };

  const flips = (event) =>
    (event.key === "f" || event.key === "F") && !event.ctrlKey && !event.metaKey && !event.altKey;
  const flip = (pane) => pane.addEventListener("click", () => {
    pane.setAttribute("aria-pressed", String(pane.getAttribute("aria-pressed") !== "true"));
  });

  addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll(".theme").forEach(switchTheme);
    document.querySelectorAll(".toc").forEach(fold);
    document.querySelectorAll(".wipe").forEach(wipe);
    document.querySelectorAll(".pane").forEach(flip);
    addEventListener("keydown", (event) => { if (flips(event)) document.body.classList.add("flipped"); });
    addEventListener("keyup", (event) => { if (flips(event)) document.body.classList.remove("flipped"); });
    addEventListener("blur", () => document.body.classList.remove("flipped"));
    addEventListener("hashchange", unfold);
    addEventListener("beforeprint", () => document.querySelectorAll("main details").forEach((part) => { part.open = true; }));
    unfold();
  });
})();
