"""What was found, in words that the terminal and the page share."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pairmill.models.camera.curves import SHARPENS
from pairmill.models.camera.outlook import FAR
from pairmill.models.camera.parts import SMALLEST
from pairmill.models.camera.variation import FEWEST
from pairmill.pipeline.html.markup import counted
from pairmill.schemas.camera_report import (
    BlurFound,
    CompressionFound,
    GroupFound,
    Measured,
    NoiseFound,
    PhotographFound,
    VariationFound,
)
from pairmill.schemas.groups import GroupSource
from pairmill.schemas.noise_levels import NoisePoint

SOURCES = {
    GroupSource.NAMES: "by their folder",
    GroupSource.EXIF: "by the EXIF of the files",
    GroupSource.SPECTRA: "by their blurs",
    GroupSource.ONE: "taken for one camera",
}
"""Where a grouping comes from."""
ENLARGED = 0.26
"""Detail, in cycles per pixel, below which a photograph has about half of the pixels that it needs
on each side, or even more."""
DIFFER = 0.08
"""Difference of the widths of one camera's photographs that is worth a word."""
OVAL = 1.15
"""Elongation that is worth a word."""
HELPS = 0.95
"""Error with twice as many photographs, as a share of that now, above which more hardly help."""


def width(found: Measured, unit: str) -> str:
    """Such as `1.20 px (1.12 to 1.28)`."""
    return f"{found.value:.2f} {unit} ({found.low:.2f} to {found.high:.2f})"


def shape(blur: BlurFound) -> str:
    """The form, and whether it is oval."""
    if blur.elongation < OVAL:
        return blur.words
    return (
        f"{blur.words}, {blur.elongation:.2f} times as long as wide, {blur.direction:.0f}° "
        f"clockwise from the horizontal"
    )


def contrast(blur: BlurFound) -> str:
    """How fine detail may be."""
    return f"half is left at {blur.mtf50:.2f} cycles/px (MTF50), a tenth at {blur.detail:.2f}"


def sharpening(blur: BlurFound) -> str:
    """Whether the camera sharpens."""
    if blur.sharpening < SHARPENS:
        return "none that shows"
    noise = " and its noise with it" if blur.noise_sharpened else ""
    return f"raises contrast by up to {100 * blur.sharpening:.0f} %{noise}"


def difference(blur: BlurFound) -> str:
    """How far photographs differ."""
    if blur.told_by < 2:
        return "there is only one"
    return f"widths differ by ±{100 * blur.difference:.0f} % from photograph to photograph"


def within(blur: BlurFound) -> list[tuple[str, str]]:
    """How it varies within photographs, as far as that is known: over what, and how."""
    known = (("field", blur.field), ("channels", blur.channels))
    return [(name, variation(found)) for name, found in known if found is not None]


def variation(found: VariationFound) -> str:
    """Where it is widest, or that it is the same everywhere as far as that shows."""
    by_width = sorted(found.parts, key=lambda part: part.ratio.value)
    narrow, wide = by_width[0], by_width[-1]
    if narrow.ratio.high >= wide.ratio.low:
        unsure = max(part.ratio.high / part.ratio.value for part in found.parts) - 1
        return f"no difference that shows (±{100 * unsure:.0f} %)"
    times = wide.ratio.value / narrow.ratio.value
    return f"{times:.2f} times as wide ({wide.name}) as at its narrowest ({narrow.name})"


def parts(found: VariationFound) -> list[str]:
    """Of each part its width and how sure that is beside the others, such as `1.20 ±4 %`."""
    return [
        f"{part.width:.2f} ±{100 * (part.ratio.high / part.ratio.value - 1):.0f} %"
        for part in found.parts
    ]


def error(blur: BlurFound) -> str:
    """What error is expected, and what more photographs would do about it."""
    now = f"expected to be off by {_percent(blur.error)} of its size"
    if blur.error_of_twice > HELPS * blur.error:
        return f"{now}; more photographs would hardly help, for scenes differ among themselves"
    twice = f"{now}; twice as many photographs would make that {_percent(blur.error_of_twice)}"
    if blur.error_of_many < FAR * blur.error:
        return f"{twice}, four times as many {_percent(blur.error / 2)}"
    more = _about(blur.photographs_wanted - blur.told_by)
    return (
        f"{twice}, any number {_percent(blur.error_of_many)}, for scenes differ among themselves; "
        f"{more} more would come near that"
    )


