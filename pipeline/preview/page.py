"""The page of a preview: a pure function of its data."""

from __future__ import annotations

from pairmill.pipeline.html.document import document, hero
from pairmill.pipeline.html.markup import (
    Raw,
    chips,
    counted,
    el,
    join,
    notice,
    number,
    pixels,
    section,
    size,
    table,
    titled,
)
from pairmill.pipeline.html.strips import strip_html
from pairmill.pipeline.report.provenance import duration
from pairmill.schemas.preview import CostView, DegraderView, ImageView, PreviewData, SupplyView


def page(data: PreviewData) -> str:
    """The whole of `index.html`."""
    parts = [(f"degrader-{one.label}", one.label, _degrader(one)) for one in data.degraders]
    if data.supplies:
        parts.append(("pools", "Pools", _pools(data)))
    parts += [("cost", "Cost", _cost(data.cost)), ("images", "Images", _images(data))]
    foot = join(
        [
            el("code", "preview.png"),
            " beside this page shows the same strips in one image, ",
            el("code", "preview.json"),
            f" holds all numbers. Made in {data.seconds:.1f} s; nothing was built.",
        ]
    )
    return document(f"{data.name} · preview", data.name, _hero(data), parts, foot, "strips.css")


def _hero(data: PreviewData) -> Raw:
    strips = sum(len(one.strips) for one in data.degraders)
    lead = (
        f"{counted(strips, 'example')} of what {counted(len(data.degraders), 'degrader')} for "
        f"×{data.scale} would do to {counted(len(data.images), 'image')} of yours. Every strip "
        "begins with HR, shows the image after every op, and ends with LR."
    )
    cost = data.cost
    facts = [
        (number(cost.images), "image file" if cost.images == 1 else "image files"),
        (about(cost.tiles), "HR tiles"),
        (about(cost.pairs), "pairs"),
        (between(cost.seconds, "time"), "to build"),
        (between(cost.bytes, "bytes"), "on disk"),
    ]
    notices = [notice(text, "bad" if "will stop" in text else "") for text in data.warnings]
    return hero(f"Preview of {data.recipe}", data.name, lead, facts, *notices)


def about(count: int) -> str:
    """A count that is an estimate, to two digits."""
    return f"≈ {number(float(f'{count:.2g}'))}"


def between(values: tuple[float, float, float], kind: str) -> str:
    """A range for people, such as `3 – 5 min` or `1.2 – 1.6 GB`."""
    low, _, high = (
        _rough(value) if kind == "time" else size(float(f"{value:.2g}")) for value in values
    )
    start, unit = low.rsplit(" ", 1)
    if low == high:
        return low
    if high.endswith(f" {unit}"):
        return f"{start} – {high}"
    return f"{low} – {high}"


def _rough(seconds: float) -> str:
    """A time to two digits in one unit."""
    for unit, length in (("s", 1), ("min", 60), ("h", 3600)):
        if seconds < 100 * length and (unit != "s" or seconds < 60):
            return f"{float(f'{seconds / length:.2g}'):g} {unit}"
    return f"{float(f'{seconds / 86400:.2g}'):,g} days"


def _degrader(one: DegraderView) -> Raw:
    lead = f"{one.about} {one.share}."
    codes = [el("code", f"{name}: {value}") for name, value in one.settings.items()]
    settings = None
    if codes:
        settings = el("p", *codes, class_="settings")
    strips = [strip_html(strip, f"Example {place}") for place, strip in enumerate(one.strips, 1)]
    problem = None
    if one.problem:
        problem = notice(one.problem, "bad")
    legend = _legend() if strips else None
    return section(f"degrader-{one.label}", one.label, lead, settings, problem, *strips, legend)


def _legend() -> Raw:
    text = (
        "Images show the part of the tile with most detail, every pixel as a square; values beyond "
        "0 to 255 are clipped for display. “Changed by” is the root mean square of what the op "
        "changed, in intensity levels of 0 to 255. The small square is the blur kernel."
    )
    return el("p", text, class_="quiet small gap")


def _pools(data: PreviewData) -> Raw:
    lead = "What the degraders draw from: kernels, noise patches, compression of your photos."
    return section("pools", "Pools", lead, *(_pool(supply) for supply in data.supplies))


def _pool(supply: SupplyView) -> Raw:
    kind = supply.kind.replace("_", " ")
    tag = el(
        "span",
        "sealed" if supply.sealed else "placeholder",
        class_="tag" if supply.sealed else "tag bad",
    )
    title = el(
        "p",
        tag,
        el("b", kind),
        el("span", f" · {counted(supply.count, 'item')}", class_="quiet"),
    )
    pictures = [pixels(name, f"item of the pool of {kind}") for name in supply.pictures]
    return el(
        "div", title, el("p", supply.note, class_="quiet"), el("div", *pictures), class_="card pool"
    )


def _cost(cost: CostView) -> Raw:
    lead = (
        f"For {about(cost.tiles)} HR tiles and {about(cost.pairs)} pairs from "
        f"{counted(cost.images, 'file')}, with "
        f"{counted(cost.workers, 'worker process', 'worker processes')}: an estimate."
    )
    rows: list[list[object]] = [
        [
            row.stage.replace("_", " "),
            "–" if row.found else duration(row.seconds),
            size(row.bytes) if row.bytes else "",
            row.basis,
        ]
        for row in cost.rows
    ]
    rows.append(
        [
            el("b", "total"),
            el("b", f"{duration(cost.seconds[1])}"),
            el("b", size(cost.bytes[1])),
            f"{between(cost.seconds, 'time')}, {between(cost.bytes, 'bytes')}",
        ]
    )
    head = ("stage", "time", "space on disk", "estimated from")
    notes = el("ul", *(el("li", note) for note in cost.notes), class_="notes")
    return section(
        "cost",
        "Cost of the build",
        lead,
        table(head, rows, "Cost by stage", frozenset({1, 2})),
        notes,
    )


def _images(data: PreviewData) -> Raw:
    lead = (
        "Where the tiles above come from. A build uses all images, and all tiles that are neither "
        "flat nor blurred."
    )
    content = [el("div", *(_image(image) for image in data.images), class_="grid looks")]
    if data.left_out:
        body = [[el("bdi", name), reason] for name, reason in data.left_out]
        title = f"{counted(len(data.left_out), 'file')} tried and left out"
        content.append(titled(title, "", table(("file", "why"), body, title)))
    return section("images", "Images", lead, *content)


def _image(image: ImageView) -> Raw:
    caption = el(
        "figcaption",
        el("bdi", image.name, class_="name clip"),
        f"{image.width} × {image.height} px, {image.role} · ",
        f"{counted(image.used, 'tile')} used ",
        chips(image.skipped),
    )
    return el("figure", boxed(image.picture, image.tile, f"HR of {image.name}"), caption)


def boxed(picture: str, box: tuple[float, float, float, float], alt: str) -> Raw:
    """An image with a frame around a part of it, given as fractions."""
    left, top, width, height = (f"{100 * value:.3f}%" for value in box)
    frame = el("i", style=f"left:{left};top:{top};width:{width};height:{height}")
    return el("div", el("img", src=picture, alt=alt, loading="lazy"), frame, class_="boxed")
