"""The noise pool: some patches, their spectrum, and what each image gave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.html.charts import CHANNELS, lines, scatter
from pairmill.pipeline.html.markup import (
    Raw,
    chips,
    counted,
    definitions,
    el,
    figure,
    fold,
    join,
    number,
    of,
    section,
    table,
    titled,
)
from pairmill.pipeline.html.picture_files import PictureFiles
from pairmill.pipeline.html.pictures import heat, stretched
from pairmill.pipeline.report.pool_rows import PoolRows
from pairmill.pipeline.report.source_images import Sources
from pairmill.pipeline.subset import evenly, in_turn
from pairmill.schemas.noise import NoiseCoverage, NoisePoolManifest
from pairmill.schemas.noise_levels import NoiseLevelsManifest
from pairmill.schemas.report import CoverageView, NoiseCurveView, NoiseSection, PatchView

PATCHES, COVERAGE, POINTS = 24, 40, 600
"""Maximum number of patches, images and points of the scatter plot that are shown."""
SIDE = 128
"""Largest side of a shown patch, in pixels."""
CURVES = 4
"""Maximum number of groups whose noise is shown."""
RANGE = (-20.0, 20.0)
"""Colours of the spectrum, in dB."""


def collect_noise(
    pool: NoisePoolManifest,
    rows: PoolRows,
    sources: Sources,
    picture_files: PictureFiles,
    curves: Sequence[NoiseCurveView] = (),
) -> NoiseSection:
    """Draw and describe the pool."""
    rms = float(np.sqrt(np.mean(np.square(pool.std))))
    gain = float(f"{min(32.0, max(1.0, 36 / max(rms, 1e-6))):.2g}")
    spectrum = mean_spectrum(rows.spread())
    points = [pool.patches[place] for place in evenly(pool.count, POINTS)]
    most = sorted(
        pool.coverage, key=lambda record: (-record.accepted, -record.patches, record.image)
    )
    return NoiseSection(
        count=pool.count,
        patch=pool.patch,
        gain=gain,
        side=min(pool.patch, SIDE),
        std=pool.std,
        threshold=pool.threshold_source,
        averaged=spectrum.patches,
        spectrum=picture_files.png("noise-spectrum", heat(spectrum.decibels, RANGE[1], RANGE[0])),
        spectrum_range=RANGE,
        radial=spectrum.radial,
        levels=tuple((point.mean, float(np.sqrt(point.noise))) for point in points),
        shown=_patches(pool, rows, gain, sources, picture_files),
        coverage=tuple(_coverage(record, sources) for record in most[:COVERAGE]),
        images=len(pool.coverage),
        giving=sum(record.accepted > 0 for record in pool.coverage),
        curves=tuple(curves),
    )


def curve_views(
    found: NoiseLevelsManifest, names: Sequence[str], choices: Sequence[str]
) -> list[NoiseCurveView]:
    """Noise against level of groups of these names, where it is known, and what was chosen."""
    views = []
    for name, group, choice in zip(names, found.groups, choices, strict=True):
        channels = (("R", group.red), ("G", group.green), ("B", group.blue))
        points = tuple(
            (channel, tuple((one.level, one.std) for one in known)) for channel, known in channels
        )
        if group.green:
            views.append(
                NoiseCurveView(group=name, channels=points, spread=group.spread, choice=choice)
            )
    return views


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Mean power spectrum of grey residuals."""

    decibels: NDArray[np.float64]
    """(p, p), zero frequency in the middle, in dB above white noise of equal variance."""
    radial: tuple[tuple[float, float], ...]
    """(cycles per pixel, dB) over all directions."""
    patches: int


def mean_spectrum(patches: NDArray[np.float32]) -> Spectrum:
    """The spectrum of (N, p, p, 3) residuals, each tapered by a Hann window; detrending leaves a
    hole in the middle.
    """
    side = patches.shape[1]
    taper = np.outer(np.hanning(side), np.hanning(side))
    power = np.zeros((side, side))
    for patch in patches:
        grey = patch.astype(np.float64).mean(axis=2)
        power += np.abs(np.fft.fft2((grey - grey.mean()) * taper)) ** 2
    power = np.fft.fftshift(power / max(power.mean(), 1e-12))
    return Spectrum(10 * np.log10(np.maximum(power, 1e-4)), _radial(power), len(patches))


