"""HTML and SVG that are safe by construction: text is escaped unless it was built here."""

from __future__ import annotations

import html
from collections.abc import Iterable

VOID = frozenset({"img", "input", "br", "meta", "link"})


class Raw(str):
    """Markup that is safe as it is; all other text is escaped."""

    __slots__ = ()


def text(value: object) -> Raw:
    """`value` escaped, unless it is markup already."""
    if isinstance(value, Raw):
        return value
    return Raw(html.escape(str(value)))


def join(parts: Iterable[object], between: str = "") -> Raw:
    """Parts in a row; none is left out."""
    return Raw(html.escape(between).join(text(part) for part in parts if part is not None))


def el(name: str, /, *children: object, **attributes: object) -> Raw:
    """One element. Attributes lose a trailing underscore and get dashes for the others; none and
    false are left out.
    """
    written = "".join(
        _attribute(key, value)
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    return Raw(
        f"<{name}{written}>" if name in VOID else f"<{name}{written}>{join(children)}</{name}>"
    )


def _attribute(name: str, value: object) -> str:
    name = name.rstrip("_").replace("_", "-")
    if value is True:
        return f" {name}"
    return f' {name}="{html.escape(str(value))}"'


def number(value: float) -> str:
    """A count with separators, or a measurement to three significant digits."""
    if float(value).is_integer():
        return f"{int(value):,}"  # also turns -0.0 into 0
    if abs(value) < 1000:
        return f"{value:.3g}"
    return f"{value:,.0f}"


def of(shown: int, total: int) -> str:
    """How much of something is shown, such as `48 of 12,345 shown`."""
    if shown == total:
        return f"all {total:,} shown"
    return f"{shown:,} of {total:,} shown"


def size(count: float) -> str:
    """Bytes for people."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:,.3g} TB"


def counted(count: int, noun: str, plural: str = "") -> str:
    """A number and its noun, such as `1 pair` or `3 pairs`."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def agreed(count: float, plural: str) -> str:
    """A noun as it stands after a number, such as `shard` or `batch` after 1 and `shards` after any
    other; `pool` stays.
    """
    if count == 1:
        return plural.removesuffix("es" if plural.endswith("ches") else "s")
    return plural


def chips(values: dict[str, int]) -> Raw:
    """Counts by name, most first, in one line."""
    most = sorted(values.items(), key=lambda item: (-item[1], item[0]))
    return join(el("span", name, el("b", number(count)), class_="chip") for name, count in most)


def definitions(rows: Iterable[tuple[str, object]]) -> Raw:
    """A list of terms and values."""
    return el("dl", *(el("div", el("dt", term), el("dd", value)) for term, value in rows))


def table(
    head: Iterable[str],
    rows: Iterable[Iterable[object]],
    caption: str,
    numeric: frozenset[int] = frozenset(),
) -> Raw:
    """A table; the first cell of a row names it, columns in `numeric` are aligned right."""

    def cls(place: int) -> str | None:
        return "num" if place in numeric else None

    header = el(
        "tr", *(el("th", cell, scope="col", class_=cls(place)) for place, cell in enumerate(head))
    )
    body = [
        el(
            "tr",
            *(
                el("td", cell, class_=cls(place))
                if place
                else el("th", cell, scope="row", class_=cls(place))
                for place, cell in enumerate(row)
            ),
        )
        for row in rows
    ]
    return table_box(caption, header, [el("tbody", *body)])


def table_box(caption: str, head: Raw, bodies: Iterable[Raw], class_: str = "") -> Raw:
    """The box of every table: it scrolls in itself, with the keyboard too.

    Args:
        caption: What the table holds, for those who do not see the heading above it.
        head: The row of column heads.
        bodies: `tbody` elements.
        class_: Classes besides `table`.
    """
    inner = el("table", el("caption", caption), el("thead", head), *bodies)
    classes = f"table {class_}".strip()
    return el("div", inner, class_=classes, tabindex=0, role="region", aria_label=caption)


def fold(cards: list[Raw], class_: str, first: int, style: str | None = None) -> Raw:
    """A grid of cards; those after the first ones are folded away."""

    def grid(part: list[Raw]) -> Raw:
        return el("div", *part, class_=f"grid {class_}", style=style)

    more = cards[first:]
    return join(
        [
            grid(cards[:first]),
            el("details", el("summary", f"{len(more):,} more"), grid(more)) if more else None,
        ]
    )


def figure(content: Raw, title: str, note: object = "") -> Raw:
    """A chart or image with its title above and a note below."""
    caption = el("figcaption", el("strong", title), el("span", note) if note else None)
    return el("figure", caption, content, class_="chart")


def section(anchor: str, title: str, lead: object, *content: object, folded: bool = False) -> Raw:
    """A section of the page; a folded one shows its title and its lead until it is opened."""
    name = f"{anchor}-title"
    if folded:
        said = el("span", lead, class_="lead") if lead else None
        summary = el("summary", el("h2", title, id=name), said)
        part = el("details", summary, el("div", *content, class_="body"))
        return el("section", part, id=anchor, aria_labelledby=name, class_="part")
    words = el("p", lead, class_="lead") if lead else None
    head = el("header", el("h2", title, id=name), words)
    return el("section", head, *content, id=anchor, aria_labelledby=name)


def titled(title: str, note: object, *content: object) -> Raw:
    """A part of a section: its heading, a few words beside it, and what it holds."""
    said = el("span", f" {note}" if isinstance(note, str) else note, class_="quiet")
    return join([el("h3", title, said if note else None), *content])


def notice(content: object, kind: str = "") -> Raw:
    """A box that must not be overlooked: plain, `good`, or `bad` for a warning."""
    return el("div", content, class_=f"notice {kind}".strip(), role="note")


def unfolded(summary: object, *content: object, open_: bool = False) -> Raw:
    """Something that is folded away under a line of text."""
    return el("details", el("summary", summary), *content, open=open_)


def pixels(source: str, alt: str, side: int = 0, class_: str = "") -> Raw:
    """An image whose pixels are squares of whole screen pixels.

    Args:
        source: File name or data URL.
        alt: What it shows.
        side: Width in pixels that are to stay whole; 0 where the image fills its frame.
        class_: Further classes.
    """
    return el(
        "img",
        src=source,
        alt=alt,
        class_=f"pixels {'whole ' if side else ''}{class_}".strip(),
        style=f"--side:{side}px" if side else None,
        loading="lazy",
        decoding="async",
    )
