"""Geometry of blur kernels: centre of mass, recentring, composition to higher scales, fixed-point
form.

Convention: a kernel is a correlation kernel on the HR grid, odd and square, LR[i] = sum_u k[u] HR[s
i + u - size // 2]; the LR pixel lies at the centre of its s x s HR block when the centre of mass is
`target_centre(size, s)`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates
from scipy.ndimage import shift as spline_shift

from pairmill.models.functional.chroma import LUMA

Array = NDArray[np.float64]

SIZES = {2: 17, 3: 25, 4: 33, 8: 65}
"""Side of a finished kernel by scale, in HR pixels."""
COMPOSED = (2, 4, 8)
"""Scales that kernels are composed for from those of scale 2."""
CENTRED = 0.005
"""A kernel is centred when its centre of mass is this close to the target, in HR pixels, on both
axes."""


def centre_of_mass(kernel: Array) -> tuple[float, float]:
    """Row and column of the centre of mass, in pixels from the first cell.

    Raises:
        ValueError: if the kernel sums to 0.
    """
    total = float(kernel.sum())
    if total == 0 or not np.isfinite(total):
        raise ValueError(f"a kernel of sum {total} has no centre of mass")
    rows, columns = kernel.sum(axis=1), kernel.sum(axis=0)
    return float(rows @ np.arange(rows.size)) / total, float(
        columns @ np.arange(columns.size)
    ) / total


def on_grey(kernel: Array) -> Array:
    """(k, k): what a kernel, (k, k) or (3, k, k) of R, G and B, does to a picture without colour:
    the mean of its planes by the weights of luma.
    """
    return kernel if kernel.ndim == 2 else np.tensordot(LUMA, kernel, 1)


def target_centre(size: int, scale: int) -> float:
    """Where the centre of mass must be, on either axis, for LR and HR to be aligned: size // 2 +
    (scale - 1) / 2.

    Raises:
        ValueError: if `size` is even.
    """
    if size % 2 == 0:
        raise ValueError(f"a kernel has an odd side, got {size}")
    return size // 2 + (scale - 1) / 2


def offset(kernel: Array, scale: int) -> tuple[float, float]:
    """Centre of mass minus `target_centre`, in HR pixels (rows, columns)."""
    row, column = centre_of_mass(kernel)
    target = target_centre(kernel.shape[0], scale)
    return row - target, column - target


def recentre(kernel: Array, scale: int) -> Array:
    """The kernel moved, by a fraction of a pixel if need be, until LR and HR are aligned.

    Cubic-spline interpolation, zeros outside; negative values are clipped and the sum made 1, which
    moves the centre a little, hence the iteration.

    Args:
        kernel: (k, k) of non-zero sum; k odd and large enough for the moved mass.
        scale: downscaling factor the kernel is for.

    Returns:
        (k, k), non-negative, sum 1, centre within 0.005 px of the target.

    Raises:
        ValueError: if it cannot be centred, as when mass is pushed out of the array.
    """
    moved = still = normalise(np.maximum(kernel, 0.0))
    shift = np.zeros(2)
    for _ in range(20):
        off = offset(moved, scale)
        if max(map(abs, off)) < CENTRED:
            return moved
        shift -= off
        # Always from the original: kernels that are resampled again and again turn into combs.
        moved = normalise(
            np.maximum(spline_shift(still, shift, order=3, mode="grid-constant"), 0.0)
        )
    raise ValueError(
        f"kernel stays {max(map(abs, off)):.3f} px off its centre; is it too wide for "
        f"{kernel.shape}?"
    )


def normalise(kernel: Array) -> Array:
    """The kernel divided by its sum.

    Raises:
        ValueError: if the sum is not positive.
    """
    total = float(kernel.sum())
    if not total > 0:
        raise ValueError(f"a kernel of sum {total} cannot be normalised")
    return kernel / total


def compose(kernel_x2: Array, scale: int) -> Array:
    """The kernel of applying a x2 kernel repeatedly (KernelGAN, Sec. 5: x4 from x2).

    Downscaling by 2 twice is one downscaling by 4 with the x2 kernel convolved with itself dilated
    by 2, exactly. The centre lands where scale 4 wants it. What lies outside the final size is cut
    and the rest renormalised.

    Args:
        kernel_x2: (k, k), sum 1, centred for scale 2.
        scale: 2, 4 or 8.

    Returns:
        (17, 17), (33, 33) or (65, 65), non-negative, sum 1, centred for `scale`.

    Raises:
        ValueError: for any other scale, or if more than 1 % of the mass would be cut.
    """
    from scipy.signal import convolve2d  # late: it takes half a second

    if scale not in COMPOSED:
        raise ValueError(f"kernels are composed for scales {COMPOSED}, got {scale}")
    # Downscaling 2 after 2: a step of the second kernel spans 2 HR pixels, of the third 4.
    step, composed = 1, kernel_x2
    while step * 2 < scale:
        step *= 2
        composed = convolve2d(composed, _dilate(kernel_x2, step))
    cut = pad_or_crop(composed, SIZES[scale])
    lost = 1 - float(cut.sum()) / float(composed.sum())
    if lost > 0.01:
        raise ValueError(
            f"{lost:.1%} of the x{scale} kernel lies outside {SIZES[scale]} x {SIZES[scale]}"
        )
    return recentre(cut, scale)


def pad_or_crop(kernel: Array, size: int) -> Array:
    """The kernel with zeros added or cells removed equally on all sides; `size` and the kernel's
    side are odd.

    Raises:
        ValueError: if a side is even or the kernel is not square.
    """
    side = kernel.shape[0]
    if kernel.shape != (side, side) or side % 2 == 0 or size % 2 == 0:
        raise ValueError(
            f"expected odd square kernels, got {kernel.shape} to be made {size} x {size}"
        )
    if size >= side:
        return np.pad(kernel, (size - side) // 2)
    cut = (side - size) // 2
    return kernel[cut:-cut, cut:-cut].copy()


def without_tails(kernel: Array, least: float = 2e-3) -> Array:
    """The kernel without values smaller than `least` times its largest: what interpolation leaves
    around the blur. Sum 1.

    Narrower kernels cost less to apply, and the mass that goes is about a thousandth.
    """
    return normalise(np.where(np.abs(kernel) < least * kernel.max(), 0.0, kernel))


def to_fixed_point(kernel: Array, bits: int = 16) -> Array:
    """The nearest kernel whose entries are multiples of 2**-bits and sum to exactly 1.

    Remainders decide which cells are rounded up, ties by position. With 16 bits, all partial sums
    of the correlation of 8-bit pixels with a kernel that is nowhere negative are integers below
    2**24 in units of 2**-16, hence exact in float32; with lobes they are in int32 and in float64.

    Args:
        kernel: (k, k), sum about 1; negative lobes are kept.
        bits: of the fraction.

    Raises:
        ValueError: if the sum is not positive.
    """
    unit = 1 << bits
    exact = normalise(kernel).ravel() * unit
    fixed = np.floor(exact)
    missing = unit - int(fixed.sum())
    # Stable: equal remainders, as symmetric kernels have, are rounded up in the same order
    # everywhere.
    largest = np.argsort(fixed - exact, kind="stable")[:missing]
    fixed[largest] += 1
    return (fixed / unit).reshape(kernel.shape)


def gaussian_kernel(
    size: int, sigma_x: float, sigma_y: float, theta: float, centre: float
) -> Array:
    """Anisotropic Gaussian, (size, size), sum 1.

    Args:
        size: side in HR pixels.
        sigma_x: standard deviation along the first principal axis, in HR pixels.
        sigma_y: along the second.
        theta: angle from the column axis to the first principal axis, in radians.
        centre: row and column of the centre, in pixels from the first cell.
    """
    row, column = np.mgrid[:size, :size] - centre
    along = column * np.cos(theta) + row * np.sin(theta)
    across = row * np.cos(theta) - column * np.sin(theta)
    return normalise(np.exp(-0.5 * ((along / sigma_x) ** 2 + (across / sigma_y) ** 2)))


def gaussian(size: int, moments: Array, centre: float) -> Array:
    """Gaussian of second moments (2, 2), in squared pixels (rows, columns), about `centre`: (size,
    size), sum 1.
    """
    (a, b), (_, c) = moments
    row, column = np.mgrid[:size, :size] - centre
    return normalise(
        np.exp(-0.5 * (c * row**2 - 2 * b * row * column + a * column**2) / (a * c - b * b))
    )


def second_moments(kernel: Array) -> Array:
    """(2, 2) covariance of the mass of a kernel of sum 1 about its centre, in squared pixels (rows,
    columns).
    """
    row, column = centre_of_mass(kernel)
    rows, columns = np.arange(kernel.shape[0]) - row, np.arange(kernel.shape[1]) - column
    mixed = float(((kernel * columns).sum(axis=1) * rows).sum())
    return np.array(
        [
            [float(kernel.sum(axis=1) @ rows**2), mixed],
            [mixed, float(kernel.sum(axis=0) @ columns**2)],
        ]
    )


def exponential(free: Array) -> Array:
    """(2, 2): the symmetric matrix whose logarithm is [[a + b, c], [c, a - b]]."""
    a, b, c = map(float, free)
    # [[b, c], [c, -b]] squared is r^2 times the identity, so the series of exp are cosh and sinh.
    r = math.hypot(b, c)
    even, odd = math.cosh(r), math.sinh(r) / r if r > 1e-9 else 1.0
    return math.exp(a) * np.array([[even + odd * b, odd * c], [odd * c, even - odd * b]])


def stretch(kernel: Array, matrix: Array, scale: int) -> Array:
    """The kernel pulled apart about its centre: its second moments M become A M A.

    Args:
        kernel: (k, k), non-negative, sum 1, centred for `scale`.
        matrix: A, (2, 2), symmetric and positive definite.
        scale: downscaling factor the kernel is for.

    Returns:
        The same shape and properties.

    Raises:
        ValueError: if it does not fit into the array.
    """
    centre = target_centre(len(kernel), scale)
    # Each cell asks where its value was before, hence the inverse.
    places = (
        np.tensordot(np.linalg.inv(matrix), np.mgrid[: len(kernel), : len(kernel)] - centre, 1)
        + centre
    )
    return recentre(
        np.maximum(map_coordinates(kernel, places, order=3, mode="constant"), 0.0), scale
    )


def _dilate(kernel: Array, step: int) -> Array:
    side = (kernel.shape[0] - 1) * step + 1
    dilated = np.zeros((side, side))
    dilated[::step, ::step] = kernel
    return dilated
