"use strict";
(() => {
  const start = JSON.parse(document.getElementById("start").textContent);
  const token = new URLSearchParams(location.search).get("token") || "";
  const byId = (id) => document.getElementById(id);
  const client = Array.from(crypto.getRandomValues(new Uint8Array(8)), (n) => n.toString(36)).join("");
  const PATIENCE = 250, QUIET = 700, SLOW = 200, GONE = "pairmill does not answer: it has ended, or its port is blocked. Start it again and open the new link.";
  const copy = (value) => JSON.parse(JSON.stringify(value));
  const state = {
    degrader: Math.max(0, start.degraders.findIndex((one) => !one.problem)), draw: 0, image: 0, part: 0, photo: 0, "photo-part": 0,
    side: start.sides.includes(512) ? 512 : start.sides[0], zoom: 0, beside: start.photos.length ? "photo" : "hr",
    settings: start.degraders.map((one, place) => copy(start.last[place] || one.settings)),
  };
  let sequence = 0;
  const element = (name, attributes = {}, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (key in made && key !== "list") made[key] = value; else made.setAttribute(key, value);
    }
    made.append(...children.filter((child) => child !== null));
    return made;
  };

  const inWords = (text) => text.split("`").map((part, place) => (place % 2 ? element("code", {}, part) : part));

  // Values in the settings, by path.
  const at = (path, tree = state.settings[state.degrader]) => path.reduce((node, key) => (node === null || node === undefined ? undefined : node[key]), tree);
  const put = (path, value) => { at(path.slice(0, -1))[path[path.length - 1]] = value; };
  const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
  const original = (knob) => at(knob.path, start.degraders[state.degrader].settings);
  const settings = () => ({ client, sequence: ++sequence, degrader: state.degrader, settings: state.settings[state.degrader] });

  const ask = async (path, body, signal) => {
    let answer;
    try {
      answer = await fetch(path, {
        method: body ? "POST" : "GET", signal, cache: "no-store", body: body ? JSON.stringify(body) : undefined,
        headers: { "X-Pairmill-Token": token, ...(body ? { "Content-Type": "application/json" } : {}) },
      });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw { problems: [{ path: [], text: GONE }] };
    }
    if (answer.ok) return answer;
    let said = {};
    try { said = await answer.json(); } catch { said = { problems: [{ path: [], text: `${answer.status} ${answer.statusText}` }] }; }
    throw said;
  };

  // The picture: pixels in canvases, enlarged by whole numbers of screen pixels.
  const left = byId("left"), right = byId("right"), screen = byId("screen");
  const paint = (canvas, bitmap) => {
    canvas.width = bitmap.width; canvas.height = bitmap.height;
    canvas.getContext("2d", { alpha: false, willReadFrequently: true }).drawImage(bitmap, 0, 0);
  };
  const bitmapOf = (bytes) => createImageBitmap(new Blob([bytes], { type: "image/png" }), { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  const fromBase64 = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const fit = () => {
    const dots = devicePixelRatio || 1, room = byId("frame").clientWidth * dots;
    let zoom = state.zoom;
    if (!zoom) {
      zoom = Math.max(1, Math.floor(room / right.width));
      if (state.beside === "hr" && zoom > start.scale) zoom -= zoom % start.scale;
    }
    const size = (canvas, times) => { canvas.style.width = `${canvas.width * times / dots}px`; canvas.style.height = `${canvas.height * times / dots}px`; };
    const beside = state.beside === "hr" ? zoom / start.scale : zoom;
    size(right, zoom); size(left, beside);
    screen.style.width = right.style.width; screen.style.height = right.style.height;
    left.classList.toggle("smooth", beside < 1);
    byId("left-name").textContent = state.beside === "hr" ? (beside < 1 ? "HR, smaller than its pixels" : "HR") : "my photo";
    byId("frame").dataset.zoom = zoom;
  };
  const wipe = (share) => { byId("wipe").value = share; screen.style.setProperty("--wipe", `${share}%`); };
  const drag = (event) => {
    const box = screen.getBoundingClientRect();
    wipe(Math.round(Math.min(100, Math.max(0, 100 * (event.clientX - box.left) / box.width))));
  };
  screen.addEventListener("pointerdown", (event) => { screen.setPointerCapture(event.pointerId); drag(event); });
  screen.addEventListener("pointermove", (event) => { if (event.buttons) drag(event); });
  byId("wipe").addEventListener("input", (event) => wipe(event.target.value));
  // On a narrow screen the picture stays while settings scroll below it, the bar above it does not.
  const stick = () => {
    const above = byId("frame").offsetTop, bar = document.querySelector("nav").offsetHeight;
    byId("picture").style.setProperty("--stick", `${bar - above}px`);
  };
  new ResizeObserver(() => { fit(); stick(); }).observe(byId("picture"));
  matchMedia(`(resolution: ${devicePixelRatio}dppx)`).addEventListener("change", fit);

  const seen = new Map();
  let besideNow = "";
  const showBeside = async () => {
    const path = state.beside === "hr" ? `/api/hr?image=${state.image}&part=${state.part}&side=${state.side}`
      : `/api/photo?image=${state.photo}&part=${state["photo-part"]}&side=${state.side}&beside=${state.image}`;
    besideNow = path;
    if (!seen.has(path)) seen.set(path, ask(path).then((answer) => answer.arrayBuffer()).then(bitmapOf));
    try {
      const bitmap = await seen.get(path);
      if (seen.size > 40) seen.delete(seen.keys().next().value);
      if (path === besideNow) { paint(left, bitmap); fit(); } // answers may overtake one another
    } catch (said) { seen.delete(path); tell(said); }
  };

  // Draws: one on its way, and the newest settings after it. What takes long is given up for newer ones.
  let flying = null, wanted = null;
  const redraw = (since = performance.now()) => {
    wanted = wanted || { since };
    if (!flying) fly();
    else if (performance.now() - flying.sent > PATIENCE) flying.control.abort();
  };
  const fly = async () => {
    while (wanted) {
      const { since } = wanted;
      wanted = null;
      if (start.degraders[state.degrader].problem) { tell({ problems: [{ path: [], text: start.degraders[state.degrader].problem }] }); break; }
      flying = { control: new AbortController(), sent: performance.now() };
      const slow = setTimeout(() => byId("busy").classList.add("on"), SLOW);
      try {
        const { draw, image, part, side } = state;
        const said = await (await ask("/api/draw", { ...settings(), draw, image, part, side }, flying.control.signal)).json();
        paint(right, await bitmapOf(fromBase64(said.png)));
        fit(); clear(); showOps(said);
        requestAnimationFrame(() => setTimeout(() => {
          performance.measure("setting to picture", { start: since, end: performance.now() });
          const all = performance.getEntriesByName("setting to picture");
          if (all.length > 500) performance.clearMeasures("setting to picture");
        }));
        judgeSoon();
      } catch (said) {
        if (said.name !== "AbortError" && !said.stale) tell(said);
        else if (!wanted && said.name !== "AbortError") wanted = null;
      } finally { clearTimeout(slow); byId("busy").classList.remove("on"); flying = null; }
    }
  };

  const showOps = (said) => {
    const total = Math.max(...said.ops.map((op) => op.milliseconds), 1);
    byId("ops").replaceChildren(...said.ops.map((op) => element("li", { className: op.kept ? "kept" : "" },
      element("span", {}, op.stand_in ? element("span", { className: "tag bad" }, "placeholder") : null, op.words),
      element("span", { className: "time", title: op.kept ? "kept from the draw before; its time then" : "" }, `${op.milliseconds < 10 ? op.milliseconds.toFixed(1) : Math.round(op.milliseconds)} ms`),
      (() => { const bar = element("i", {}); bar.style.width = `${100 * op.milliseconds / total}%`; return bar; })())));
    byId("notes").replaceChildren(...said.notes.map((text) => element("p", { className: "quiet small" }, text)));
    const lr = `${right.width} × ${right.height}`;
    const kept = said.ops.filter((op) => op.kept).length;
    byId("status").textContent = `LR of ${lr} pixels, each ${byId("frame").dataset.zoom} × ${byId("frame").dataset.zoom} on the screen; drawn in ${said.drawing.toFixed(1)} ms, `
      + `${said.ops.length - kept} of ${said.ops.length} ops carried out in ${Math.round(said.applying)} ms${kept ? ", the others kept" : ""}.`;
  };

  // What is wrong, beside the setting that it concerns.
  const clear = () => {
    byId("problem").hidden = true;
    for (const row of document.querySelectorAll(".knob.wrong")) {
      row.classList.remove("wrong"); row.querySelector(".wrong-text").textContent = "";
      row.querySelectorAll("[aria-invalid]").forEach((input) => input.removeAttribute("aria-invalid"));
    }
  };
  const tell = (said) => {
    clear();
    const rest = [];
    for (const { path, text } of said.problems || [{ path: [], text: String(said) }]) {
      const row = [...document.querySelectorAll(".knob")].find((one) => one.knob.path.every((part, place) => part === path[place]))
        || [...document.querySelectorAll(".knob")].find((one) => path.length && path.every((part, place) => part === one.knob.path[place]));
      if (!row) { rest.push(path.length ? `${path.join(".")}: ${text}` : text); continue; }
      row.classList.add("wrong"); row.querySelector(".wrong-text").textContent = text;
      row.querySelectorAll("input, select").forEach((input) => input.setAttribute("aria-invalid", "true"));
      for (let box = row.closest("details"); box; box = box.parentElement.closest("details")) box.open = true;
    }
    byId("problem").textContent = rest.join("\n"); byId("problem").hidden = !rest.length;
  };

  // Sliders, switches and choices, as the schema of the settings has them.
  const STEPS = 1000;
  const toSlider = (knob, value) => (knob.log ? STEPS * Math.log(Math.max(value, knob.low) / knob.low) / Math.log(knob.high / knob.low) : value);
  const fromSlider = (knob, place) => {
    if (!knob.log) return Number(place);
    return Number((knob.low * (knob.high / knob.low) ** (place / STEPS)).toPrecision(3));
  };
  const slider = (knob, label) => element("input", {
    type: "range", min: knob.log ? 0 : knob.low, max: knob.log ? STEPS : knob.high, step: knob.log ? 1 : knob.step, "aria-label": label,
  });
  const typed = (knob, label) => element("input", { type: "number", step: knob.whole ? 1 : "any", "aria-label": label, inputMode: "decimal" });
  const number = (input) => (input.value.trim() === "" ? NaN : Number(input.value));

  const controls = {
    number(knob, changed) {
      const bar = slider(knob, knob.label), box = typed(knob, `${knob.label}, typed`);
      bar.addEventListener("input", (event) => changed(fromSlider(knob, bar.value), event));
      box.addEventListener("input", (event) => changed(number(box), event));
      return { parts: [element("div", { className: "bar" }, bar), box], show(value) {
        bar.value = toSlider(knob, value);
        if (document.activeElement !== box) box.value = value;
      } };
    },
    range(knob, changed) {
      const ends = ["least", "largest"], bars = ends.map((end) => slider(knob, `${knob.label}, ${end}`)), boxes = ends.map((end) => typed(knob, `${knob.label}, ${end}, typed`));
      const fill = element("i", {});
      let now = [0, 0];
      bars.forEach((bar, end) => bar.addEventListener("input", (event) => {
        const value = fromSlider(knob, bar.value), next = [...now];
        next[end] = value;
        if (next[0] > next[1]) next[1 - end] = value; // one end pushes the other along
        changed(next, event);
      }));
      boxes.forEach((box, end) => box.addEventListener("input", (event) => { const next = [...now]; next[end] = number(box); changed(next, event); }));
      const share = (value) => 100 * Math.min(1, Math.max(0, (toSlider(knob, value) - (knob.log ? 0 : knob.low)) / ((knob.log ? STEPS : knob.high) - (knob.log ? 0 : knob.low))));
      return { parts: [element("div", { className: "bar two" }, fill, ...bars), ...boxes], show(value) {
        now = value;
        value.forEach((one, end) => { bars[end].value = toSlider(knob, one); if (document.activeElement !== boxes[end]) boxes[end].value = one; });
        fill.style.left = `${share(value[0])}%`; fill.style.right = `${100 - share(value[1])}%`;
        // Where both lie at the right end, the left one must be on top to be moved at all.
        bars[0].style.zIndex = share(value[0]) > 50 ? 2 : 1;
      } };
    },
    choice(knob, changed) {
      const box = element("select", { "aria-label": knob.label }, ...knob.choices.map((one) => element("option", { value: String(one) }, String(one).replaceAll("_", " "))));
      box.addEventListener("change", (event) => changed(knob.choices[box.selectedIndex], event));
      return { parts: [box], show(value) { box.selectedIndex = knob.choices.indexOf(value); } };
    },
    switch(knob, changed) {
      const box = element("input", { type: "checkbox", "aria-label": knob.label });
      box.addEventListener("change", (event) => changed(box.checked, event));
      return { parts: [box], show(value) { box.checked = value; } };
    },
  };

  const rows = [];
  const row = (knob) => {
    const put_ = (value, event) => {
      put(knob.path, value);
      if ([value].flat().some((one) => Number.isNaN(one))) { refresh(); tell({ problems: [{ path: knob.path, text: "a number is missing" }] }); return; }
      refresh(); redraw(event ? event.timeStamp : undefined);
    };
    const control = controls[knob.kind](knob, put_);
    const published = knob.instead === null ? null : element("input", { type: "checkbox" });
    if (published) published.addEventListener("change", (event) => put_(published.checked ? null : copy(knob.instead), event));
    const back = element("button", { type: "button", className: "undo", title: "as in the recipe", "aria-label": `${knob.label}: as in the recipe` }, "↺");
    back.addEventListener("click", (event) => put_(copy(original(knob) ?? 0), event));
    const made = element("div", { className: "knob" },
      element("div", { className: "knob-name" }, element("b", {}, knob.label), knob.unit ? element("span", { className: "quiet" }, ` ${knob.unit}`) : null,
        published ? element("label", { className: "published quiet" }, published, " published") : null, back),
      element("div", { className: "control" }, ...control.parts),
      knob.help ? element("p", { className: "quiet small" }, ...inWords(knob.help)) : null,
      element("p", { className: "wrong-text small", role: "alert" }));
    made.knob = knob;
    const show = () => {
      const value = at(knob.path), off = value === null;
      control.show(off ? knob.instead : value ?? 0);
      if (published) published.checked = off;
      control.parts.forEach((part) => [part, ...part.querySelectorAll("input, select")].forEach((input) => { input.disabled = off; }));
      made.classList.toggle("off", off);
      back.hidden = same(value ?? 0, original(knob) ?? 0);
      made.hidden = Boolean(knob.when) && at(knob.when.path) !== knob.when.value;
    };
    rows.push({ show, knob, back });
    return made;
  };
  const refresh = () => {
    rows.forEach((one) => one.show());
    for (const panel of document.querySelectorAll("#panels details")) {
      panel.hidden = Boolean(panel.when) && at(panel.when.path) !== panel.when.value;
      const changed = [...panel.querySelectorAll(".undo")].filter((one) => !one.hidden).length;
      panel.querySelector(".count").textContent = changed ? `${changed} changed` : "";
    }
    byId("reset").disabled = same(state.settings[state.degrader], start.degraders[state.degrader].settings);
  };
  const build = () => {
    const one = start.degraders[state.degrader];
    rows.length = 0;
    byId("about").textContent = one.about;
    byId("panels").replaceChildren(...one.panels.map((panel, place) => {
      const made = element("details", { className: "panel", open: place === 0 },
        element("summary", {}, element("b", {}, panel.title || "settings"), " ", element("span", { className: "tag count" })),
        panel.help && panel.title ? element("p", { className: "quiet small" }, ...inWords(panel.help)) : null, ...panel.knobs.map(row));
      made.when = panel.when;
      return made;
    }));
    if (!one.panels.length && !one.problem) byId("panels").append(element("p", { className: "quiet" }, "This degrader has no settings."));
    clear(); refresh();
  };

  // Realism: some time after the last change, in the background.
  let judging = null, soon = 0, limits = null, before = null;
  const judgeSoon = () => { clearTimeout(soon); soon = setTimeout(judge, QUIET); };
  const judge = async () => {
    if (judging) judging.abort();
    const mine = judging = new AbortController(), began = performance.now();
    const ticking = setInterval(() => { byId("realism").textContent = `measuring … ${Math.round((performance.now() - began) / 1000)} s`; }, 500);
    try {
      const said = await (await ask("/api/realism", settings(), mine.signal)).json();
      clearInterval(ticking);
      showRealism(said, before); before = said.auc === null ? before : said;
      if (!limits && said.auc !== null) {
        limits = await (await ask("/api/controls", {}, mine.signal)).json();
        showRealism(said, null);
      }
    } catch (said) {
      if (said.name !== "AbortError" && !said.stale) byId("realism").textContent = (said.problems || []).map((one) => one.text).join(" ");
    } finally { clearInterval(ticking); if (judging === mine) judging = null; }
  };
  const percent = (auc) => `${100 * Math.min(1, Math.max(0, (auc - 0.4) / 0.6))}%`;
  const mark = (name, auc, label) => {
    const made = element("span", { className: `mark ${name}` }, element("i", {}), element("em", {}, label));
    made.style.left = percent(auc);
    return made;
  };
  const showRealism = (said, earlier) => {
    if (said.auc === null) { byId("gauge").replaceChildren(); byId("realism").textContent = `Not measured: ${said.problem}.`; return; }
    const band = element("span", { className: "band" });
    band.style.left = percent(said.interval[0]); band.style.right = `calc(100% - ${percent(said.interval[1])})`;
    const marks = (limits || []).filter((one) => one.auc !== null).map((one) => mark("control", one.auc, one.name));
    byId("gauge").replaceChildren(band, ...marks, ...(earlier ? [mark("earlier", earlier.auc, "before")] : []), mark("now", said.auc, said.auc.toFixed(2)));
    const told = said.telling.length ? ` What tells: ${said.telling.join("; ")}.` : "";
    byId("realism").textContent = `AUC ${said.auc.toFixed(2)}, 95 % interval ${said.interval[0].toFixed(2)} to ${said.interval[1].toFixed(2)}: ${said.verdict}. `
      + `0.5 cannot be distinguished, 1 always. Quick: ${said.images} images, ${said.patches} patches, no network, ${said.seconds.toFixed(1)} s.${told}`;
  };

  // What is looked at.
  const choose = (name, value) => { state[name] = value; };
  for (const name of ["degrader", "image", "photo", "side", "zoom"]) {
    const box = byId(name);
    if (!box) continue;
    box.value = state[name];
    box.addEventListener("change", (event) => {
      choose(name, Number(box.value));
      if (name === "degrader") { before = null; build(); }
      if (name === "zoom") { fit(); return; }
      if (name !== "degrader") showBeside();
      if (name !== "photo") redraw(event.timeStamp);
    });
  }
  const step = (name, value, event) => {
    choose(name, Math.min(1000000, Math.max(0, Math.round(value) || 0)));
    byId(name).value = state[name] + 1;
    if (name !== "draw") showBeside();
    if (name !== "photo-part") redraw(event.timeStamp);
  };
  for (const name of ["draw", "part", "photo-part"]) {
    if (byId(name)) byId(name).addEventListener("change", (event) => step(name, Number(event.target.value) - 1, event));
  }
  for (const button of document.querySelectorAll("button.step")) {
    button.addEventListener("click", (event) => step(button.dataset.for, state[button.dataset.for] + Number(button.dataset.step), event));
  }
  byId("beside").addEventListener("change", (event) => { choose("beside", event.target.value); showBeside(); });
  byId("reset").addEventListener("click", (event) => {
    state.settings[state.degrader] = copy(start.degraders[state.degrader].settings);
    clear(); refresh(); redraw(event.timeStamp);
  });
  addEventListener("keydown", (event) => {
    if (event.target.closest("input:not([type=range]):not([type=checkbox]):not([type=radio]), select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.toLowerCase();
    if (key === "n" || key === "p") step("draw", state.draw + (key === "n" ? 1 : -1), event);
  });
  byId("name").value = `${start.recipe.replace(/\.ya?ml$/, "")}-live`;
  byId("save").addEventListener("submit", async (event) => {
    event.preventDefault();
    const line = byId("saved");
    line.className = "small"; line.textContent = "…";
    try {
      const said = await (await ask("/api/save", { ...settings(), name: byId("name").value })).json();
      const comments = said.comments ? "" : " The recipe uses YAML that cannot be changed in place, so its comments are not in the new file.";
      const changed = said.changed.length ? ` Changed: ${said.changed.join(", ")}.` : " Nothing differs from the recipe.";
      line.textContent = `Saved ${said.path}.${changed}${comments} A build of it is another version of corpus ${start.corpus}.`;
    } catch (said) {
      if ((said.problems || []).some((one) => one.path.length)) tell(said);
      line.className = "small wrong-text"; line.textContent = (said.problems || []).map((one) => one.text).join(" ") || String(said);
    }
  });

  wipe(50); build(); showBeside(); redraw();
})();
