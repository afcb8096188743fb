"""Measure photographs: the power spectrum of every real image, its noise block by block, and what
JPEG did to both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from pairmill.models.camera.flat_blocks import WHITE, Blocks, blocks_of
from pairmill.models.camera.parts import measure_cells, measure_channels
from pairmill.models.camera.photograph import PhotographSpectrum, measure
from pairmill.models.functional.chroma import LUMA, grey
from pairmill.pipeline.compression.mine import JPEG, encoder_of, of_file
from pairmill.pipeline.images.coded import Coded, load_coded
from pairmill.pipeline.images.colour import to_srgb_of
from pairmill.pipeline.images.decode import load
from pairmill.pipeline.images.read import read_image
from pairmill.pipeline.runner.stage import Context, Stage, Unit
from pairmill.pipeline.stages.payload import ImagePayload, npy_bytes, npz_bytes
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.compression import MinedCompression
from pairmill.schemas.image import ImageRecord, ImageSet, Role
from pairmill.schemas.kernel import KernelReason
from pairmill.schemas.pool import (
    MeasureConfig,
    MeasuredPhotographs,
    MeasureRef,
    PhotographMeasure,
)

T = TypeVar("T", bound=np.generic)
BLOCKS = ("level", "noise", "finest", "texture")
"""Columns of `blocks.npz`: the fields of `Blocks`."""
GREYS = np.arange(16.0, 241.0, 16.0)
"""Levels at which is looked what becomes of a file's own colours."""
LARGEST = 4096
"""Side of the centred part of a photograph that is measured, in pixels."""


class PhotographPayload(ImagePayload):
    """One real image, and how it was compressed, where that is known already."""

    compression: MinedCompression | None
    """None if nobody looked; the tables of a JPEG file are read anyway."""

    def identity(self) -> Any:
        """See `Payload.identity`."""
        file = self.image.file_sha256 if self.image.format in JPEG else ""
        known = self.compression.content_digest() if self.compression else ""
        return [self.image.pixel_sha256, file, known]


def plan(
    inputs: tuple[ImageSet, Sequence[MinedCompression]], config: MeasureConfig
) -> list[PhotographPayload]:
    """One unit per real image."""
    images, mined = inputs
    known = {one.image: one for one in mined}
    return [
        PhotographPayload(image=image, compression=known.get(image.pixel_sha256))
        for image in images.with_role(Role.REAL)
    ]


def work(
    units: Sequence[Unit[PhotographPayload]], config: MeasureConfig, context: Context
) -> Iterator[PhotographMeasure]:
    """Measure those that are large enough and not flat."""
    for unit in units:
        image = unit.payload.image
        pixels = load(image)
        part = middle(pixels)
        noise, error, times = 0.0, 0.0, 1.0
        cells: tuple[PhotographSpectrum, ...] = ()
        channels: tuple[PhotographSpectrum, ...] = ()
        found = compression_of(image, unit.payload.compression)
        coded = load_coded(image) if found is not None and found.found else None
        blocks = noise_blocks(part, found, coded)
        columns = {name: getattr(blocks, name).astype(np.float32) for name in BLOCKS}
        context.write(unit, "blocks.npz", npz_bytes(**columns))
        reason, measured = spectrum_or_refusal(part, found, config)
        if measured is not None:
            noise, error, times = measured.noise, measured.noise_error, measured.enlarged
            context.write(unit, "spectrum.npy", npy_bytes(planes_of(measured)))
            if config.field:
                cells = cells_of(pixels, measured, found)
            if config.channels:
                channels = channels_of(part, found)
            for name, parts in (("cells", cells), ("channels", channels)):
                if parts:
                    planes = np.stack([planes_of(part) for part in parts])
                    context.write(unit, f"{name}.npy", npy_bytes(planes))
        yield PhotographMeasure(
            image=image.pixel_sha256,
            refused=reason,
            noise=noise,
            noise_error=error,
            enlarged=times,
            cells=len(cells),
            channels=tuple(channel.noise for channel in channels),
        )


def planes_of(spectrum: PhotographSpectrum) -> NDArray[np.float64]:
    """(planes, n, n // 2 + 1): power, what JPEG changed, and the floors, if there are any."""
    floors = () if spectrum.floors is None else spectrum.floors
    return np.stack([spectrum.power, spectrum.distortion, *floors])


def spectrum_or_refusal(
    image: NDArray[np.uint8], compression: MinedCompression | None, config: MeasureConfig
) -> tuple[KernelReason | None, PhotographSpectrum | None]:
    """Why a photograph is not measured, or its spectrum."""
    reason = refusal(grey(image), config)
    if reason is not None:
        return reason, None
    spectrum = spectrum_of(image, compression)
    return (KernelReason.ENLARGED, None) if spectrum.empty else (None, spectrum)


