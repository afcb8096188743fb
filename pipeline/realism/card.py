"""Rows of the realism card: the scores of papers for LR of one kind, and for the photographs
against themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.realism.compare import FEWEST_IMAGES, Matched, matched
from pairmill.pipeline.realism.flat_noise import FlatNoise, flat_noise
from pairmill.pipeline.realism.folds import halves
from pairmill.pipeline.realism.frechet import fid
from pairmill.pipeline.realism.kid import kid, kid_features
from pairmill.pipeline.realism.kid_feature import SIDE
from pairmill.pipeline.realism.noise_distance import FEWEST, akld, kld
from pairmill.pipeline.realism.patches import Image, Patches
from pairmill.pipeline.realism.spectrum_distance import spectrum_distance
from pairmill.schemas.realism import RealismConfig
from pairmill.schemas.realism_card import CardRow, Score, ScoreName

HALVINGS = 5
"""Ways to halve the photographs in the control, of which the median is shown: some halves of few
photographs have hardly a flat place."""
Inception = Callable[[NDArray[np.uint8]], NDArray[np.float64]]
"""Features, (N, d), of patches, (N, p, p, 3) uint8 RGB."""


@dataclass(frozen=True, eq=False)
class Side:
    """Images of one kind, as the scores need them."""

    images: Sequence[Image]
    """(H, W, 3) uint8 RGB."""
    sources: Sequence[str]
    """Name of the source image of each."""
    patches: Patches
    """Patches to choose from."""
    noise: FlatNoise
    """Its noise."""
    groups: Mapping[str, str] = field(default_factory=dict)
    """Name of the camera by source, where there are several."""
    known_noise: bool = False
    """Whether `noise` is known, not found in flat blocks."""


def card_row(
    name: str,
    photographs: Side,
    made: Side,
    pairs: Matched,
    seed: int,
    inception: Inception | None = None,
    **more: Any,
) -> CardRow:
    """All scores of one side.

    Args:
        name: What is compared.
        photographs: The real side.
        made: LR.
        pairs: Patches of both, matched in content.
        seed: Seed of the bootstrap.
        inception: Features for FID; without it there is none.
        more: Other fields of the row.
    """
    scores, problems = _patch_scores(pairs, seed, inception)
    blocks = (photographs.noise.blocks, made.noise.blocks)
    noise = _noise_scores(photographs.noise, made.noise, seed)
    if isinstance(noise, str):
        problems |= {"akld": noise, "kld": noise}
    else:
        scores |= noise
    sources = set(pairs.real.sources.tolist()) | set(pairs.synthetic.sources.tolist())
    return CardRow(
        name=name,
        images=len(sources),
        patches=min(len(pairs.real), len(pairs.synthetic)),
        blocks=blocks,
        known_noise=made.known_noise,
        problems=problems,
        **scores,
        **more,
    )


def _noise_scores(photographs: FlatNoise, made: FlatNoise, seed: int) -> dict[str, Score] | str:
    """AKLD and KLD, or why there are none."""
    if min(photographs.blocks, made.blocks) < FEWEST:
        return (
            f"needs {FEWEST} flat blocks on either side; there are {photographs.blocks} in "
            f"photographs and {made.blocks} in LR"
        )
    scores = {"akld": akld(photographs, made, seed), "kld": kld(photographs, made, seed)}
    found = {name: score for name, score in scores.items() if score}
    return found if len(found) == len(scores) else "flat blocks of the two sides differ in level"


def _patch_scores(
    pairs: Matched, seed: int, inception: Inception | None
) -> tuple[dict[str, Score], dict[ScoreName, str]]:
    names: tuple[ScoreName, ...] = ("spectrum", "kid", "fid") if inception else ("spectrum", "kid")
    if pairs.problem:
        return {}, dict.fromkeys(names, pairs.problem)
    sides = pairs.real, pairs.synthetic
    sources = pairs.real.sources, pairs.synthetic.sources
    scores = {"spectrum": spectrum_distance(*sides, seed)}
    problems: dict[ScoreName, str] = {}
    if pairs.real.pixels.shape[1] == SIDE:
        x, y = (kid_features(side) for side in sides)
        scores["kid"] = kid(x, y, sources, seed)
    else:
        problems["kid"] = f"its feature is of patches of {SIDE} x {SIDE} pixels"
    if inception:
        x, y = (inception(side.pixels) for side in sides)
        scores["fid"] = fid(x, y, sources, seed)
    return scores, problems


def control_row(
    name: str, photographs: Side, config: RealismConfig, inception: Inception | None = None
) -> CardRow:
    """Photographs in two halves, one of which plays LR, several ways: the median of the scores and
    of the ends of their intervals.
    """
    names = sorted(set(photographs.sources))
    if len(names) < 2 * FEWEST_IMAGES:
        said = f"needs {2 * FEWEST_IMAGES} photographs; there are {len(names)}"
        problems = dict.fromkeys(("akld", "kld", "spectrum", "kid"), said)
        return CardRow.model_validate(
            {"name": name, "control": True, "images": len(names), "problems": problems}
        )
    rows = []
    cameras = {photographs.groups.get(name, "") for name in names}
    for repeat in range(HALVINGS):
        playing = set[str]()
        for camera in cameras:  # half of each
            mine = [name for name in names if photographs.groups.get(name, "") == camera]
            playing |= halves(mine, config.seed, repeat)
        played, left = (
            _part(photographs, half, config) for half in (playing, set(names) - playing)
        )
        asked = None if repeat else inception  # it takes long
        pairs = matched(left.patches, played.patches, config)
        rows.append(card_row(name, left, played, pairs, config.seed, asked, control=True))
    return _median(rows)


def _part(side: Side, names: set[str], config: RealismConfig) -> Side:
    """The images of some sources."""
    chosen = [place for place, source in enumerate(side.sources) if source in names]
    images, sources = [side.images[n] for n in chosen], [side.sources[n] for n in chosen]
    return Side(
        images=images,
        sources=sources,
        patches=side.patches[np.flatnonzero(np.isin(side.patches.sources, sorted(names)))],
        noise=flat_noise(images, sources, config.seed, side.groups),
        groups=side.groups,
    )


def _median(rows: Sequence[CardRow]) -> CardRow:
    """One row with the medians of the scores."""
    scores: dict[str, Score | None] = {}
    for name in get_args(ScoreName):
        found = [score for row in rows if (score := row.score(name))]
        scores[name] = _middle(found) if found else None
    known = {name: said for row in rows for name, said in row.problems.items()}
    problems = {name: said for name, said in known.items() if scores[name] is None}
    return rows[0].model_copy(update={**scores, "problems": problems})


def _middle(found: Sequence[Score]) -> Score:
    ends = [score.interval for score in found if score.interval]
    return Score(
        value=float(np.median([score.value for score in found])),
        interval=(float(np.median([a for a, _ in ends])), float(np.median([b for _, b in ends]))),
    )
