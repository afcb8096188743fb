"""Estimate cameras: the blur of each group of photographs, and of each of them, from spectra."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairmill.models.camera.photograph import PhotographSpectrum
from pairmill.models.camera.robust import estimate_robustly
from pairmill.models.camera.scenes import Scenes, built_in, like_pictures
from pairmill.models.camera.variation import BEYOND_CELLS, BEYOND_CHANNELS, variation
from pairmill.pipeline.kernels.camera import record, remembered
from pairmill.pipeline.runner.stage import Context, Stage, Unit
from pairmill.pipeline.stages import describe_scenes, measure_photographs
from pairmill.pipeline.stages.payload import read_npy
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.base import Digest
from pairmill.schemas.pool import (
    CameraConfig,
    CameraEstimate,
    CameraEstimates,
    DescribedScenes,
    MeasuredPhotographs,
    MeasureRef,
)
from pairmill.schemas.work import Payload


@dataclass(frozen=True)
class Inputs:
    """What cameras are estimated from."""

    groups: Sequence[Sequence[str]]
    """Pixel digests of the photographs of each camera."""
    measured: MeasuredPhotographs
    """Their spectra."""
    scenes: DescribedScenes | None
    """The clean images that kernels will be put on; none if HR is made of the photographs."""


class CameraPayload(Payload):
    """One camera."""

    photographs: tuple[MeasureRef, ...]
    """Its photographs that were measured."""
    scenes: tuple[Digest, ...]
    """Keys of the units that describe clean images."""

    @property
    def label(self) -> str:
        """See `Payload.label`."""
        return f"{len(self.photographs)} photographs of one camera"

    def identity(self) -> Any:
        """See `Payload.identity`."""
        return [[ref.key for ref in self.photographs], list(self.scenes)]


def plan(inputs: Inputs, config: CameraConfig) -> list[CameraPayload]:
    """One unit per camera that has a photograph to see a blur by."""
    refs = {ref.measure.image: ref for ref in inputs.measured.photographs}
    scenes = inputs.scenes.scenes if inputs.scenes is not None else ()
    keys = tuple(scene.key for scene in scenes if scene.used)
    payloads = []
    for group in inputs.groups:
        seen = tuple(refs[image] for image in group if refs[image].measure.refused is None)
        if seen:
            payloads.append(CameraPayload(photographs=seen, scenes=keys))
    return payloads


def work(
    units: Sequence[Unit[CameraPayload]], config: CameraConfig, context: Context
) -> Iterator[CameraEstimate]:
    """Estimate one camera after the other."""
    for unit in units:
        refs, keys = unit.payload.photographs, unit.payload.scenes
        spectra = [read_spectrum(context.storage, ref) for ref in refs]
        scenes = _scenes(context.storage, keys)
        found = estimate_robustly(spectra, scenes)
        field, channels = None, None
        if config.field:
            cells = [_read_cells(context.storage, ref) for ref in refs]
            field = variation(found, spectra, cells, BEYOND_CELLS, scenes)
        if config.channels:
            planes = [_read_channels(context.storage, ref) for ref in refs]
            channels = variation(found, spectra, planes, BEYOND_CHANNELS, scenes)
        images = [ref.measure.image for ref in refs]
        estimate = record(found.camera, images, len(keys), config.scale)
        yield estimate.with_(field=remembered(field), channels=remembered(channels))


def read_spectrum(storage: Storage, ref: MeasureRef) -> PhotographSpectrum:
    """What was measured on a photograph."""
    folder = layout.unit_folder(measure_photographs.STAGE.name, ref.key)
    planes, measure = read_npy(storage, f"{folder}/spectrum.npy"), ref.measure
    return _spectrum(planes, measure.noise, measure.noise_error, measure.enlarged)


def _spectrum(
    planes: NDArray[np.float64], noise: float, error: float, enlarged: float = 1.0
) -> PhotographSpectrum:
    """What `measure_photographs.planes_of` made planes of."""
    power, distortion, *floors = planes
    return PhotographSpectrum(
        power, distortion, np.stack(floors) if floors else None, noise, error, enlarged
    )


def _read_cells(storage: Storage, ref: MeasureRef) -> list[PhotographSpectrum]:
    """What was measured on the cells of a photograph; nothing if nothing was."""
    return _read_parts(storage, ref, "cells", [ref.measure.noise] * ref.measure.cells)


def _read_channels(storage: Storage, ref: MeasureRef) -> list[PhotographSpectrum]:
    """The same of its channels."""
    return _read_parts(storage, ref, "channels", ref.measure.channels)


def _read_parts(
    storage: Storage, ref: MeasureRef, name: str, noises: Sequence[float]
) -> list[PhotographSpectrum]:
    if not noises:
        return []
    folder = layout.unit_folder(measure_photographs.STAGE.name, ref.key)
    parts = read_npy(storage, f"{folder}/{name}.npy")
    error = ref.measure.noise_error
    return [_spectrum(part, noise, error) for part, noise in zip(parts, noises, strict=True)]


def _scenes(storage: Storage, keys: Sequence[str]) -> Scenes:
    if not keys:
        return built_in()
    folders = [layout.unit_folder(describe_scenes.STAGE.name, key) for key in keys]
    return like_pictures([read_npy(storage, f"{folder}/scene.npy") for folder in folders])


def seal(
    units: Sequence[Unit[CameraPayload]],
    records: Sequence[CameraEstimate],
    config: CameraConfig,
    context: Context,
    key: str,
) -> CameraEstimates:
    """List the cameras."""
    return CameraEstimates(cameras=tuple(records))


STAGE = Stage(
    name="estimate_cameras",
    version=4,
    title="estimate cameras",
    noun="cameras",
    record=CameraEstimate,
    manifest=CameraEstimates,
    plan=plan,
    work=work,
    seal=seal,
)