def spectrum_of(
    image: NDArray[np.uint8], compression: MinedCompression | None
) -> PhotographSpectrum:
    """The spectrum of a photograph of which is known how it was compressed, or nothing."""
    return measure(image, *_luma_coding(compression))


def cells_of(
    image: NDArray[np.uint8], whole: PhotographSpectrum, compression: MinedCompression | None
) -> tuple[PhotographSpectrum, ...]:
    """The spectra of its cells, see `measure_cells`; not of its middle alone."""
    return measure_cells(image, whole, *_luma_coding(compression))


def channels_of(
    image: NDArray[np.uint8], compression: MinedCompression | None
) -> tuple[PhotographSpectrum, ...]:
    """The spectra of its channels; none where chroma is subsampled: what is fine in any of them
    then is luma's.
    """
    if compression is None or not compression.found:
        return measure_channels(image)
    encoder, (rows, columns) = encoder_of(compression), compression.phase
    if encoder.subsampling != "444":
        return ()
    return measure_channels(image, (encoder.luma, encoder.chroma), (rows % 8, columns % 8))


def _luma_coding(
    compression: MinedCompression | None,
) -> tuple[NDArray[np.integer] | None, tuple[int, int]]:
    """Steps of luma, and where the photograph starts inside JPEG's first block."""
    if compression is None or not compression.found:
        return None, (0, 0)
    rows, columns = compression.phase
    return encoder_of(compression).luma, (rows % 8, columns % 8)


def noise_blocks(
    pixels: NDArray[np.uint8], compression: MinedCompression | None, coded: Coded | None = None
) -> Blocks:
    """The noise of a photograph in sRGB, block by block.

    Args:
        pixels: Its middle, in sRGB.
        compression: What JPEG did to it, as far as that is known.
        coded: The whole photograph in the colours that JPEG has coded, where these are others.
    """
    if compression is None or not compression.found:
        return blocks_of(pixels)
    luma, phase = encoder_of(compression).luma, compression.phase
    if coded is None:
        return blocks_of(pixels, luma, phase)
    return _in_srgb(blocks_of(middle(coded.pixels), luma, phase), coded)


def _in_srgb(found: Blocks, coded: Coded) -> Blocks:
    """Blocks told from the luma of a file's own colours, as those of luma in sRGB; by what becomes
    of greys, for of a block luma alone is known.
    """
    greys = np.repeat(GREYS[:, None], 3, axis=1)
    shown = to_srgb_of(greys[None].astype(np.uint8), coded.told)[0] @ LUMA
    luma = np.stack([coded.slope(grey) @ LUMA for grey in greys])
    times = np.interp(found.level, GREYS, np.square(luma).sum(1) / WHITE)
    return Blocks(
        np.interp(found.level, GREYS, shown),
        found.noise * times,
        found.finest * times,
        found.texture * times[:, 0],
    )


def read_blocks(storage: Storage, ref: MeasureRef) -> Blocks:
    """The noise of a photograph that was measured."""
    name = f"{layout.unit_folder(STAGE.name, ref.key)}/blocks.npz"
    with storage.open(name) as opened, np.load(opened, allow_pickle=False) as arrays:
        return Blocks(*(arrays[column].astype(np.float64) for column in BLOCKS))


def compression_of(image: ImageRecord, known: MinedCompression | None) -> MinedCompression | None:
    """How a photograph was compressed, as far as that can be told in no time."""
    if known is not None or image.format not in JPEG:
        return known
    return of_file(read_image(image.url), image.pixel_sha256)


def middle(image: NDArray[T]) -> NDArray[T]:
    """The middle of a large photograph, (H, W) or (H, W, 3); its corner keeps the phase of 8 x 8
    blocks.
    """
    top, left = (_skipped(length) for length in image.shape[:2])
    return image[top : top + LARGEST, left : left + LARGEST]


def _skipped(length: int) -> int:
    return max(0, length - LARGEST) // 2 // 16 * 16


def refusal(luma: NDArray[np.float64], config: MeasureConfig) -> KernelReason | None:
    """Why a photograph shows no blur; none if it does."""
    if min(luma.shape) < config.min_side:
        return KernelReason.TOO_SMALL
    if luma.std() < config.min_contrast:
        return KernelReason.TOO_FLAT
    return None


def seal(
    units: Sequence[Unit[PhotographPayload]],
    records: Sequence[PhotographMeasure],
    config: MeasureConfig,
    context: Context,
    key: str,
) -> MeasuredPhotographs:
    """List the measurements."""
    refs = [
        MeasureRef(key=unit.key, measure=measured)
        for unit, measured in zip(units, records, strict=True)
    ]
    return MeasuredPhotographs(photographs=tuple(refs))


STAGE = Stage(
    name="measure_photographs",
    version=9,
    title="measure spectra",
    noun="images",
    record=PhotographMeasure,
    manifest=MeasuredPhotographs,
    plan=plan,
    work=work,
    seal=seal,
)
