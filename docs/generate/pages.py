"""Write the pages of ops and degraders in docs/reference: texts from the schemas and
from docs/generate/notes, images made by the real ops.

Run `make docs`. Texts of fields and their ranges come from the schemas, formulas and sources from
docs/generate/notes, images from photos that come with scikit-image under CC0. A page whose
function, example or note is missing says so.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from docs.generate import examples
from docs.generate.anchors import anchor
from docs.generate.examples import DEGRADERS, LEARNED, OPS, SHOWN_BY, Example
from docs.generate.sections import REFERENCE, notes
from docs.generate.sentences import laid_out
from docs.generate.tables import Schema, described, table
from pairmill.pipeline import degraders
from pairmill.pipeline.assets import Assets
from pairmill.pipeline.html.captions import wrapped
from pairmill.pipeline.html.pictures import png
from pairmill.pipeline.ops import OPS as FUNCTIONS
from pairmill.pipeline.ops.apply import apply
from pairmill.pipeline.preview.pool_items import assets_of, pools_of
from pairmill.pipeline.preview.strips import shown
from pairmill.pipeline.rng import stream
from pairmill.schemas.base import Frozen
from pairmill.schemas.degraders import CONFIGS
from pairmill.schemas.errors import UserError
from pairmill.schemas.ops import Op

PANE, GAP, LINE = 160, 8, 14
Image = NDArray[np.uint8]


def main() -> None:
    """Write all pages and the two lists of them."""
    ops = {model.model_fields["op"].default: model for model in _members(get_args(Op)[0])}
    of_ops = notes("ops")
    for name, model in ops.items():
        _write("ops", name, _op_page(name, model, of_ops.get(name, "")))
    _write(
        "ops",
        "README",
        _index("Ops", "An op is one step of a degradation; a program is a list of ops.", ops),
    )
    of_degraders = notes("degraders")
    for name, config in CONFIGS.items():
        _write("degraders", name, _degrader_page(name, config, of_degraders.get(name, "")))
    _write(
        "degraders",
        "README",
        _index(
            "Degraders",
            "A degrader is a distribution over programs; a recipe mixes several.",
            CONFIGS,
        ),
    )


def _members(union: Any) -> Iterator[type[Frozen]]:
    for member in get_args(union):
        yield from _members(member) if get_args(member) else (member,)


def _index(title: str, lead: str, models: Mapping[str, type[Frozen]]) -> str:
    rows = "\n".join(f"| [{name}]({name}.md) | {_first(model)} |" for name, model in models.items())
    return (
        f"# {title}\n\n{lead} Written by `make docs`.\n\n| name | what it does "
        f"|\n|---|---|\n{rows}\n"
    )


def _first(model: type[Frozen]) -> str:
    return " ".join((model.__doc__ or "").strip().split("\n\n")[0].split())


def _prose(model: type[Frozen]) -> str:
    paragraphs = (model.__doc__ or "").strip().split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _op_page(name: str, model: type[Frozen], note: str) -> str:
    shown_ops = OPS.get(name, ())
    function = FUNCTIONS.get(model)
    parts = [
        f"# {name}",
        _prose(model),
        note or _missing(f"formula and source of op {name}", "docs/generate/notes/ops.md"),
    ]
    if function is None:
        parts.append(_missing(f"op {name}", "pipeline/ops"))
    elif shown_ops:
        save("ops", name, _op_picture(shown_ops))
        captions = "; ".join(example.words() for example in shown_ops)
        parts.append(
            f"![{name}](img/{name}.png)\n\nHR, then: {captions}. Every pixel is shown as a square."
        )
    elif (shown := SHOWN_BY.get(name, name)) in LEARNED:
        parts.append(f"![{name}](../degraders/img/{shown}.png)\n\n{LEARNED[shown]}")
    else:
        parts.append(_missing(f"example of op {name}", "docs/generate/examples.py"))
    return "\n\n".join([*parts, "## Parameters", _fields(model, hidden=("op",))]) + "\n"


def _degrader_page(name: str, config: type[Frozen], note: str) -> str:
    parts = [
        f"# {name}",
        _prose(config),
        note or _missing(f"source of degrader {name}", "docs/generate/notes/degraders.md"),
    ]
    return (
        "\n\n".join(
            [*parts, *_pictured(name, config), "## Settings", _fields(config, hidden=("kind",))]
        )
        + "\n"
    )


def _pictured(name: str, config: type[Frozen]) -> list[str]:
    if (shown := SHOWN_BY.get(name, name)) in LEARNED:
        return [f"![{name}](img/{shown}.png)", LEARNED[shown]]
    scale, settings = DEGRADERS.get(name, (4, {}))
    try:
        picture, words, counts = _draws(config.model_validate(settings), scale)
    except UserError as error:  # it needs something that only photos provide
        return [_missing(f"draw of {name} ({error.what})", "docs/generate/examples.py")]
    save("degraders", name, picture)
    listed = "\n".join(f"{place}. {text}" for place, text in enumerate(words, 1))
    often = ", ".join(f"{op} {count / 200:.3g}" for op, count in counts.most_common())
    return [
        f"![{name}](img/{name}.png)",
        f"HR and the LR of {len(words)} draws at x{scale}, every pixel shown as a square:",
        listed,
        f"Ops per program, over 200 draws: {often}.",
    ]


def _draws(config: Any, scale: int) -> tuple[Image, list[str], Counter[str]]:
    hr, supplies = examples.photograph("chelsea", 96, 128), examples.supplies(scale)
    degrader, assets = degraders.build(config, scale, pools_of(supplies)), assets_of(supplies)
    programs = [
        degrader.draw(stream("docs", config.kind, number), hr.shape[:2]) for number in range(200)
    ]
    counts = Counter(str(op.op) for program in programs for op in program.ops)
    sizes = {supply.digest: len(supply.items) for supply in supplies}
    words = [" → ".join(program.words(sizes)) for program in programs[:5]]
    panes = [
        ("HR", hr),
        *(
            (f"LR {place}", apply(program, hr, assets))
            for place, program in enumerate(programs[:5], 1)
        ),
    ]
    return row(panes), words, counts


def _op_picture(of: Iterable[Example]) -> Image:
    listed = list(of)
    hr = examples.photograph(
        listed[0].picture, listed[0].side, listed[0].side, listed[0].top, listed[0].left
    )
    panes = [("HR", hr)]
    for example in listed:
        assets = assets_of(list(example.supply))
        panes.append((example.words(), done((*example.before, example.op), hr, assets)))
    return row(panes)


def done(ops: Iterable[Any], hr: Image, assets: Assets | None = None) -> Image:
    """What ops make of an image, one after the other; clipped and rounded at the end."""
    image: NDArray[Any] = hr
    for op in ops:
        image = FUNCTIONS[type(op)](op, image, assets or Assets())
    return shown(image)


def row(panes: Sequence[tuple[str, Image]]) -> Image:
    """Images of one height with captions, in one row."""
    from PIL import Image as Pillow
    from PIL import ImageDraw, ImageFont

    height, width = panes[0][1].shape[:2]
    size = (round(PANE * width / height), PANE)
    canvas = Pillow.new(
        "RGB", (len(panes) * (size[0] + GAP) - GAP, PANE + 3 * LINE + 4), (255, 255, 255)
    )
    draw = ImageDraw.Draw(canvas)
    for place, (label, image) in enumerate(panes):
        left = place * (size[0] + GAP)
        canvas.paste(
            Pillow.fromarray(cv2.resize(image, size, interpolation=cv2.INTER_NEAREST_EXACT)),
            (left, 0),
        )
        for number, line in enumerate(wrapped(label, size[0], 3)):
            draw.text(
                (left, PANE + 3 + number * LINE), line, (60, 60, 60), ImageFont.load_default(12)
            )
    return np.asarray(canvas, np.uint8)


MOST_PARTS = 12
"""Nested settings that are listed on one page; those of custom chains are the ops, which have
pages of their own."""


def _fields(model: type[Frozen], hidden: tuple[str, ...]) -> str:
    """A table of fields, and those of the nested settings."""
    schema = model.model_json_schema()
    inner = {name: part for name, part in schema.get("$defs", {}).items() if "properties" in part}
    if len(inner) > MOST_PARTS:
        rows = table(schema, schema, hidden)
        more = f"Its {len(inner)} parts are ops with ranges in place of numbers; see"
        return f"{rows}\n\n{more} [ops](../ops/README.md)."
    parts = [table(schema, schema, hidden, _below)]
    for name, part in inner.items():
        parts += [f"### {name}", described(part), table(part, schema, naming=_below)]
    return "\n\n".join(parts)


def _below(name: str, _part: Schema) -> str:
    """Where nested settings stand on the page."""
    return f"[{name}](#{anchor(name)})"


def _missing(what: str, where: str) -> str:
    sys.stderr.write(f"docs: no {what} in {where}\n")
    return f"*No {what} in `{where}` yet.*"


def save(kind: str, name: str, picture: Image) -> None:
    """Save an image next to the pages of its kind."""
    path = REFERENCE / kind / "img" / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png(picture, effort=9))


def _write(kind: str, name: str, text: str) -> None:
    path = REFERENCE / kind / f"{name}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(laid_out(text), "utf-8")