def _radial(power: NDArray[np.float64]) -> tuple[tuple[float, float], ...]:
    side = power.shape[0]
    frequency = np.fft.fftshift(np.fft.fftfreq(side))
    radius = np.hypot(frequency[:, None], frequency[None])
    bins = min(32, side // 2)
    ring = np.minimum((radius * 2 * bins).astype(int), bins)
    points = []
    for ring_number in range(1, bins):  # ring 0 is what detrending took
        level = float(power[ring == ring_number].mean())
        points.append(((ring_number + 0.5) / (2 * bins), 10 * float(np.log10(max(level, 1e-4)))))
    return tuple(points)


def _patches(
    pool: NoisePoolManifest,
    rows: PoolRows,
    gain: float,
    sources: Sources,
    picture_files: PictureFiles,
) -> tuple[PatchView, ...]:
    views = []
    turns = in_turn(range(pool.count), lambda index: pool.patches[index].image)
    indices = sorted(turns[:PATCHES])
    for index, patch in zip(indices, rows.rows(indices), strict=True):
        record = pool.patches[index]
        picture = picture_files.png(f"noise-{index:05d}", stretched(patch[:SIDE, :SIDE], gain))
        views.append(
            PatchView(
                index=index,
                picture=picture,
                source=sources.name(record.image),
                left=record.left,
                top=record.top,
                mean=record.mean,
                std=float(np.sqrt(record.noise)),
            )
        )
    return tuple(views)


def _coverage(record: NoiseCoverage, sources: Sources) -> CoverageView:
    return CoverageView(
        source=sources.name(record.image),
        patches=record.patches,
        accepted=record.accepted,
        rejected={str(reason): count for reason, count in record.rejected.items()},
        threshold_needed=record.threshold_needed,
    )


OPEN = 16
"""Patches that are not folded away."""


def noise_html(noise: NoiseSection) -> Raw:
    """The pool, its statistics and where it comes from."""
    lead = (
        f"{counted(noise.count, 'patch', 'patches')} of {noise.patch} × {noise.patch} pixels from "
        f"flat areas of {noise.giving:,} of {counted(noise.images, 'real image')}. Shading is "
        "subtracted; what remains is noise with mean zero."
    )
    charts = el("div", *_charts(noise), class_="charts")
    return section(
        "noise",
        "Noise",
        lead,
        _facts(noise),
        charts,
        _gallery(noise),
        _coverage_table(noise),
        folded=True,
    )


def _charts(noise: NoiseSection) -> list[Raw]:
    low, high = noise.spectrum_range
    over = f"over {counted(noise.averaged, 'patch', 'patches')}"
    picture = el("img", src=noise.spectrum, alt="mean power spectrum of the noise", class_="pixels")
    scale = el(
        "div",
        el("span", f"{low:+.0f} dB"),
        el("span", class_="magma"),
        el("span", f"{high:+.0f} dB"),
        class_="scale",
    )
    radial = lines(
        [("mined", noise.radial), ("white", [(0, 0), (0.5, 0)])],
        (0, 0.5),
        "spatial frequency, cycles per pixel",
        "power, dB",
        "power of the noise by spatial frequency, against white noise",
    )
    levels = scatter(
        noise.levels,
        (0, 255),
        "brightness, intensity levels",
        "standard deviation, levels",
        "noise against brightness",
    )
    return [
        figure(
            join([el("div", picture, class_="big"), scale]),
            "Power spectrum",
            f"{over}; zero frequency in the middle",
        ),
        figure(radial, "Over all directions", "white noise of equal variance is at 0 dB"),
        figure(levels, "Against brightness", f"{of(len(noise.levels), noise.count)}"),
        *(_curve(view) for view in noise.curves[:CURVES]),
    ]


def _curve(view: NoiseCurveView) -> Raw:
    chart = lines(
        list(view.channels),
        (0, 255),
        "brightness, intensity levels",
        "standard deviation, levels",
        "noise of the camera against brightness, by channel",
        colours=[CHANNELS[name] for name, _ in view.channels],
    )
    of_group = f" of {view.group}" if view.group else ""
    said = (
        f"photos{of_group} differ by {100 * view.spread:.0f} % (standard deviation); measured in "
        "flat blocks, before JPEG"
    )
    if view.choice:
        said += f"; {view.choice}"
    return figure(chart, "Noise that LR gets, by brightness", said)


def _facts(noise: NoiseSection) -> Raw:
    red, green, blue = noise.std
    strength = (
        f"red {red:.2f}, green {green:.2f}, blue {blue:.2f} intensity levels, root mean square"
    )
    return definitions(
        [("strength", strength), ("largest variance of a flat patch", noise.threshold)]
    )


def _gallery(noise: NoiseSection) -> Raw:
    zoom = max(1, 128 // noise.side)
    note = f"Noise, amplified {number(noise.gain)} times around mid-grey" + (
        f", cropped to {noise.side} pixels." if noise.side < noise.patch else "."
    )
    cards = fold(
        [_patch(view) for view in noise.shown],
        "patches",
        OPEN,
        style=f"--side:{noise.side}px;--most:{noise.side * zoom}px",
    )
    known = "Under each: its standard deviation and brightness, in levels, and where it lies."
    said = el("p", f"{note} {known}", class_="quiet small prose")
    return titled("Patches", of(len(noise.shown), noise.count), said, cards)


def _patch(view: PatchView) -> Raw:
    alt = f"noise patch {view.index} of {view.source}"
    lines = [
        el("span", line, class_="quiet clip")
        for line in (f"on grey {view.mean:.0f}", f"at {view.left}, {view.top} of")
    ]
    source = el("bdi", view.source, class_="quiet clip", title=view.source)
    caption = el("figcaption", el("b", f"#{view.index}"), f" noise {view.std:.2f}", *lines, source)
    return el(
        "figure", el("img", src=view.picture, alt=alt, class_="pixels", loading="lazy"), caption
    )


def _coverage_table(noise: NoiseSection) -> Raw:
    columns = ("image", "patches", "used", "rejected, and why", "variance it would take")
    body = [_row(view) for view in noise.coverage]
    shown = table(columns, body, "Noise patches by source image, most first", frozenset({1, 2, 4}))
    return titled("Where it comes from", of(len(noise.coverage), noise.images), shown)


def _row(view: CoverageView) -> list[object]:
    if view.threshold_needed is None or view.accepted:
        needed = "–"
    else:
        needed = number(round(view.threshold_needed, 2))
    return [
        el("bdi", view.source),
        number(view.patches),
        number(view.accepted),
        chips(view.rejected),
        needed,
    ]
