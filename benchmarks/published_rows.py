"""Published rows of bicubic again: `python -m benchmarks.published_rows FOLDER...`, folders called
Set5 and Set14.

Three protocols, all with images cut to multiples of the scale at the right and the bottom, MATLAB's
`imresize` and as many pixels as the scale left out at each side:

- `pairmill`: what `pairmill evaluate` does, and most code of today: RGB is downscaled in 8 bits,
  upscaled in 8 bits; PSNR and SSIM of the luma, which is not rounded.
- `rounded luma`: the same, with the luma rounded to whole intensity levels, as MATLAB's `rgb2ycbcr`
  does for uint8.
- `luma only`: the protocol of the MATLAB scripts that the rows are from (SRCNN, VDSR): the rounded
  luma alone is downscaled and upscaled in floating point, and rounded at the end. On Set5 it gives
  the published digits.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import Row, row, save, show
from pairmill.models.functional.imresize import imresize_down, imresize_up
from pairmill.models.functional.resize import resize, to_uint8
from pairmill.models.metrics.luma import luma
from pairmill.models.metrics.psnr import psnr
from pairmill.models.metrics.ssim import ssim
from pairmill.pipeline.images.decode import decode
from pairmill.schemas.image import IngestConfig

PUBLISHED = {
    "Set5": {2: (33.66, 0.9299), 3: (30.39, 0.8682), 4: (28.42, 0.8104)},
    "Set14": {2: (30.24, 0.8688), 3: (27.55, 0.7742), 4: (26.00, 0.7027)},
}
"""PSNR in dB and SSIM of bicubic by scale (tables of EDSR, RCAN and many others)."""
TOLERANCES = {"Set5": (0.02, 0.001), "Set14": (0.1, 0.003)}
"""What counts as reached; the usual copy of Set14, in sizes divisible by 4, is not quite the
original."""
EXACT = ("Set5", "luma only")
"""Here the published digits themselves are wanted."""
Image = NDArray[np.uint8]
Protocol = Callable[[Image, int], tuple[float, float]]


def today(hr: Image, scale: int) -> tuple[float, float]:
    sr = _enlarged(hr, scale)
    return psnr(sr, hr, scale), ssim(sr, hr, scale)


def rounded_luma(hr: Image, scale: int) -> tuple[float, float]:
    return _of_grey(_grey(_enlarged(hr, scale)), _grey(hr), scale)


def luma_only(hr: Image, scale: int) -> tuple[float, float]:
    y, (height, width) = _grey(hr), hr.shape[:2]
    small = resize(y[..., None], height // scale, width // scale, "imresize")
    return _of_grey(to_uint8(resize(small, height, width, "imresize"))[..., 0], y, scale)


def _enlarged(hr: Image, scale: int) -> Image:
    return imresize_up(imresize_down(hr, scale), scale)


def _grey(image: Image) -> Image:
    return to_uint8(luma(image))


def _of_grey(a: Image, b: Image, scale: int) -> tuple[float, float]:
    """Of one channel: the mean over three equal ones is that of each."""
    one, other = (np.repeat(image[..., None], 3, axis=2) for image in (a, b))
    return psnr(one, other, scale, "rgb"), ssim(one, other, scale, "rgb")


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
    rows: list[Row] = []
    for scale, published in PUBLISHED[folder.name].items():
        for name, protocol in PROTOCOLS.items():
            means = np.mean([protocol(_cut(each, scale), scale) for each in pictures], axis=0)
            rows += _rows((folder.name, name), scale, means, published, len(pictures))
    return rows


def _rows(
    of: tuple[str, str], scale: int, means: Iterable[float], published: Iterable[float], count: int
) -> Iterator[Row]:
    """PSNR and SSIM of a set by a protocol."""
    digits, tolerances = ((2, 4), (0.0, 0.0)) if of == EXACT else ((4, 5), TOLERANCES[of[0]])
    columns = zip(("PSNR", "SSIM"), (2, 4), digits, means, published, tolerances, strict=True)
    for metric, least, shown, value, wanted, tolerance in columns:
        off = round(float(value), shown) - wanted
        line = row(
            f"{of[0]} x{scale} {metric}, {of[1]}",
            "published",
            float(value),
            f"{wanted:.{least}f} ± {tolerance}"
            if tolerance
            else f"{wanted:.{least}f} to the digit",
            reached=abs(off) <= tolerance + 1e-9,
            detail=f"{count} images, off by {float(value) - wanted:+.{least + 2}f}",
        )
        yield line | {"value": round(float(value), least + 2)}


def _cut(picture: Image, scale: int) -> Image:
    height, width = (side // scale * scale for side in picture.shape[:2])
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
