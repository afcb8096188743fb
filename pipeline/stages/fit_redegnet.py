"""Fit ReDegNet: learn to read degradations off real pairs and to put them on the HR images; the
whole fit is one unit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.images.encode import encode_png
from pairmill.pipeline.realism.fits import number, realism, words
from pairmill.pipeline.redegnet.files import LoadedPairs, WeightsFile, read_weights, weights_file
from pairmill.pipeline.redegnet.pairs import Pairs, crops_of
from pairmill.pipeline.rng import stream_key
from pairmill.pipeline.runner.stage import Context, Stage, Unit
from pairmill.pipeline.stages import clean_up
from pairmill.pipeline.stages.checkpoint import CHECKPOINT
from pairmill.pipeline.stages.fit_pdm import HrPart, centre, spread
from pairmill.pipeline.stages.payload import npy_bytes
from pairmill.pipeline.workspace import layout
from pairmill.schemas.errors import UserError
from pairmill.schemas.hr import HrSet
from pairmill.schemas.image import ImageSet
from pairmill.schemas.realism import RealismResult
from pairmill.schemas.redegnet import (
    CURVES,
    FacePair,
    PairSet,
    RedegnetConfig,
    RedegnetFitConfig,
    RedegnetFitRef,
    RedegnetFitted,
)
from pairmill.schemas.work import Payload

if TYPE_CHECKING:
    from pairmill.models.losses.vgg import Vgg
    from pairmill.models.redegnet.fit import Fit
    from pairmill.models.redegnet.measure import Sight

STATE, NETWORKS, CODES, LOSSES = (
    "state.safetensors",
    "networks.safetensors",
    "codes.npy",
    "curves.npy",
)
TOLD = ("pixel", "same", "critic")
"""Losses that progress shows."""
VGG_KEY, START_KEY = "redegnet.vgg_weights", "redegnet.from_checkpoint"
LOOKED_AT = 64
"""Pairs that checks and measures look at."""
Image = NDArray[np.uint8]


class FitPayload(Payload):
    """All pictures of a fit, and files of weights."""

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
    records = inputs.images.by_digest()
    hrs = [
        HrPart(image=records[ref.hr.image], key=ref.key, cleaned=ref.hr.cleaned)
        for ref in inputs.hr.images
    ]
    chosen = spread(hrs, config.redegnet.images)
    return [FitPayload(pairs=inputs.pairs.pairs, hrs=chosen, vgg=inputs.vgg, start=inputs.start)]


def work(
    units: Sequence[Unit[FitPayload]], config: RedegnetFitConfig, context: Context
) -> Iterator[RedegnetFitted]:
    """Fit, or go on with a fit that was killed; write the state, a picture and the curves at every
    check.
    """
    from pairmill.models.pdm.draw import one_thread
    from pairmill.models.redegnet.checkpoint import restore

    for unit in units:
        folder = layout.unit_folder(context.stage, unit.key)
        with one_thread():
            fit = _begin(unit.payload, config, context)
            if context.storage.exists(f"{folder}/{STATE}"):
                restore(fit, context.storage.read(f"{folder}/{STATE}"))
            while not fit.done:
                for samples in fit.advance(config.redegnet.check_every):
                    context.report(
                        0.99 * samples / config.redegnet.samples,
                        words(fit.curves, fit.aucs, CURVES, TOLD),
                    )
                _check(fit, unit, config, context)
            yield _finish(fit, unit, config, context)


def _begin(payload: FitPayload, config: RedegnetFitConfig, context: Context) -> Fit:
    from pairmill.models.redegnet.checkpoint import start_from
    from pairmill.models.redegnet.fit import Fit

    hrs = (
        clean_up.read_hr(context.storage, part.image, part.key, cleaned=part.cleaned)
        for part in payload.hrs
    )
    naturals = [centre(hr, config.redegnet.window) for hr in hrs]
    seed = stream_key(
        config.seed, "redegnet", *(name for pair in payload.pairs for name in pair.identity())
    )
    source = Pairs(LoadedPairs(payload.pairs), naturals, config.redegnet, seed)
    fit = Fit(source, config.redegnet, seed, _vgg(payload.vgg), context.profile.device)
    if payload.start is not None:
        try:
            start_from(fit, read_weights(payload.start, START_KEY))
        except ValueError as error:
            raise UserError(
                "a fit cannot start from this file",
                where=payload.start.url,
                got=str(error),
                wanted="networks of the sizes in recipe section redegnet.net",
                todo=f"correct recipe key {START_KEY} or redegnet.net",
            ) from error
    return fit


def _vgg(file: WeightsFile | None) -> Vgg | None:
    from pairmill.models.losses.vgg import read_vgg

    if file is None:
        return None
    try:
        return read_vgg(read_weights(file, VGG_KEY))
    except ValueError as error:
        raise UserError(
            "this file holds no weights of VGG-19",
            where=file.url,
            got=str(error),
            wanted="torchvision's vgg19 state dict, .pth or .safetensors",
            todo=f"correct recipe key {VGG_KEY}, or leave it out to fit without perceptual and "
            "style loss",
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


def _check(fit: Fit, unit: Unit[FitPayload], config: RedegnetFitConfig, context: Context) -> None:
    """The AUC joins the trend; the state is written last, so that a killed fit never goes on from a
    check half done.
    """
    from pairmill.models.redegnet.checkpoint import state_bytes
    from pairmill.models.redegnet.measure import look, montage

    pairs = spread(unit.payload.pairs, LOOKED_AT)
    sight = look(fit, *_crops(pairs, config))
    fit.check(number(_told(sight, pairs)))
    context.write(unit, layout.fit_picture(fit.samples), encode_png(montage(sight)))
    context.write(unit, LOSSES, npy_bytes(np.array(fit.curves)))
    context.write(unit, STATE, state_bytes(fit))


def _told(sight: Sight, pairs: Sequence[FacePair]) -> RealismResult:
    """How well HQ with the degradations of other pairs is told from real LQ, cross-validated by the
    pair that is shown.
    """
    sources = [[pairs[number].lq.pixel_sha256 for number in numbers] for numbers in sight.shown]
    return realism(sight.real, sight.swapped, (sources[0], sources[1]))


def _finish(
    fit: Fit, unit: Unit[FitPayload], config: RedegnetFitConfig, context: Context
) -> RedegnetFitted:
    from pairmill.models.redegnet.checkpoint import networks_bytes
    from pairmill.models.redegnet.measure import look, measure

    fit.finish()
    payload, net = unit.payload, config.redegnet.net
    data = networks_bytes(net, {"syn": fit.syn})
    context.write(unit, CHECKPOINT, data)
    context.write(unit, NETWORKS, networks_bytes(net, fit.modules()))
    context.write(unit, CODES, npy_bytes(_codes(fit, payload.pairs, config)))
    pairs = spread(payload.pairs, LOOKED_AT)
    sight = look(fit, *_crops(pairs, config))
    return RedegnetFitted(
        digest=hashlib.sha256(data).hexdigest(),
        code=net.code,
        side=net.side,
        rows=tuple(
            pair.lq.pixel_sha256
            for pair in payload.pairs
            for _ in range(config.redegnet.pairs.crops)
        ),
        vgg=None if payload.vgg is None else payload.vgg.sha256,
        start=None if payload.start is None else payload.start.sha256,
        measures=measure(fit, sight, _told(sight, pairs)),
    )


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


STAGE = Stage(
    name="fit_redegnet",
    version=2,
    title="fit ReDegNet",
    noun="fits",
    record=RedegnetFitted,
    manifest=RedegnetFitRef,
    plan=plan,
    work=work,
    seal=seal,
    gpu=True,
)