def _about(count: int) -> str:
    if count < 10:
        return str(max(1, count))
    step = 10 ** (len(str(count)) - 1) // 2
    return f"about {math.ceil(count / step) * step}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.01 else "under 1 %"


def noise(found: NoiseFound) -> str:
    """Noise where it is least and where it is most, by level."""
    points = [point for channel in channels(found).values() for point in channel]
    if not points:
        return "not measured: too few flat blocks that are not clipped"
    low, high = min(points, key=_std), max(points, key=_std)
    said = f"{low.std:.1f} levels (at level {low.level:.0f})"
    if high.std > 1.1 * low.std:
        said = f"{low.std:.1f} (at level {low.level:.0f}) to {high.std:.1f} (at {high.level:.0f})"
    return f"{said}, standard deviation{' before JPEG' if found.by_luma else ''}"


def _std(point: NoisePoint) -> float:
    return point.std


def channels(found: NoiseFound) -> dict[str, tuple[NoisePoint, ...]]:
    """Channels by their names."""
    return {"R": found.red, "G": found.green, "B": found.blue}


def noise_rows(found: NoiseFound) -> tuple[list[str], list[list[str]]]:
    """A table: a column per bin of levels that any channel knows, a row per channel."""
    bins = sorted({_bin(point) for channel in channels(found).values() for point in channel})
    rows = []
    for name, channel in channels(found).items():
        known = {_bin(point): point for point in channel}
        cells = [f"{known[place].std:.1f}" if place in known else "" for place in bins]
        rows.append([name, *cells])
    return ["level", *(f"{32 * place}–{32 * place + 31}" for place in bins)], rows


def _bin(point: NoisePoint) -> int:
    return int(point.level // 32)


def compression(found: CompressionFound, count: int) -> str:
    """How the files are compressed."""
    if not found.jpegs:
        return "no JPEG files; what the pixels may have gone through before is not looked for"
    low, high = found.qualities[0], found.qualities[-1]
    quality = f"quality {low}" if low == high else f"qualities {low} to {high}"
    files = "all files" if found.jpegs == count else f"{found.jpegs} of {count} files"
    chroma = ""
    if found.subsampled:
        whose = "" if found.subsampled == found.jpegs else f" in {found.subsampled}"
        chroma = f", chroma subsampled{whose}"
    return f"JPEG, {files}, {quality}{chroma}"


def verdict(photograph: PhotographFound) -> str:
    """`accepted` or the reason, as a word."""
    return "accepted" if photograph.accepted else str(photograph.reason)


def uncertain(group: GroupFound, notes: Sequence[str]) -> tuple[str, ...]:
    """What a user should know before believing it, the most important first.

    Args:
        group: A group, with nothing uncertain so far.
        notes: What grouping noted.
    """
    blur, count = group.blur, len(group.photographs)
    said = list[str]()
    if blur is None:
        said.append("no photograph shows a blur: take sharp ones of detailed scenes")
    else:
        said += _of_blur(blur, group)
    said += [
        f"{one.name} seems to have been enlarged {one.enlarged:.2g} times: its true pixels would "
        "serve better"
        for one in group.photographs
        if one.enlarged > 1
    ]
    said += _of_noise(group)
    if group.source is GroupSource.ONE and count > 1:
        said.append("nothing tells the photographs apart, so they are taken for one camera")
    return (*said, *(f"grouping: {note}" for note in notes))


def _of_blur(blur: BlurFound, group: GroupFound) -> list[str]:
    said = []
    if blur.detail < ENLARGED:
        said.append(
            f"there is no detail above {blur.detail:.2f} cycles/px, as if the photographs had "
            f"been enlarged: downscaled by {0.5 / blur.detail:.1f} they would lose nothing"
        )
    lost = len(group.photographs) - group.accepted
    if lost:
        total = counted(len(group.photographs), "photograph")
        said.append(f"{lost} of {total} {'gives' if lost == 1 else 'give'} no kernel")
    said.append(f"the kernel is {error(blur)}")
    if blur.field is None and blur.told_by >= FEWEST:
        said.append(f"the field is not looked at: that takes {FEWEST} photographs of {SMALLEST} px")
    if blur.difference > DIFFER and blur.told_by > 1:
        said.append(f"{difference(blur)}: perhaps several lenses, or focus that varies")
    return said


def _of_noise(group: GroupFound) -> list[str]:
    if not any(channels(group.noise).values()):
        return ["noise is not measured: there are too few flat blocks that are not clipped"]
    if group.noise.by_luma:
        return ["noise is told from luma: of JPEGs, channels are taken to be alike"]
    return []
