"""Simulated cameras: kernels of several forms, and photographs as if taken with them.

Truths are drawn for scale 2 and widened in proportion for others, so that a camera blurs as much
in pixels of its photographs whatever they are trained for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.kernel_pictures import Picture
from pairmill.models.functional.jpeg import tables_of
from pairmill.models.functional.kernel_shapes import weights
from pairmill.models.functional.kernels import gaussian_kernel, normalise, target_centre
from pairmill.models.functional.resize import to_uint8
from pairmill.pipeline.codecs.jpeg import roundtrip_quality
from pairmill.schemas.ops.blur import DiscKernel, MotionKernel

Array = NDArray[np.float64]
Image = NDArray[np.uint8]

DRAWN = {2: 17, 3: 25, 4: 33}
"""Side of the arrays that kernels are drawn in, by scale."""
SIDES = {2: 29, 3: 43, 4: 57}
"""Side of the arrays that kernels are compared in: room for lobes."""
MASK = 9
"""Side of the array of an unsharp mask, in pixels of the photograph."""
FORMS = ("gaussian", "disc", "line", "lobes")


@dataclass(frozen=True)
class Condition:
    """What happens to a photograph after the blur."""

    noise: float = 0.0
    """Standard deviation, in intensity levels; independent in R, G and B."""
    quality: int | None = None
    """Of JPEG, if it is compressed."""
    before_sharpening: bool = False
    """Whether the camera sharpens its noise too."""

    @property
    def name(self) -> str:
        """For tables."""
        noise = f"noise {self.noise:g}" if self.noise else "no noise"
        if self.before_sharpening:
            noise = f"{noise}, sharpened"
        return noise if self.quality is None else f"{noise}, JPEG {self.quality}"

    @property
    def table(self) -> NDArray[np.int64] | None:
        """(8, 8): quantisation steps of luma, as a file would give them."""
        if self.quality is None:
            return None
        return np.array(tables_of(self.quality)[0]).reshape(8, 8)

    def coded(self, image: Image) -> Image:
        """The photograph after JPEG, if it is compressed."""
        return image if self.quality is None else roundtrip_quality(image, self.quality)


CONDITIONS = {
    one.name: one
    for one in (
        Condition(),
        Condition(noise=4),
        Condition(quality=95),
        Condition(noise=4, quality=95),
        Condition(quality=85),
        Condition(noise=4, before_sharpening=True),
    )
}
"""All that is tried, by name."""


@dataclass(frozen=True, eq=False)
class Camera:
    """A blur on the HR grid, then subsampling, then perhaps an unsharp mask on the photograph."""

    form: str
    scale: int
    blur: Array
    """(n, n) of `DRAWN`, sum 1, centred for the scale."""
    mask: Array | None = None
    """(MASK, MASK), sum 1."""

    @property
    def truth(self) -> Array:
        """(n, n) of `SIDES`: the one kernel on the HR grid that does the same."""
        side = SIDES[self.scale]
        if self.mask is None:
            return padded(self.blur, side)
        whole = padded(self.blur, len(self.blur) + (MASK - 1) * self.scale)
        # A mask on every `scale`-th pixel after the blur is the mask dilated, convolved with it.
        return padded(cv2.filter2D(whole, -1, dilated(self.mask, self.scale), borderType=0), side)


@dataclass(frozen=True, eq=False)
class Photograph:
    """A picture as if taken with a known camera."""

    picture: Picture
    camera: Camera
    condition: Condition
    image: Image
    """(h, w, 3)."""

    @property
    def table(self) -> NDArray[np.int64] | None:
        """See `Condition.table`."""
        return self.condition.table


def draw_camera(form: str, rng: np.random.Generator, scale: int = 2) -> Camera:
    """A random camera of a form, see `FORMS`.

    Raises:
        ValueError: for another form.
    """
    size, wider = DRAWN[scale], scale / 2
    centre, shift = target_centre(size, scale), (scale - 1) / 2
    if form == "gaussian":
        x, y = wider * rng.uniform(0.7, 2.5, 2)
        return Camera(form, scale, gaussian_kernel(size, x, y, rng.uniform(0, np.pi), centre))
    if form == "disc":
        disc = DiscKernel(size=size, shift=(shift, shift), radius=wider * rng.uniform(1.3, 3))
        return Camera(form, scale, weights(disc))
    if form == "line":
        length, angle = wider * rng.uniform(3, 7), rng.uniform(0, np.pi)
        line = MotionKernel(size=size, shift=(shift, shift), length=length, angle=angle)
        return Camera(form, scale, weights(line))
    if form == "lobes":
        sigma = wider * rng.uniform(1.0, 1.4)
        mask = unsharp(rng.uniform(0.6, 1.4), rng.uniform(0.8, 1.25))
        return Camera(form, scale, gaussian_kernel(size, sigma, sigma, 0, centre), mask)
    raise ValueError(f"no form is called {form!r}")


def draw_div2krk(rng: np.random.Generator) -> Camera:
    """A kernel as DIV2KRK has them at x2 (Bell-Kligler et al. 2019): 11 x 11, variances 0.6 to 5,
    each cell changed by up to 25 %.
    """
    across, along = np.sqrt(rng.uniform(0.6, 5, 2))
    clean = gaussian_kernel(11, along, across, rng.uniform(0, np.pi), target_centre(11, 2))
    noisy = normalise(clean * rng.uniform(0.75, 1.25, clean.shape))
    return Camera("div2krk", 2, padded(noisy, DRAWN[2]))


def unsharp(amount: float, sigma: float) -> Array:
    """(MASK, MASK): an unsharp mask, sum 1; sigma in pixels."""
    smooth = gaussian_kernel(MASK, sigma, sigma, 0, MASK // 2)
    mask = -amount * smooth
    mask[MASK // 2, MASK // 2] += 1 + amount
    return mask


def dilated(mask: Array, scale: int) -> Array:
    """The same on every `scale`-th pixel of a finer grid."""
    side = (len(mask) - 1) * scale + 1
    wide = np.zeros((side, side))
    wide[::scale, ::scale] = mask
    return wide


def padded(kernel: Array, side: int) -> Array:
    """The kernel, its middle cell in the middle of (side, side), cut or padded with zeros."""
    less = (side - len(kernel)) // 2
    if less >= 0:
        return np.pad(kernel, less)
    return kernel[-less:less, -less:less]


def wider(camera: Camera, factor: float) -> Camera:
    """A Gaussian camera with all lengths multiplied."""
    centre = target_centre(len(camera.blur), camera.scale)
    row, column = np.mgrid[: len(camera.blur), : len(camera.blur)] - centre
    moments = np.array(
        [[(camera.blur * a * b).sum() for b in (column, row)] for a in (column, row)]
    )
    (along, across), axes = np.linalg.eigh(moments)
    angle = float(np.arctan2(axes[1, 0], axes[0, 0]))
    sigmas = factor * np.sqrt([along, across])
    blur = gaussian_kernel(len(camera.blur), sigmas[0], sigmas[1], angle, centre)
    return Camera(camera.form, camera.scale, blur)


def take(
    picture: Picture, camera: Camera, condition: Condition, rng: np.random.Generator
) -> Photograph:
    """A photograph of a picture, in 8 bits."""
    scale = camera.scale
    high = picture.image.astype(np.float64)
    low = cv2.filter2D(high, -1, camera.blur, borderType=cv2.BORDER_REFLECT)[::scale, ::scale]
    noise = condition.noise * rng.normal(size=low.shape)
    if condition.before_sharpening:
        low = low + noise
    if camera.mask is not None:
        low = cv2.filter2D(low, -1, camera.mask, borderType=cv2.BORDER_REFLECT)
    if not condition.before_sharpening:
        low = low + noise
    return Photograph(picture, camera, condition, condition.coded(to_uint8(low)))


def shots(
    chosen: Sequence[Picture], camera: Camera, condition: Condition, rng: np.random.Generator
) -> list[Photograph]:
    """Photographs of some pictures, all with one camera."""
    return [take(picture, camera, condition, rng) for picture in chosen]
