"""The page of an explanation: a pure function of its data."""

from __future__ import annotations

from pairmill.pipeline.html.document import document, hero
from pairmill.pipeline.html.markup import Raw, counted, definitions, el, join, section
from pairmill.pipeline.html.strips import strip_html
from pairmill.pipeline.preview.page import boxed
from pairmill.schemas.preview import ExplainData, OriginView, PoolRowView


def page(data: ExplainData) -> str:
    """The whole of `index.html`."""
    parts = [
        ("steps", "Step by step", _steps(data)),
        ("origin", "Where it comes from", _origin(data.origin)),
    ]
    if data.rows:
        parts.append(("rows", "Items of pools", _rows(data.rows)))
    files = join([el("code", f"img/{name}.png") for name in ("hr", "lr", "lr-stored")], ", ")
    foot = join(
        [
            el("code", "explain.json"),
            " next to this page holds its numbers, ",
            files,
            " are the whole images.",
        ]
    )
    return document(
        f"{data.key} · {data.corpus}",
        data.corpus.split("@")[0],
        _hero(data),
        parts,
        foot,
        "strips.css",
    )


def _hero(data: ExplainData) -> Raw:
    strip = data.strip
    lead = join(
        ["HR, then " + ", then ".join(step.words for step in strip.steps) + ": that is the LR."]
    )
    size = f"{strip.hr_width} × {strip.hr_height}"
    facts = [
        (data.degrader, "degrader"),
        (data.split, "split"),
        (f"×{strip.scale}", "scale"),
        (size, "HR pixels"),
    ]
    where = el(
        "p", "in ", el("code", data.shard), f", corpus seed {data.seed}", class_="quiet small"
    )
    return hero(f"Sample of {data.corpus}", el("code", data.key), lead, facts, where)


def sentence(data: ExplainData) -> str:
    """Whether the replay gave what was sealed."""
    if data.identical:
        return "The last image equals the sealed LR bit for bit."
    return "The last image differs from the sealed LR: run `pairmill corpus verify`."


def _steps(data: ExplainData) -> Raw:
    lead = (
        "Made again now from the stored HR, the stored program and the pools of the version. "
        "Images show the busiest part, "
        "every pixel as a square. Δ: root mean square of what the op changed, in intensity levels."
    )
    last = data.strip.steps[-1].picture
    sign = el("span", "=" if data.identical else "≠", class_="sign")
    pair = el(
        "div",
        el("img", src=last, alt="LR made now", class_="pixels"),
        sign,
        el("img", src=data.stored, alt="LR as stored", class_="pixels"),
        el("p", sentence(data), class_=f"notice {'good' if data.identical else 'bad'}"),
        class_="ending",
    )
    title = el("h3", "Made now, and as stored")
    return section(
        "steps", "Step by step", lead, strip_html(data.strip, data.degrader), title, pair
    )


def _origin(origin: OriginView) -> Raw:
    frame = None
    if origin.picture:
        frame = boxed(origin.picture, origin.box, "HR image with the tile")
    note = el("p", origin.note, class_="quiet gap")
    return section(
        "origin",
        "Where it comes from",
        el("bdi", origin.source),
        el("div", frame, class_="source"),
        note,
    )


def _rows(rows: tuple[PoolRowView, ...]) -> Raw:
    lead = f"{counted(len(rows), 'item')} of the version's pools took part."
    return section(
        "rows", "Items of pools", lead, el("div", *(_row(row) for row in rows), class_="grid rows")
    )


def _row(row: PoolRowView) -> Raw:
    alt = f"item {row.index} of the {row.kind} pool"
    image = None
    if row.picture:
        image = el("img", src=row.picture, alt=alt, class_="pixels")
    title = el(
        "p",
        el("span", f"{row.kind} #{row.index}", class_="tag"),
        el("span", f"of {row.count:,}", class_="quiet"),
    )
    if row.source:
        source = [("from", el("bdi", row.source))]
    else:
        source = []
    facts = definitions([*source, *row.facts, ("pool", el("code", row.pool[:12]))])
    return el("article", image, title, facts, class_="card kernel")
