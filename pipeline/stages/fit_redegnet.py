"""Fit ReDegNet: learn to read degradations off real pairs and to put them on the HR images; the
whole fit is one unit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.realism.fits import realism
from pairmill.pipeline.redegnet.files import (
    LoadedPairs,
    WeightsFile,
    read_weights,
    vgg_of,
    weights_file,
)
from pairmill.pipeline.redegnet.pairs import Pairs, crops_of
from pairmill.pipeline.rng import stream_key
from pairmill.pipeline.runner.stage import Context, Stage, Unit
from pairmill.pipeline.stages.learned_fit import (
    HrPart,
    Learner,
    Look,
    hr_parts,
    leave_checkpoint,
    read_hrs,
    spread,
)
from pairmill.pipeline.stages.payload import npy_bytes
from pairmill.schemas.errors import UserError
from pairmill.schemas.hr import HrSet
from pairmill.schemas.image import ImageSet
from pairmill.schemas.realism import RealismResult
from pairmill.schemas.redegnet import (
    FacePair,
    PairSet,
    RedegnetConfig,
    RedegnetFitConfig,
    RedegnetFitRef,
    RedegnetFitted,
)
from pairmill.schemas.work import Payload

if TYPE_CHECKING:
    from pairmill.models.redegnet.fit import Fit
    from pairmill.models.redegnet.measure import Sight

NETWORKS, CODES = "networks.safetensors", "codes.npy"
VGG_KEY, START_KEY = "redegnet.vgg_weights", "redegnet.from_checkpoint"
LOOKED_AT = 64
"""Pairs that checks and measures look at."""
Image = NDArray[np.uint8]


class FitPayload(Payload):
    """All images of a fit, and files of weights."""

    pairs: tuple[FacePair, ...]
    """The real pairs."""
    hrs: tuple[HrPart, ...]
    """The HR images, which natural crops come from."""
    vgg: WeightsFile | None
    """Weights of VGG-19."""
    start: WeightsFile | None
    """Networks to start from."""

    @property
    def label(self) -> str:
        """See `Payload.label`."""
        return f"{len(self.pairs)} pairs and {len(self.hrs)} HR images"

    def identity(self) -> Any:
        """See `Payload.identity`."""
        weights = [None if file is None else file.sha256 for file in (self.vgg, self.start)]
        return [
            [pair.identity() for pair in self.pairs],
            [[part.image.pixel_sha256, part.key] for part in self.hrs],
            weights,
        ]


@dataclass(frozen=True)
class Inputs:
    """What degradations are learned from."""

    pairs: PairSet
    images: ImageSet
    hr: HrSet
    vgg: WeightsFile | None
    start: WeightsFile | None


def inputs(
    pairs: PairSet, images: ImageSet, hr: HrSet, config: RedegnetConfig, base: str
) -> Inputs:
    """The inputs of a recipe, with the files of weights looked up and digested.

    Raises:
        UserError: if such a file is missing.
    """
    vgg = None if config.vgg_weights is None else weights_file(config.vgg_weights, base, VGG_KEY)
    start = (
        None
        if config.from_checkpoint is None
        else weights_file(config.from_checkpoint, base, START_KEY)
    )
    return Inputs(pairs, images, hr, vgg, start)


def plan(inputs: Inputs, config: RedegnetFitConfig) -> list[FitPayload]:
    """One unit: the fit. Of many HR images, evenly spread ones in digest order."""
    chosen = hr_parts(inputs.images, inputs.hr, config.redegnet.images)
    return [FitPayload(pairs=inputs.pairs.pairs, hrs=chosen, vgg=inputs.vgg, start=inputs.start)]


def work(
    units: Sequence[Unit[FitPayload]], config: RedegnetFitConfig, context: Context
) -> Iterator[RedegnetFitted]:
    """See `Learner.work`."""
    return REDEGNET.work(units, config, context)


def _begin(payload: FitPayload, config: RedegnetFitConfig, context: Context) -> Fit:
    from pairmill.models.redegnet.fit import Fit

    naturals = read_hrs(context, payload.hrs, config.redegnet.window)
    seed = stream_key(
        config.seed, "redegnet", *(name for pair in payload.pairs for name in pair.identity())
    )
    source = Pairs(LoadedPairs(payload.pairs), naturals, config.redegnet, seed)
    fit = Fit(source, config.redegnet, seed, vgg_of(payload.vgg, VGG_KEY), context.profile.device)
    if payload.start is not None:
        _start_from(fit, payload.start)
    return fit


def _start_from(fit: Fit, file: WeightsFile) -> None:
    from pairmill.models.redegnet.checkpoint import start_from

    try:
        start_from(fit, read_weights(file, START_KEY))
    except ValueError as error:
        raise UserError(
            "a fit cannot start from this file",
            where=file.url,
            got=str(error),
            wanted="networks of the sizes in recipe section redegnet.net",
            todo=f"correct recipe key {START_KEY} or redegnet.net",
        ) from error


def _crops(pairs: Sequence[FacePair], config: RedegnetFitConfig) -> tuple[Image, Image]:
    """(P, K, side, side, 3) crops of HQ and LQ; the same for a pair whatever the other pairs
    are.
    """
    settings = config.redegnet
    cut = [
        crops_of(faces, pair.lq.pixel_sha256, settings.net.side, settings.pairs, config.seed)
        for pair, faces in zip(pairs, LoadedPairs(pairs), strict=True)
    ]
    return np.array([[part.hq for part in parts] for parts in cut]), np.array(
        [[part.lq for part in parts] for parts in cut]
    )


def _look(fit: Fit, payload: FitPayload, config: RedegnetFitConfig) -> Look[Sight]:
    from pairmill.models.redegnet.measure import look, montage

    pairs = spread(payload.pairs, LOOKED_AT)
    sight = look(fit, *_crops(pairs, config))
    return Look(sight, _realism(sight, pairs), partial(montage, sight))


def _realism(sight: Sight, pairs: Sequence[FacePair]) -> RealismResult:
    """How well HQ with the degradations of other pairs is distinguished from real LQ,
    cross-validated by the pair that is shown.
    """
    sources = [[pairs[number].lq.pixel_sha256 for number in numbers] for numbers in sight.shown]
    return realism(sight.real, sight.swapped, (sources[0], sources[1]))


def _leave(
    fit: Fit,
    look: Look[Sight],
    unit: Unit[FitPayload],
    config: RedegnetFitConfig,
    context: Context,
) -> RedegnetFitted:
    from pairmill.models.redegnet.checkpoint import networks_bytes
    from pairmill.models.redegnet.measure import measure

    payload, net = unit.payload, config.redegnet.net
    digest = leave_checkpoint(unit, context, networks_bytes(net, {"syn": fit.syn}))
    context.write(unit, NETWORKS, networks_bytes(net, fit.modules()))
    context.write(unit, CODES, npy_bytes(_codes(fit, payload.pairs, config)))
    return RedegnetFitted(
        digest=digest,
        code=net.code,
        side=net.side,
        rows=_rows(payload.pairs, config.redegnet.pairs.crops),
        vgg=None if payload.vgg is None else payload.vgg.sha256,
        start=None if payload.start is None else payload.start.sha256,
        measures=measure(fit, look.sight, look.realism),
    )


def _rows(pairs: Sequence[FacePair], crops: int) -> tuple[str, ...]:
    """The pair that each representation comes from."""
    return tuple(pair.lq.pixel_sha256 for pair in pairs for _ in range(crops))


def _codes(fit: Fit, pairs: Sequence[FacePair], config: RedegnetFitConfig) -> NDArray[np.float32]:
    """(P K, code): representations of all crops of all pairs, in the order of `rows`."""
    from pairmill.models.redegnet.draw import represent

    found = []
    for pair in pairs:
        hq, lq = _crops([pair], config)
        found.append(represent(fit.deg, hq[0], lq[0], fit.device))
    return np.concatenate(found)


def seal(
    units: Sequence[Unit[FitPayload]],
    records: Sequence[RedegnetFitted],
    config: RedegnetFitConfig,
    context: Context,
    key: str,
) -> RedegnetFitRef:
    """Say which unit holds the fit."""
    return RedegnetFitRef(key=units[0].key, fit=records[0])


def fit_config(seed: int, redegnet: RedegnetConfig) -> RedegnetFitConfig:
    """The stage's config: without the gates, so that others judge the same fit, and without places
    and `use`.
    """
    kept = redegnet.with_(gates={}, vgg_weights=None, from_checkpoint=None, use="general")
    return RedegnetFitConfig(seed=seed, redegnet=kept)


REDEGNET: Learner[FitPayload, RedegnetFitConfig, Fit, Sight, RedegnetFitted] = Learner(
    settings=lambda config: config.redegnet,
    begin=_begin,
    look=_look,
    leave=_leave,
    shown=("pixel", "same", "critic"),
)
STAGE = Stage(
    name="fit_redegnet",
    version=3,
    title="fit ReDegNet",
    noun="fits",
    record=RedegnetFitted,
    manifest=RedegnetFitRef,
    plan=plan,
    work=work,
    seal=seal,
    gpu=True,
)
