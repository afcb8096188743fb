"""Groups of photographs, the blur, the noise and the compression of each, and a verdict on every
photograph.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pairmill.models.camera import curves
from pairmill.models.camera.clusters import clusters, lone_width
from pairmill.models.camera.estimate import PULLED, CameraBlur, PhotographBlur
from pairmill.models.camera.forms import HALF, Blur
from pairmill.models.camera.levels import LevelNoise, noise_by_level
from pairmill.models.camera.model import Model
from pairmill.models.camera.outlook import outlook
from pairmill.models.camera.photograph import PhotographSpectrum
from pairmill.models.camera.robust import RobustCamera, estimate_robustly
from pairmill.models.camera.scenes import Scenes, built_in, like_pictures
from pairmill.models.functional.kernels import SIZES
from pairmill.pipeline.camera_report.names import unique_names
from pairmill.pipeline.camera_report.read import (
    ReadClean,
    ReadFile,
    ReadPhotograph,
    named_by_folder,
)
from pairmill.pipeline.camera_report.within import SURE, within
from pairmill.pipeline.camera_report.words import uncertain
from pairmill.pipeline.cameras.grouping import group_photographs, photographs_of, spectra_asked
from pairmill.pipeline.kernels.camera import FORMS, judge_spectral, record
from pairmill.pipeline.kernels.quality import refusal
from pairmill.pipeline.stages.ingest import Ingested, image_set
from pairmill.pipeline.stages.pool_kernels import REFUSALS
from pairmill.schemas.camera_report import (
    BlurFound,
    CameraReport,
    CompressionFound,
    FileLeftOut,
    GroupFound,
    Measured,
    NoiseFound,
    PhotographFound,
    TransferPoint,
)
from pairmill.schemas.errors import UserError
from pairmill.schemas.groups import GroupsConfig, PhotographGroup, PhotographGroups
from pairmill.schemas.image import ImageSet, RejectedImage, Role
from pairmill.schemas.kernel import KernelQualityConfig, KernelVerdict
from pairmill.schemas.noise_levels import NoisePoint
from pairmill.schemas.pool import CameraEstimate, JudgedSpectral

Array = NDArray[np.float64]
Part = tuple[Array, Sequence[int]]
"""A covariance, and the parameters that it is of."""
By = Literal["auto", "names", "exif", "spectra", "one"]

EVERY = 4
"""Of the frequencies of a curve, every so many are reported."""


@dataclass(frozen=True, eq=False)
class Examined:
    """A report, and what goes with it."""

    report: CameraReport
    kernels: Mapping[str, Array]
    """(k, k) float64 by file name, of groups and of photographs."""
    pictures: Mapping[str, bytes]
    """Small JPEGs of the photographs, by pixel digest."""


def examine(
    files: Sequence[ReadFile],
    scale: int,
    by: By = "auto",
    advanced: Callable[[int, int, str], None] = lambda *_: None,
) -> Examined:
    """Find out what cameras do.

    Args:
        files: Photographs, clean images, and files that are neither.
        scale: Scale of the kernels.
        by: How to tell cameras apart; `names` are those of the folders that photographs lie in.
        advanced: Hears how many groups are estimated, of how many, and the next one's name.

    Raises:
        UserError: if no file is a photograph.
    """
    photographs = {
        one.record.pixel_sha256: one for one in reversed(files) if isinstance(one, ReadPhotograph)
    }
    images = _images(files, by)
    if not photographs:
        raise _no_photograph(images.rejected)
    clean = _clean(files, images)
    scenes = like_pictures([one.weights for one in clean]) if clean else built_in()
    groups = _groups(images, photographs, GroupsConfig(by=by), scenes).groups
    names = unique_names(photographs[digest].record.url for g in groups for digest in g.photographs)
    maker = _Maker(scale, scenes, len(clean), photographs, names)
    found = []
    for number, group in enumerate(groups):
        advanced(number, len(groups), group.name)
        found.append(maker.group(group))
    report = CameraReport(
        scale=scale,
        kernel_side=SIZES[scale],
        clean=len(clean),
        groups=tuple(found),
        left_out=tuple(
            FileLeftOut(file=one.url, reason=one.reason, words=one.detail)
            for one in images.rejected
        ),
    )
    return Examined(report, maker.kernels, {key: one.picture for key, one in photographs.items()})


def _images(files: Sequence[ReadFile], by: By) -> ImageSet:
    """All files as an image set; of equal images one is kept."""
    records = [one.record for one in files if not isinstance(one, RejectedImage)]
    if by == "names":
        folders = named_by_folder([one for one in records if one.role == Role.REAL])
        records = [one.with_(group=folders.get(one.url, "")) for one in records]
    rejected = [one for one in files if isinstance(one, RejectedImage)]
    return image_set(
        [
            *(Ingested(accepted=one, rejected=None) for one in records),
            *(Ingested(accepted=None, rejected=one) for one in rejected),
        ]
    )


def _clean(files: Sequence[ReadFile], images: ImageSet) -> list[ReadClean]:
    """Clean images that are not photographs as well, each once."""
    kept = {(image.role, image.url) for image in images.accepted}
    return [
        one
        for one in files
        if isinstance(one, ReadClean) and (one.record.role, one.record.url) in kept
    ]


def _groups(
    images: ImageSet,
    photographs: Mapping[str, ReadPhotograph],
    config: GroupsConfig,
    scenes: Scenes,
) -> PhotographGroups:
    known = photographs_of(images)
    if not spectra_asked(known, config):
        return group_photographs(known, config)
    spectra = {key: photographs[key].spectrum for key in (one.digest for one in known)}
    model = Model(scenes)
    widths = {key: lone_width(one, model) for key, one in spectra.items() if one is not None}
    labels = clusters(list(widths.values()), config.min_photographs)
    by_digest = dict(zip(widths, labels, strict=True)) if labels else {}
    return group_photographs(photographs_of(images, by_digest), config)


def _no_photograph(rejected: Sequence[RejectedImage]) -> UserError:
    shown = "; ".join(f"{image.url}: {image.detail}" for image in rejected[:5])
    more = f"; and {len(rejected) - 5} more" if len(rejected) > 5 else ""
    return UserError(
        "no file is a photograph that can be used",
        got=shown + more,
        todo="give readable 8-bit photos of at least 64 pixels a side",
    )


@dataclass
class _Maker:
    scale: int
    scenes: Scenes
    clean: int
    photographs: Mapping[str, ReadPhotograph]
    names: Mapping[str, str]
    kernels: dict[str, Array] = field(default_factory=dict)

    def group(self, group: PhotographGroup) -> GroupFound:
        """A group, with the kernels of it and of its photographs."""
        all_of = sorted(
            (self.photographs[digest] for digest in group.photographs),
            key=lambda one: self.names[one.record.url],
        )
        camera = self._camera(group.name, all_of)
        compression = _compression(all_of)
        made = GroupFound(
            name=group.name,
            source=group.source,
            shared=group.shared,
            uncertain=(),
            blur=camera.blur if camera else None,
            noise=_noise(all_of, by_luma=compression.jpegs > 0),
            compression=compression,
            photographs=tuple(self._photograph(one, camera) for one in all_of),
        )
        return made.with_(uncertain=uncertain(made, group.notes))

    def _camera(self, name: str, photographs: Sequence[ReadPhotograph]) -> _Camera | None:
        """What is known of it; none if nothing shows a blur."""
        seen = [one for one in photographs if one.spectrum is not None]
        spectra = [one.spectrum for one in seen if one.spectrum is not None]
        if not seen:
            return None
        robust = estimate_robustly(spectra, self.scenes)
        digests = [one.record.pixel_sha256 for one in seen]
        found = record(robust.camera, digests, self.clean, self.scale)
        taking = [spectra[number] for number in robust.taking_part]
        blur = self._blur(name, robust, taking, found)
        varying = within(robust, seen, self.scenes)
        return _Camera(
            found,
            blur.with_(**varying),
            dict(zip(digests, robust.camera.photographs, strict=True)),
            _shared(robust.camera),
        )

    def _blur(
        self,
        name: str,
        robust: RobustCamera,
        spectra: Sequence[PhotographSpectrum],
        found: CameraEstimate,
    ) -> BlurFound:
        camera, size, file = robust.camera, SIZES[self.scale], f"groups/{name}.npy"
        self.kernels[file] = camera.blur.kernel(self.scale, size)
        ahead = outlook(spectra, camera, self.scale, size, self.scenes)
        curve = curves.transfer_curve(camera.blur)
        wide, longer = _width(camera.blur, [_shared(camera)]), curves.elongation(camera.blur)
        return BlurFound(
            form=found.form,
            words=_words(found.form),
            told_by=len(spectra),
            width=wide,
            width_hr=_scaled(wide, self.scale),
            elongation=longer[0],
            direction=math.degrees(longer[1]),
            mtf50=curves.falls_to(curve, 0.5),
            detail=curves.falls_to(curve, 0.1),
            sharpening=curves.overshoot(curve),
            noise_sharpened=found.noise_sharpened,
            difference=found.differences[0],
            error=ahead.error,
            error_of_twice=ahead.twice,
            error_of_many=ahead.floor,
            photographs_wanted=ahead.wanted,
            curve=_curve(camera),
            kernel=file,
        )

    def _photograph(self, read: ReadPhotograph, camera: _Camera | None) -> PhotographFound:
        image, name = read.record, self.names[read.record.url]
        verdict = self._verdict(read, camera)
        facts = PhotographFound(
            name=name,
            file=image.url,
            digest=image.pixel_sha256,
            width=image.width,
            height=image.height,
            accepted=verdict.accepted,
            reason=verdict.reason,
            words=verdict.detail,
            enlarged=read.spectrum.enlarged if read.spectrum else 1.0,
            quality=read.compression.quality if read.compression else 0,
        )
        measured = verdict.diagnostics
        if camera is None or measured is None:
            return facts
        own, file = camera.photographs[image.pixel_sha256], ""
        if verdict.accepted:
            file = f"kernels/{name}.npy"
            self.kernels[file] = own.blur.kernel(self.scale, SIZES[self.scale])
        return facts.with_(
            kernel=file,
            blur_width=_width(own.blur, [camera.shared, (own.covariance, PULLED)]),
            mtf50=measured.mtf50,
            detail=measured.detail,
            sharpening=measured.overshoot,
            error=measured.error,
            misfit=own.misfit,
            noise=math.sqrt(own.noise),
            curve=tuple(curves.transfer_curve(own.blur)[::EVERY].round(4).tolist()),
        )

    def _verdict(self, read: ReadPhotograph, camera: _Camera | None) -> KernelVerdict:
        if read.refused is not None or camera is None:
            assert read.refused is not None
            size = {"width": read.record.width, "height": read.record.height}
            return refusal(read.refused, REFUSALS[read.refused].format(**size))
        found = camera.found
        judged = JudgedSpectral(
            refused=None,
            enlarged=read.spectrum.enlarged if read.spectrum else 1.0,
            photographs=len(found.photographs),
            form=found.form,
            noise_sharpened=found.noise_sharpened,
            estimate=next(
                own for own in found.photographs if own.image == read.record.pixel_sha256
            ),
        )
        return judge_spectral(judged, KernelQualityConfig(), self.scale)[1]


@dataclass(frozen=True, eq=False)
class _Camera:
    """A group that shows a blur."""

    found: CameraEstimate
    """As recipes remember it."""
    blur: BlurFound
    """What is said of it."""
    photographs: Mapping[str, PhotographBlur]
    """Blurs of its photographs, by pixel digest."""
    shared: Part
    """How sure its blur is."""


def _shared(camera: CameraBlur) -> Part:
    return camera.matched.covariance, camera.matched.free


def _words(form: Sequence[str]) -> str:
    """Such as `a Gaussian with sharpening`."""
    first, *more = (FORMS[part] for part in form)
    return f"{first} with {' and '.join(more)}" if more else first


def _width(blur: Blur, parts: Sequence[Part]) -> Measured:
    """In pixels of the photograph."""
    deviation = curves.width_deviation(blur, parts)
    return _measured(curves.width(blur) / HALF, deviation / HALF)


def _scaled(found: Measured, times: float) -> Measured:
    return Measured(value=times * found.value, low=times * found.low, high=times * found.high)


def _measured(value: float, deviation: float) -> Measured:
    away = SURE * deviation
    return Measured(value=value, low=max(0.0, value - away), high=value + away)


def _curve(camera: CameraBlur) -> tuple[TransferPoint, ...]:
    curve = curves.transfer_curve(camera.blur)
    deviation = curves.curve_deviation(camera.blur, [_shared(camera)])
    places = range(0, len(curves.FREQUENCIES), EVERY)
    return tuple(
        TransferPoint(
            frequency=float(curves.FREQUENCIES[place]),
            contrast=_measured(float(curve[place]), float(deviation[place])),
        )
        for place in places
    )


def _noise(photographs: Sequence[ReadPhotograph], *, by_luma: bool) -> NoiseFound:
    found = noise_by_level([one.blocks for one in photographs])
    red, green, blue = (_points(channel) for channel in found.channels)
    return NoiseFound(red=red, green=green, blue=blue, by_luma=by_luma, spread=found.spread)


def _points(found: Sequence[LevelNoise]) -> tuple[NoisePoint, ...]:
    return tuple(NoisePoint(level=one.level, std=one.std, blocks=one.blocks) for one in found)


def _compression(photographs: Sequence[ReadPhotograph]) -> CompressionFound:
    known = [one.compression for one in photographs if one.compression is not None]
    return CompressionFound(
        jpegs=len(known),
        qualities=tuple(sorted(one.quality for one in known)),
        subsampled=sum(one.subsampling != "444" for one in known),
    )
