"""NIQE, how unlike pristine images one is (Mittal et al. 2013): 36 statistics of blocks of 96 x
96 pixels, without a reference.

As BasicSR and MATLAB compute it: luma rounded to whole intensity levels, two scales, the second of
blocks half as large. Rounded to float32 where BasicSR rounds, for the sign of a difference counts:
in float64 the filter leaves 1e-14 either side of zero in an area that is flat.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat
from scipy.special import gamma

from pairmill.models.functional.resize import resize
from pairmill.models.metrics.luma import Array, Image, luma

BLOCK = 96
"""Side of a block at the first scale, in pixels."""
FEATURES = 36
ENOUGH = 5 * FEATURES
"""Sharp blocks from which a covariance of so many features is of use. On 11 images of Set14 and
Set5, parameters of 40 blocks of BSD100 and Urban100 give bicubic x4 38.6 +- 7.7, of 80 18.3 +- 2.6,
of 180 13.0 +- 0.7, of 500 11.1; the published ones give 8.0."""
WINDOW = cv2.getGaussianKernel(7, 7 / 6, cv2.CV_64F)
"""Of local mean and deviation."""
SHIFTS = ((0, 1), (1, 0), (1, 1), (1, -1))
"""Rows and columns between the neighbours whose products are looked at."""
MATLAB = {"mu_prisparam": "mu_pris_param", "cov_prisparam": "cov_pris_param"}
"""The authors' names of the parameters, and BasicSR's."""
SHARP = 0.75
"""How sharp a block must be, relative to the sharpest of its image, to tell what pristine
images are like (the paper's T)."""


@dataclass(frozen=True, eq=False)
class NiqeParameters:
    """What the features of pristine images are like: a normal distribution."""

    mean: Array
    """(36,)."""
    covariance: Array
    """(36, 36)."""
    blocks: int | None = None
    """How many sharp blocks they are of; none where it is not said, as in the published file."""


def niqe(image: Image, parameters: NiqeParameters, border: int = 0) -> float:
    """Distance of an image's features from those of pristine ones; at least 0, the lower, the more
    natural.

    Args:
        image: (H, W, 3) uint8.
        parameters: of pristine images, from `fit_niqe` or `read_parameters`; values of different
            parameters do not compare.
        border: pixels that are left out at each side first; papers leave out as many as the scale.

    Raises:
        ValueError: if fewer than two blocks of 96 x 96 lie inside the border, or fewer than two are
            not flat.
    """
    features = features_of(image, border)[0]
    whole = features[~np.isnan(features).any(1)]
    if len(whole) < 2:
        raise ValueError("NIQE is undefined for an image that is flat nearly everywhere")
    difference = parameters.mean - np.nanmean(features, axis=0)
    inverse = np.linalg.pinv((parameters.covariance + np.cov(whole, rowvar=False)) / 2)
    return float(np.sqrt(max(0.0, difference @ inverse @ difference)))


def fit_niqe(images: Iterable[Image], sharp: float = SHARP) -> NiqeParameters:
    """Parameters from pristine images: mean and covariance of the features of their sharp blocks.

    Args:
        images: (H, W, 3) uint8, sharp, without noise or compression; the published parameters are
            of 125 photos. Those of fewer than two blocks are left out.
        sharp: blocks count from this part of the mean local deviation of their image's sharpest
            block on, 0 to 1.

    Raises:
        ValueError: if they have fewer sharp blocks than there are features, so that the covariance
            would have no inverse; it is of use from `ENOUGH` on.
    """
    rows = [np.empty((0, FEATURES))]
    for image in images:
        if blocks_in(image.shape[0], image.shape[1]) >= 2:
            features, sharpness = features_of(image)
            rows.append(features[sharpness >= sharp * sharpness.max()])
    found = np.concatenate(rows)
    found = found[~np.isnan(found).any(1)]
    if len(found) <= FEATURES:
        wanted = f"more than {FEATURES} sharp blocks of {BLOCK} x {BLOCK} pixels"
        raise ValueError(f"NIQE's parameters need {wanted}, these images have {len(found)}")
    return NiqeParameters(found.mean(0), np.cov(found, rowvar=False), len(found))


def blocks_in(height: int, width: int) -> int:
    """Whole blocks of an image."""
    return max(0, height // BLOCK) * max(0, width // BLOCK)


def features_of(image: Image, border: int = 0) -> tuple[Array, Array]:
    """Features of every block, (blocks, 36), NaN in scales of a flat block, and its sharpness,
    (blocks,): the mean local deviation.

    Raises:
        ValueError: if there are fewer than two blocks.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"images are (H, W, 3) uint8, got {image.shape} {image.dtype}")
    height, width = (side - 2 * border for side in image.shape[:2])
    if blocks_in(height, width) < 2:
        raise ValueError(
            f"NIQE is undefined for fewer than two blocks of {BLOCK} x {BLOCK} pixels, got "
            f"{height} x {width} inside the border"
        )
    rows, columns = height // BLOCK * BLOCK, width // BLOCK * BLOCK
    first = np.rint(luma(image[border : border + rows, border : border + columns]))
    second = resize(first[..., None], rows // 2, columns // 2)[..., 0]
    contrast, deviation = contrasts(first)
    both = [
        _features(_blocks(contrast, BLOCK)),
        _features(_blocks(contrasts(second)[0], BLOCK // 2)),
    ]
    return np.concatenate(both, axis=1), _blocks(deviation, BLOCK).mean((1, 2))


def contrasts(picture: Array) -> tuple[Array, Array]:
    """(H, W) to (I - mu) / (sigma + 1) and sigma, with the mean and deviation around each pixel,
    edges repeated; all of it in float32, the sums of the filter in float64.

    Where the picture is flat both are exactly 0.
    """
    rounded = picture.astype(np.float32)
    mean, square = _filtered(rounded), _filtered(rounded**2)
    deviation = np.sqrt(np.abs(square - mean**2))
    contrast = (rounded - mean) / (deviation + 1)
    return contrast.astype(np.float64), deviation.astype(np.float64)


def _filtered(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean around each pixel, rounded once."""
    edge = cv2.BORDER_REPLICATE
    found = cv2.sepFilter2D(picture, cv2.CV_64F, WINDOW, WINDOW, borderType=edge)
    return np.asarray(found, np.float32)


def _blocks(picture: Array, side: int) -> Array:
    """(H, W) to (blocks, side, side)."""
    rows, columns = picture.shape[0] // side, picture.shape[1] // side
    return picture.reshape(rows, side, columns, side).swapaxes(1, 2).reshape(-1, side, side)


def _features(blocks: Array) -> Array:
    """(blocks, side, side) to (blocks, 18): shape and scale of the samples, and of the products of
    neighbours.
    """
    shape, left, right = asymmetric(blocks)
    columns = [shape, (left + right) / 2]
    for shift in SHIFTS:
        shape, left, right = asymmetric(blocks * np.roll(blocks, shift, (1, 2)))
        columns += [shape, (right - left) * gamma(2 / shape) / gamma(1 / shape), left, right]
    return np.stack(columns, axis=1)


def asymmetric(samples: Array) -> tuple[Array, Array, Array]:
    """Fit generalised normal distributions with two scales by their moments (Lasmar et al. 2009).

    Args:
        samples: (blocks, ...).

    Returns:
        Shapes, scales left of 0 and right of it, (blocks,) each; a scale is NaN where its side has
        no samples, and the shape is then the first of the table, as in the published code.
    """
    flat = samples.reshape(len(samples), -1)
    squares, shapes = flat**2, _shapes()
    with np.errstate(invalid="ignore", divide="ignore"):
        left, right = (
            np.sqrt((squares * side).sum(1) / side.sum(1)) for side in (flat < 0, flat > 0)
        )
        ratio = left / right
        kurtosis = np.abs(flat).mean(1) ** 2 / squares.mean(1)
        wanted = kurtosis * (ratio**3 + 1) * (ratio + 1) / (ratio**2 + 1) ** 2
    shape = shapes[0][_nearest(shapes[1], np.where(np.isfinite(wanted), wanted, 0))]
    scale = np.sqrt(gamma(1 / shape) / gamma(3 / shape))
    return shape, left * scale, right * scale


@lru_cache(maxsize=1)
def _shapes() -> tuple[Array, Array]:
    """The shapes that are tried, and the ratio of moments of each, which rises with it."""
    shapes = np.arange(0.2, 10.001, 0.001)
    return shapes, gamma(2 / shapes) ** 2 / (gamma(1 / shapes) * gamma(3 / shapes))


def _nearest(rising: Array, values: Array) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Index of the nearest entry, the first of two that are equally near."""
    after = np.clip(np.searchsorted(rising, values), 1, len(rising) - 1)
    return after - (values - rising[after - 1] <= rising[after] - values)


def write_parameters(parameters: NiqeParameters) -> bytes:
    """A .npz file with the names that BasicSR and others read, and the number of blocks."""
    buffer = io.BytesIO()
    counted: dict[str, Any] = {}
    if parameters.blocks is not None:
        counted["blocks"] = np.int64(parameters.blocks)
    covariance = np.ascontiguousarray(parameters.covariance)  # equal parameters, equal bytes
    np.savez(
        buffer,
        mu_pris_param=parameters.mean[None],
        cov_pris_param=covariance,
        gaussian_window=WINDOW @ WINDOW.T,
        **counted,
    )
    return buffer.getvalue()


def read_parameters(data: bytes) -> NiqeParameters:
    """Parameters of a .npz file, ours or `niqe_pris_params.npz` of BasicSR, or of the authors'
    `modelparameters.mat`; nothing in it is executed.

    Raises:
        ValueError: if it is none, or made with another window.
    """
    try:
        if data.startswith(b"MATLAB"):
            found = _matlab(data)
        else:
            found = _numpy(data)
    except (
        ValueError,
        TypeError,
        LookupError,
        OSError,
        EOFError,
        zipfile.BadZipFile,
        AttributeError,
        MemoryError,
        SyntaxError,
    ) as error:
        raise ValueError("neither .npz nor .mat with arrays") from error
    wanted = {"mu_pris_param": FEATURES, "cov_pris_param": FEATURES**2}
    for name, count in wanted.items():
        if name not in found or found[name].size != count or not np.isfinite(found[name]).all():
            raise ValueError(f"NIQE's parameters: {name} is not {count} numbers")
    window = found.get("gaussian_window", WINDOW @ WINDOW.T)
    if window.shape != (7, 7) or np.abs(window - WINDOW @ WINDOW.T).max() > 1e-6:
        raise ValueError("NIQE's parameters: gaussian_window is not 7 x 7 of deviation 7 / 6")
    return NiqeParameters(
        found["mu_pris_param"].reshape(FEATURES),
        found["cov_pris_param"].reshape(FEATURES, FEATURES),
        int(found["blocks"]) if "blocks" in found else None,
    )


def _numpy(data: bytes) -> dict[str, Array]:
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        return {name: np.asarray(file[name], np.float64) for name in file.files}


def _matlab(data: bytes) -> dict[str, Array]:
    file = loadmat(io.BytesIO(data), variable_names=list(MATLAB))  # type: ignore[arg-type]
    return {
        ours: np.asarray(file[theirs], np.float64)
        for theirs, ours in MATLAB.items()
        if theirs in file
    }
