"""What every page of ours promises in a browser."""

from __future__ import annotations

from typing import Any

WIDE = """
  const boxed = (e) => e.closest(".table, pre, nav");
  return [...document.querySelectorAll("body *")]
    .filter((e) => !boxed(e) && e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.outerHTML.slice(0, 200));
"""  # noqa: E501
LOST = (
    "return [...document.querySelectorAll('nav a')].filter((a) => "
    "!document.querySelector(a.hash)).length"
)


def check_whole(browser: Any, width: int) -> None:
    """Every image is there, nothing is wider than the screen, links within the page lead
    somewhere, nothing complained."""
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
