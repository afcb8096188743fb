"""The page of an explanation: a pure function of its data."""

from __future__ import annotations

from pairmill.pipeline.html.document import document, hero
from pairmill.pipeline.html.markup import (
    Raw,
    counted,
    definitions,
    el,
    join,
    notice,
    pixels,
    section,
    titled,
)
from pairmill.pipeline.html.strips import strip_html
from pairmill.pipeline.preview.page import boxed
from pairmill.schemas.preview import ExplainData, OriginView, PoolRowView

ENLARGED = 192
"""Width of LR beside its replay, in CSS pixels, at most."""


def page(data: ExplainData) -> str:
    """The whole of `index.html`."""
    parts = [
        ("steps", "Step by step", _steps(data)),
        ("origin", "Where it comes from", _origin(data.origin)),
    ]
    if data.rows:
        parts.append(("rows", "What was drawn", _rows(data.rows)))
    files = join([el("code", f"img/{name}.png") for name in ("hr", "lr", "lr-stored")], ", ")
    foot = join(
        [
            el("code", "explain.json"),
            " beside this page holds all its numbers, ",
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
        "p", "in the shard ", el("code", data.shard), f", seed {data.seed}", class_="quiet small"
    )
    return hero(f"Sample of {data.corpus}", el("code", data.key), lead, facts, where)


def sentence(data: ExplainData) -> str:
    """Whether the replay gave what was sealed."""
    if data.identical:
        return "LR made now equals the sealed LR bit for bit."
    return "LR made now differs from the sealed LR: run `pairmill corpus verify`."


def _steps(data: ExplainData) -> Raw:
    lead = (
        "LR was just made again from the stored HR, the stored program and the pools of the "
        "version. Images show the part with most detail, every pixel as a square. "
        "“Changed by” is the root mean square of what the op changed, in intensity levels of 0 to "
        "255."
    )
    last = data.strip.steps[-1].picture
    sign = el("span", "=" if data.identical else "≠", class_="sign")
    side = data.strip.side // data.strip.scale
    pair = el(
        "div",
        pixels(last, "LR made now", side),
        sign,
        pixels(data.stored, "LR as stored", side),
        notice(sentence(data), "good" if data.identical else "bad"),
        class_="ending",
        style=f"--most:{ENLARGED // side * side}px",
    )
    strip = strip_html(data.strip, data.degrader)
    ending = titled("Made now, and as stored", "", pair)
    return section("steps", "Step by step", lead, strip, ending)


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
    lead = f"{counted(len(rows), 'item')} of the pools of this version took part."
    return section(
        "rows",
        "What was drawn from pools",
        lead,
        el("div", *(_row(row) for row in rows), class_="grid rows"),
    )


def _row(row: PoolRowView) -> Raw:
    kind = row.kind.replace("_", " ")
    image = None
    if row.picture:
        image = pixels(row.picture, f"item {row.index} of the pool of {kind}")
    title = el(
        "p",
        el("span", f"{kind} #{row.index}", class_="tag"),
        el("span", f"of {row.count:,}, from 0", class_="quiet"),
    )
    if row.source:
        source = [("from", el("bdi", row.source))]
    else:
        source = []
    facts = definitions([*source, *row.facts, ("pool", el("code", row.pool[:12]))])
    return el("article", image, title, facts, class_="card kernel")
