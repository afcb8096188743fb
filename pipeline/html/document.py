"""The frame of every page: it opens from disk and asks nothing of the network."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from pairmill.pipeline.html.markup import Raw, el

POLICY = (
    "default-src 'none'; img-src 'self' file: data:; style-src 'unsafe-inline'; script-src "
    "'unsafe-inline'"
)
"""Nothing but the images next to the page is loaded, whatever a file name may say."""

Part = tuple[str, str, Raw]
"""A section: its anchor, its label in the navigation (empty: none), its markup."""


def document(
    title: str,
    brand: str,
    top: Raw | None,
    parts: Sequence[Part],
    foot: object,
    style: str = "",
    scripts: Sequence[Raw] = (),
    policy: str = POLICY,
) -> str:
    """A whole page.

    Args:
        title: Title of the window.
        brand: First word of the navigation.
        top: What stands on top, usually a `hero`; none if the page begins with its first section.
        parts: Sections.
        foot: What stands at the end.
        style: Name of a style sheet of this folder that continues after `page.css`.
        scripts: Elements that come last.
        policy: What the page may load.
    """
    sheets = [asset("page.css"), *([asset(style)] if style else [])]
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", http_equiv="Content-Security-Policy", content=policy),
        el("meta", name="color-scheme", content="light dark"),
        el("link", rel="icon", href="data:,"),
        el("title", title),
        el("style", *sheets),
        el("script", asset("page.js")),  # before the body, or a dark page would flash
    )
    main = el("main", top, *(html for _, _, html in parts), id="main", tabindex=-1)
    footer = el("footer", el("p", foot, class_="quiet small"))
    skip = el("a", "Skip to the content", href="#main", class_="skip")
    body = el("body", skip, _navigation(brand, parts), main, footer, *scripts, id="top")
    return f"<!DOCTYPE html>\n{el('html', head, body, lang='en')}\n"


def _navigation(brand: str, parts: Sequence[Part]) -> Raw:
    """The bar of every page: its name, its contents, and the switch between light and dark."""
    links = [el("li", el("a", label, href=f"#{name}")) for name, label, _ in parts if label]
    contents = None
    if links:
        contents = el(
            "details", el("summary", "Contents"), el("ol", *links), class_="toc", open=True
        )
    return el(
        "nav",
        el("a", brand, href="#top", class_="brand"),
        contents,
        el("button", "Dark mode", type="button", class_="theme", hidden=True),
        aria_label="Contents",
    )


def asset(name: str) -> Raw:
    """The text of a style sheet or script of this folder."""
    return Raw(files("pairmill.pipeline.html").joinpath(name).read_text(encoding="utf-8"))


def hero(
    eyebrow: str, title: str, lead: object, facts: Sequence[tuple[str, str]], *more: object
) -> Raw:
    """The top of a page: a few words, a title, a sentence if there is one, a few large figures."""
    stats = el(
        "ul",
        *(el("li", el("b", value), el("span", label)) for value, label in facts),
        class_="stats",
    )
    words = el("p", lead, class_="lead") if lead else None
    return el(
        "header",
        el("p", eyebrow, class_="eyebrow"),
        el("h1", title),
        words,
        stats,
        *more,
        class_="hero",
    )
