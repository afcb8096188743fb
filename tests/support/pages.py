"""What every page of ours promises in a browser."""

from __future__ import annotations

from typing import Any

WIDE = """
  const boxed = (e) => e.closest(".table, pre, nav, .gains .chart");
  return [...document.querySelectorAll("body *")]
    .filter((e) => !boxed(e) && e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.outerHTML.slice(0, 200));
"""  # noqa: E501
"""What is wider than the screen and in no box that scrolls."""
LOST = (
    "return [...document.querySelectorAll('main a, nav a')].filter((a) => "
    "a.hash && !document.querySelector(a.hash)).length"
)
OUTSIDE = (
    "return performance.getEntriesByType('resource').map((one) => one.name)"
    ".filter((name) => !/^(file|data):/.test(name))"
)
SKIPPED_HEADINGS = """
  const levels = [...document.querySelectorAll("h1, h2, h3, h4")].map((e) => Number(e.tagName[1]));
  return levels.filter((level, place) => level > (levels[place - 1] ?? 0) + 1).length;
"""
BARE_TABLES = (
    "return [...document.querySelectorAll('table')].filter((table) => !table.caption || "
    "[...table.querySelectorAll('th')].some((cell) => !cell.scope)).map((e) => e.outerHTML)"
)
WITHOUT_ALT = "return [...document.images].filter((i) => !i.alt).map((i) => i.src)"
FAINT = """
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const probe = canvas.getContext("2d", { willReadFrequently: true }), known = new Map();
  const parts = (colour) => {
    if (!known.has(colour)) {
      probe.clearRect(0, 0, 1, 1);
      probe.fillStyle = colour;
      probe.fillRect(0, 0, 1, 1);
      known.set(colour, [...probe.getImageData(0, 0, 1, 1).data]);
    }
    return known.get(colour);
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (e) => {
    const layers = [];
    for (; e; e = e.parentElement) {
      const colour = parts(getComputedStyle(e).backgroundColor);
      if (colour[3]) layers.push(colour);
      if (colour[3] === 255) break;
      if (e.matches(".layer, .frame, .side")) { layers.push([255, 255, 255, 255]); break; }  // an image, at worst
    }
    return layers.reverse().reduce((under, over) => under.map((v, place) => v + (over[place] - v) * over[3] / 255), [255, 255, 255]);
  };
  const found = new Map(), texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const e = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || e.closest("script, title, .skip")) continue;
    if (!e.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    const style = getComputedStyle(e), ink = parts(e.closest("svg") ? style.fill : style.color);
    const [a, b] = [light(ink.slice(0, 3)), light(behind(e))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) found.set(`${e.tagName}.${e.getAttribute("class")}`, ratio);
  }
  return [...found].map(([name, ratio]) => `${name} ${ratio.toFixed(2)}`);
"""  # noqa: E501
"""Texts that are hard to read; on images they are held against white."""


def check_whole(browser: Any, width: int) -> None:
    """Every image is there, nothing is wider than the screen, links within the page lead
    somewhere, nothing comes from elsewhere, nothing complained; all can be read."""
    assert (
        browser.execute_script(
            "return [...document.images].filter((i) => !i.naturalWidth).map((i) => i.src)"
        )
        == []
    )
    assert browser.execute_script("return document.images.length") > 8
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert browser.execute_script(WIDE) == []
    assert browser.get_log("browser") == []
    assert browser.execute_script(LOST) == 0
    assert browser.execute_script(OUTSIDE) == []
    assert browser.execute_script("return document.querySelectorAll('h1').length") == 1
    assert browser.execute_script(SKIPPED_HEADINGS) == 0
    assert browser.execute_script(BARE_TABLES) == []
    assert browser.execute_script(WITHOUT_ALT) == []
    assert browser.execute_script(FAINT) == []
