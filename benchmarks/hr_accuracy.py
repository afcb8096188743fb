"""How often curation's verdicts on HR are right: images out of focus, enlarged, saved again.

`python -m benchmarks.hr_accuracy FOLDER...`: of every folder the first, third, ... image, since
thresholds were chosen on the others; and scikit-image's bundled photographs. Each is cut to its
middle. What is looked for is put into them; what is found in them as they are is a false alarm.
"""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from benchmarks.tile_choice import halves
from pairmill.flows.cli.demo import collect
from pairmill.models.functional.defocus import focus
from pairmill.models.functional.kernel_shapes import disc
from pairmill.pipeline.compression.mine import of_file, older_quality
from pairmill.pipeline.curation.hr import hr_figures
from pairmill.pipeline.curation.keypoints import grey_of
from pairmill.pipeline.rng import stream
from pairmill.pipeline.runner.execution import one_thread
from pairmill.schemas.hr_quality import HrQualityConfig, HrVerdict

Image = NDArray[np.uint8]
SIDE = 512
FACTORS = (1.25, 1.5, 1.75, 2.0, 2.5, 3.0)
FILTERS = {"bicubic": Pillow.Resampling.BICUBIC, "lanczos": Pillow.Resampling.LANCZOS}
LIMITS = HrQualityConfig()
NAMELESS = "0" * 64


def photographs(folders: list[str]) -> Iterator[Image]:
    with tempfile.TemporaryDirectory() as bundled:
        collect(Path(bundled))
        own = [file for folder in folders for file in halves(Path(folder))[0]]
        for file in (*own, *sorted(map(str, Path(bundled).iterdir()))):
            with Pillow.open(file) as opened:
                image = np.asarray(opened.convert("RGB"))
            top, left = ((length - min(SIDE, length)) // 2 for length in image.shape[:2])
            yield np.ascontiguousarray(image[top : top + SIDE, left : left + SIDE])


def with_background(image: Image, radius: float, rng: np.random.Generator) -> Image:
    """The image with all but an oval in its middle behind a lens out of focus; the sensor adds a
    little noise.
    """
    height, width = image.shape[:2]
    y, x = np.mgrid[-12:13, -12:13].astype(np.float64)
    kernel = disc(x, y, radius)
    kernel /= kernel.sum()
    blurred = cv2.filter2D(image.astype(np.float64), -1, kernel, borderType=cv2.BORDER_REFLECT)
    rows, columns = np.mgrid[:height, :width]
    oval = np.hypot((rows / height - 0.5) / 0.3, (columns / width - 0.5) / 0.25) < 1
    mixed = np.where(oval[..., None], image, blurred) + rng.normal(0, 1, image.shape)
    return np.asarray(np.rint(np.clip(mixed, 0, 255)), np.uint8)


def saved(image: Image, quality: int) -> tuple[bytes, Image]:
    buffer = io.BytesIO()
    Pillow.fromarray(image).save(buffer, "JPEG", quality=quality)
    with Pillow.open(buffer) as opened:
        return buffer.getvalue(), np.asarray(opened.convert("RGB"))


def resized(image: Image, factor: float, filter_: Pillow.Resampling) -> Image:
    size = round(image.shape[1] * factor), round(image.shape[0] * factor)
    return np.asarray(Pillow.fromarray(image).resize(size, filter_))


def line(what: str, found: list[bool], note: str = "") -> None:
    print(f"| {what} | {sum(found)} of {len(found)} | {note} |", flush=True)


def of_focus(images: list[Image]) -> None:
    rng = stream("hr accuracy")
    shares = [focus(grey_of(image)).defocus for image in images]
    line("as it is: defocused", [share > LIMITS.max_defocus for share in shares], _spread(shares))
    flat = [np.full((256, 256, 3), 90, np.uint8), _ramp()]
    line("flat, and a smooth ramp: defocused", [focus(grey_of(i)).defocus > 0 for i in flat])
    for radius in (3.0, 5.0, 8.0):
        shares = [focus(grey_of(with_background(image, radius, rng))).defocus for image in images]
        found = [share > LIMITS.max_defocus for share in shares]
        line(f"background behind a disc of radius {radius:g}", found, _spread(shares))


def _ramp() -> Image:
    ramp = np.linspace(60, 180, 256) + 10 * np.sin(np.arange(256) / 80)
    return np.asarray(np.rint(np.tile(ramp[:, None, None], (1, 256, 3))), np.uint8)


def _spread(shares: list[float]) -> str:
    low, middle, high = np.percentile(shares, [10, 50, 90])
    return f"share {middle:.2f} ({low:.2f} to {high:.2f})"


def of_enlargement(images: list[Image]) -> None:
    verdicts = [_verdicts(image) for image in images]
    for verdict in (HrVerdict.ENLARGED, HrVerdict.SOFT):
        line(f"as it is: {verdict}", [verdict in held for held in verdicts])
    for name, filter_ in FILTERS.items():
        for factor in FACTORS:
            made = [_middle(resized(image, factor, filter_)) for image in images]
            figures = [hr_figures(image, NAMELESS, 0) for image in made]
            held = [each.verdicts(LIMITS) for each in figures]
            right = sum(abs(each.enlarged / factor - 1) < 0.03 for each in figures)
            line(
                f"enlarged x{factor:g}, {name}",
                [bool({HrVerdict.ENLARGED, HrVerdict.SOFT} & set(each)) for each in held],
                f"ratio within 3 %: {right}",
            )


def _middle(image: Image) -> Image:
    top, left = ((length - min(2 * SIDE, length)) // 2 for length in image.shape[:2])
    return np.ascontiguousarray(image[top : top + 2 * SIDE, left : left + 2 * SIDE])


def _verdicts(image: Image) -> tuple[HrVerdict, ...]:
    return hr_figures(image, NAMELESS, 0).verdicts(LIMITS)


def of_older_files(images: list[Image]) -> None:
    # Downscaling wipes out the grids that published images have of their own.
    clean = [resized(image, 0.6, FILTERS["lanczos"]) for image in images]
    line("as published: an older JPEG of any quality", [older_quality(i) > 0 for i in images])
    line("downscaled by 0.6: an older JPEG", [older_quality(image) > 0 for image in clean])
    for quality in (60, 75, 90):
        found = [older_quality(saved(image, quality)[1]) for image in clean]
        right = sum(abs(each - quality) <= 1 for each in found)
        line(f"JPEG {quality}, then PNG", [each > 0 for each in found], f"quality +-1: {right}")
    line("JPEG 95 alone", [_in_file(image, 95) > 0 for image in clean])
    for cut, what in ((0, "JPEG 75, then JPEG 95"), (3, "JPEG 75, cut by 3 pixels, then JPEG 95")):
        twice = [np.ascontiguousarray(saved(image, 75)[1][cut:, cut:]) for image in clean]
        line(what, [_in_file(image, 95) > 0 for image in twice])


def _in_file(image: Image, quality: int) -> int:
    data, pixels = saved(image, quality)
    return older_quality(pixels, of_file(data, NAMELESS))


def main(folders: list[str]) -> None:
    one_thread()
    images = list(photographs(folders))
    print(f"{len(images)} images\n\n| image | found | |\n|---|---|---|")
    of_focus(images)
    of_enlargement(images)
    of_older_files(images)


if __name__ == "__main__":
    main(sys.argv[1:])
