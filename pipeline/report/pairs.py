"""The pairs of the gallery."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pairmill.pipeline.corpora.samples import Pair
from pairmill.pipeline.html.markup import Raw, el, fold, join, of, section
from pairmill.pipeline.html.picture_files import PictureFiles
from pairmill.pipeline.html.pictures import Image, busiest, enlarged
from pairmill.pipeline.html.text import plain
from pairmill.pipeline.report.pool_rows import KernelPictures
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.ops.pooled import PooledBlur
from pairmill.schemas.program import Program
from pairmill.schemas.report_pairs import PairsSection, PairView

SHOWN = 24
CROP = 128
"""Side of the crops that are shown, in HR pixels, cut to a multiple of the scale."""


def crop_side(pairs: Sequence[Pair], scale: int, most: int = CROP) -> int:
    """Side of a crop that lies in every tile, in HR pixels."""
    smallest = min((min(pair.hr.shape[:2]) for pair in pairs), default=most)
    return min(most, smallest) // scale * scale


def filling_side(side: int, scale: int) -> int:
    """The side at which a crop of at most `side` HR pixels fills a pane of the page with whole
    screen pixels: of 96, 84 at three screen pixels each, for 96 at two would leave a quarter of the
    page empty.
    """
    zoom = -(-WIDE // max(1, side))
    return max(scale, min(side, WIDE // zoom) // scale * scale)


def crops(pair: Pair, side: int, scale: int) -> tuple[Image, Image]:
    """HR and LR of the part of a pair with the most detail."""
    top, left = busiest(pair.hr, side, scale)
    low = side // scale
    hr = pair.hr[top : top + side, left : left + side]
    lr = pair.lr[top // scale : top // scale + low, left // scale : left // scale + low]
    return np.ascontiguousarray(hr), np.ascontiguousarray(lr)


def collect_pairs(
    pairs: list[Pair],
    manifest: CorpusManifest,
    sources: Mapping[str, str],
    kernels: Mapping[str, KernelPictures],
    picture_files: PictureFiles,
) -> PairsSection:
    """Cut, upscale and describe the pairs; `sources` are file names of images by pixel digest."""
    scale = int(manifest.identity.recipe["scale"])
    side = filling_side(crop_side(pairs, scale), scale)
    counts = {ref.digest: ref.count for ref in manifest.identity.pools}
    for pool, pictures in kernels.items():
        pictures.draw(
            [blur.index for pair in pairs for blur in _blurs(pair.program) if blur.pool == pool]
        )
    views = [
        _view(pair, side, scale, sources.get(pair.row.image, ""), counts, kernels, picture_files)
        for pair in pairs
    ]
    return PairsSection(
        shown=tuple(views), total=sum(manifest.identity.samples.values()), side=side
    )


def _view(
    pair: Pair,
    side: int,
    scale: int,
    source: str,
    counts: dict[str, int],
    kernels: Mapping[str, KernelPictures],
    picture_files: PictureFiles,
) -> PairView:
    hr, lr = crops(pair, side, scale)
    key, program = pair.row.key, pair.program
    return PairView(
        key=key,
        split=pair.row.split,
        degrader=pair.row.degrader,
        source=plain(source),
        program=program.words(counts),
        kernel=_kernel(program, kernels),
        hr=picture_files.png(f"pair-{key}-hr", hr),
        lr=picture_files.png(f"pair-{key}-lr", lr),
        bicubic=picture_files.png(f"pair-{key}-bicubic", enlarged(lr, scale)),
    )


def _kernel(program: Program, kernels: Mapping[str, KernelPictures]) -> str:
    blurs = [blur for blur in _blurs(program) if blur.pool in kernels]
    if blurs:
        return kernels[blurs[0].pool].name(blurs[0].index)
    return ""


def _blurs(program: Program) -> list[PooledBlur]:
    return [op for op in program.ops if isinstance(op, PooledBlur)]


WIDE = 256
"""Width of a crop on a desk screen, in CSS pixels, at most; a whole number of screen pixels per HR
pixel."""


OPEN = 6
"""Pairs that are not folded away."""


def pairs_html(pairs: PairsSection, scale: int) -> Raw:
    """The gallery."""
    lead = (
        f"Left HR, right LR at the size of HR: {of(len(pairs.shown), pairs.total)}, drawn at "
        f"random from all splits, degraders and images. Each shows the {pairs.side} × "
        f"{pairs.side} HR pixels with most detail, every pixel as a square. Point at an image, "
        "or tap it, to see the other one in its place."
    )
    zoom = max(1, WIDE // max(1, pairs.side))
    cards = [_card(pair, scale) for pair in pairs.shown]
    return section(
        "pairs",
        "Are the pairs good?",
        lead,
        _switch(),
        fold(cards, "pairs", OPEN, style=f"--side:{pairs.side}px;--most:{pairs.side * zoom}px"),
    )


def _switch() -> Raw:
    choices = [("lr-nearest", "squares", True), ("lr-bicubic", "bicubic", False)]
    options = join(
        el("label", el("input", type="radio", name="lr", id=name, checked=first), el("span", label))
        for name, label, first in choices
    )
    hint = el("p", "Hold ", el("kbd", "F"), " to flip all pairs.", class_="hint")
    return el(
        "div",
        el("fieldset", el("legend", "Show LR as"), options, class_="switch"),
        hint,
        class_="tools",
    )


def _card(pair: PairView, scale: int) -> Raw:
    panes = el("div", _pane(pair, "HR", "LR"), _pane(pair, "LR", "HR"), class_="panes")
    kernel = None
    if pair.kernel:
        kernel = el(
            "img", src=pair.kernel, alt="kernel of this pair", class_="pixels mini", loading="lazy"
        )
    program = el("p", join(pair.program, " · "), class_="program")
    facts = el(
        "div",
        el(
            "p",
            el("span", pair.degrader, class_="tag"),
            el("span", pair.split, class_="tag quiet"),
            el("code", pair.key),
        ),
        program,
        el("p", el("bdi", pair.source), f" · ×{scale}", class_="quiet small"),
        class_="facts",
    )
    return el("article", panes, el("div", kernel, facts, class_="caption"), class_="card pair")


def _pane(pair: PairView, first: str, second: str) -> Raw:
    label = f"{first} of {pair.key}; press to see {second} in its place"
    return el(
        "button",
        _layer(pair, first, "base"),
        _layer(pair, second, "flip"),
        type="button",
        class_="pane",
        aria_label=label,
        aria_pressed="false",
    )


def _layer(pair: PairView, which: str, place: str) -> Raw:
    if which == "HR":
        files = [("hr", pair.hr)]
    else:
        files = [("nearest", pair.lr), ("bicubic", pair.bicubic)]
    images = [
        el(
            "img",
            src=file,
            alt=f"{which} of {pair.key}",
            class_=f"pixels {kind}",
            loading="lazy",
            decoding="async",
        )
        for kind, file in files
    ]
    return el("span", *images, el("b", which), class_=f"layer {place}")
