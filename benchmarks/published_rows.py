"""Published rows of bicubic x4 again: `python -m benchmarks.published_rows FOLDER...`, folders
called Set5 and Set14.

Three protocols, all with images cut to multiples of 4 at the right and the bottom, MATLAB's
bicubic (a = -0.5, antialiased) and 4 pixels left out at each side:

- `pairmill`: what `pairmill evaluate` does, and most code of today: RGB is downscaled, rounded to 8
  bits once, upscaled, rounded to 8 bits; PSNR and SSIM of the luma, which is not rounded.
- `rounded luma`: the same, with the luma rounded to whole intensity levels, as MATLAB's `rgb2ycbcr`
  does for uint8.
- `luma only`: the protocol of the MATLAB scripts that the rows are from (SRCNN, VDSR): the rounded
  luma alone is downscaled and upscaled in floating point, and rounded at the end. On Set5 it gives
  the published digits.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import Row, row, save, show
from pairmill.models.functional.resize import bicubic_down, bicubic_up, to_uint8
from pairmill.models.metrics.luma import luma
from pairmill.models.metrics.psnr import psnr
from pairmill.models.metrics.ssim import ssim
from pairmill.pipeline.images.decode import decode
from pairmill.schemas.image import IngestConfig

SCALE = 4
PUBLISHED = {"Set5": (28.42, 0.8104), "Set14": (26.00, 0.7027)}
"""PSNR in dB and SSIM of bicubic x4 (tables of EDSR, RCAN and many others)."""
TOLERANCES = {"Set5": (0.02, 0.001), "Set14": (0.1, 0.003)}
"""What counts as reached; the usual copy of Set14, in sizes divisible by 4, is not quite the
original."""
Image = NDArray[np.uint8]
Protocol = Callable[[Image], tuple[float, float]]


def today(hr: Image) -> tuple[float, float]:
    sr = _enlarged(hr)
    return psnr(sr, hr, SCALE), ssim(sr, hr, SCALE)


def rounded_luma(hr: Image) -> tuple[float, float]:
    return _of_grey(_grey(_enlarged(hr)), _grey(hr))


def luma_only(hr: Image) -> tuple[float, float]:
    y = _grey(hr)
    return _of_grey(to_uint8(bicubic_up(bicubic_down(y[..., None], SCALE), SCALE))[..., 0], y)


def _enlarged(hr: Image) -> Image:
    return to_uint8(bicubic_up(to_uint8(bicubic_down(hr, SCALE)), SCALE))


def _grey(image: Image) -> Image:
    return to_uint8(luma(image))


def _of_grey(a: Image, b: Image) -> tuple[float, float]:
    """Of one channel: the mean over three equal ones is that of each."""
    one, other = (np.repeat(image[..., None], 3, axis=2) for image in (a, b))
    return psnr(one, other, SCALE, "rgb"), ssim(one, other, SCALE, "rgb")


PROTOCOLS: dict[str, Protocol] = {
    "pairmill": today,
    "rounded luma": rounded_luma,
    "luma only": luma_only,
}


def measure(folder: Path) -> list[Row]:
    """Mean PSNR and SSIM over a folder's pictures by each protocol."""
    pictures = [
        decode(path.read_bytes(), IngestConfig())[0] for path in sorted(folder.glob("*.png"))
    ]
    if folder.name not in PUBLISHED or not pictures:
        sys.exit(f"{folder}: wanted a folder called {' or '.join(PUBLISHED)} with PNG images")
    rows = []
    for name, protocol in PROTOCOLS.items():
        means = np.mean([protocol(_cut(picture)) for picture in pictures], axis=0)
        goals = zip(
            ("PSNR", "SSIM"),
            (4, 5),
            means,
            PUBLISHED[folder.name],
            TOLERANCES[folder.name],
            strict=True,
        )
        for metric, digits, value, wanted, tolerance in goals:
            off = float(value) - wanted
            line = row(
                f"{folder.name} x{SCALE} {metric}, {name}",
                "published",
                float(value),
                f"{wanted} ± {tolerance}",
                reached=abs(off) <= tolerance,
                detail=f"{len(pictures)} images, off by {off:+.{digits}f}",
            )
            rows.append(line | {"value": round(float(value), digits)})
    return rows


def _cut(picture: Image) -> Image:
    height, width = (side // SCALE * SCALE for side in picture.shape[:2])
    return np.ascontiguousarray(picture[:height, :width])


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(
            "usage: python -m benchmarks.published_rows FOLDER...; folders are called "
            f"{' or '.join(PUBLISHED)}"
        )
    found = [line for folder in sys.argv[1:] for line in measure(Path(folder).resolve())]
    show(found)
    print(f"saved {save(found, 'published_rows')}")
