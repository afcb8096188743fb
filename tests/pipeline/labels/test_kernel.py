"""Kernels composed of programs: against impulses sent through the interpreter, and LR that they
make."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from pairmill.models.functional.labels import turn, turned_kernel
from pairmill.models.functional.linear_row import LinearRow, least_grid, on_grid
from pairmill.pipeline.assets import Assets
from pairmill.pipeline.labels.kernel import NOISE, is_uniform, walk
from pairmill.pipeline.ops import OPS
from pairmill.pipeline.ops.apply import apply
from pairmill.schemas.ops import Op
from pairmill.schemas.ops.blur import Blur, GaussianKernel
from pairmill.schemas.ops.codecs import Jpeg
from pairmill.schemas.ops.noise import GaussianNoise
from pairmill.schemas.ops.pooled import PooledBlur
from pairmill.schemas.ops.resize import BicubicDown, Clip, Quantise, Resize, Subsample
from pairmill.schemas.program import Program

POOL = "a" * 64
LR = (19, 16)
"""Rows and columns of the LR in these tests."""


def slanted(scale: int, size: int = 9) -> Blur:
    """An anisotropic blur before subsampling by `scale`."""
    shift = ((scale - 1) / 2, (scale - 1) / 2)
    kernel = GaussianKernel(size=size, sigma_x=1.8, sigma_y=0.7, angle=0.5, shift=shift)
    return Blur(kernel=kernel, border="mirror")


def pooled() -> Assets:
    """A pool of one kernel of 7 x 7 that is unlike all of its mirror images."""
    kernel = np.zeros((1, 7, 7))
    kernel[0, 2:6, 1:5] = np.arange(16).reshape(4, 4) * 512 / 65536
    kernel[0, 3, 3] += 1 - kernel.sum()
    return Assets({POOL: kernel})


def resized(scale: int, factor: float, method: str) -> Resize:
    rows, columns = (int(side * scale * factor) for side in LR)
    return Resize.model_validate({"height": rows, "width": columns, "method": method})


def chains(scale: int) -> dict[str, tuple[Op, ...]]:
    to_lr = Resize(height=LR[0], width=LR[1], method="bilinear")
    noise = GaussianNoise(sigma=5, key="0" * 32)
    return {
        "blur and subsampling": (slanted(scale), Subsample(scale=scale), Quantise()),
        "a kernel of a pool": (PooledBlur(pool=POOL, index=0), Subsample(scale=scale), Quantise()),
        "bicubic": (BicubicDown(scale=scale, form="matlab"),),
        "a blur after it": (BicubicDown(scale=scale), slanted(1, 5), noise, Quantise()),
        "sizes on the way": (
            *(slanted(1, 5), resized(scale, 1.37, "bicubic"), Clip()),
            *(noise, Jpeg(quality=60), resized(scale, 0.71, "area"), slanted(1, 3)),
            *(to_lr, Quantise()),
        ),
    }


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_it_is_what_impulses_come_to(scale: int) -> None:
    """Rows and columns differ in number, and the place is not the middle."""
    assets, at, size = pooled(), (9, 7), 35
    hr = (LR[0] * scale, LR[1] * scale)
    for name, ops in chains(scale).items():
        program = Program(scale=scale, ops=ops)
        kernel, lost = on_grid(walk(program, assets, hr, at).row, at, size, scale)
        assert lost == 0
        found = impulses(program, assets, hr, at, size)
        np.testing.assert_allclose(kernel, found, atol=1e-5, err_msg=name)
        assert abs(kernel.sum() - 1) < 1e-12
        middle = size // 2 + (scale - 1) / 2
        centre = [float(kernel.sum(axis=1 - axis) @ np.arange(size)) for axis in (0, 1)]
        if name != "a kernel of a pool":  # that one is off the middle on purpose
            np.testing.assert_allclose(centre, middle, atol=0.6)
        assert is_uniform(program, hr) == (name != "sizes on the way")


def impulses(
    program: Program, assets: Assets, hr: tuple[int, int], at: tuple[int, int], size: int
) -> NDArray[np.float64]:
    """k[u] = LR[at] of an HR that is 0 but for a 1 at s at + u - size // 2; by the interpreter, of
    ops that neither add noise nor round, three places at a time, in the channels."""
    kept = [op for op in program.ops if not isinstance(op, (*NOISE, Jpeg, Quantise, Clip))]
    kept = [op.with_(form="float") if isinstance(op, BicubicDown) else op for op in kept]
    kernel = np.zeros(size * size)
    for first in range(0, size * size, 3):
        image = np.zeros((*hr, 3), np.uint8)
        for channel, number in enumerate(range(first, min(first + 3, size * size))):
            u, v = divmod(number, size)
            row, column = (
                program.scale * at[0] + u - size // 2,
                program.scale * at[1] + v - size // 2,
            )
            if 0 <= row < hr[0] and 0 <= column < hr[1]:
                image[row, column, channel] = 250
        if image.any():
            lr: NDArray[np.generic] = image
            for op in kept:
                lr = OPS[type(op)](op, lr, assets)
            kernel[first : first + 3] = lr[at][: size * size - first] / 250
    return kernel.reshape(size, size)


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("position", range(8))
def test_it_turns_with_its_images(scale: int, position: int) -> None:
    """A turned smooth HR, correlated with the turned kernel, is the turned LR, to within rounding
    to 8 bits."""
    rng, size, assets = np.random.default_rng(5), 17, pooled()
    hr = rng.integers(60, 200, (LR[0] * scale, LR[1] * scale, 3)).astype(np.uint8)
    for ops in (chains(scale)["blur and subsampling"], chains(scale)["a kernel of a pool"]):
        program = Program(scale=scale, ops=ops)
        at = LR[0] // 2, LR[1] // 2
        kernel, lost = on_grid(walk(program, assets, hr.shape[:2], at).row, at, size, scale)
        assert lost == 0
        turned = turned_kernel(kernel.astype(np.float32), position, scale)
        lr = turn(apply(program, hr, assets), position)
        made = correlated(turn(hr, position), turned, scale)
        inner = (slice(6, -6), slice(6, -6))
        assert np.abs(made - lr)[inner].max() <= 0.51
        others = (turned_kernel(kernel.astype(np.float32), p, scale) for p in range(8))
        assert sum(np.allclose(other, turned, atol=1e-4) for other in others) in (1, 2)


def correlated(
    hr: NDArray[np.uint8], kernel: NDArray[np.float32], scale: int
) -> NDArray[np.float64]:
    """LR[i] = sum_u k[u] HR[s i + u - K // 2], as it is written."""
    reach = len(kernel) // 2
    around = np.pad(hr.astype(float), ((reach, reach), (reach, reach), (0, 0)), mode="edge")
    out = np.zeros((hr.shape[0] // scale, hr.shape[1] // scale, 3))
    for u, v in np.ndindex(kernel.shape):
        seen = around[u::scale, v::scale][: out.shape[0], : out.shape[1]]
        out += kernel[u, v] * seen
    return out


def test_the_least_grid_is_told() -> None:
    """A weight of 0.9 on the pixel of x2's block, and 0.1 four pixels to the right of it."""
    weights = np.zeros((2, 6))
    weights[0, 0], weights[1, 5] = 0.9, 0.1
    row = LinearRow(weights, 20, 20)  # LR pixel (10, 10) at x2
    assert least_grid(row, (10, 10), 2, 0.0) == 11  # u = 5 + 5
    assert on_grid(row, (10, 10), 11, 2)[1] == pytest.approx(0)
    assert on_grid(row, (10, 10), 9, 2)[1] == pytest.approx(0.1)
    assert least_grid(row, (10, 10), 2, 0.2) == 3
    kernel, lost = on_grid(row, (10, 10), 3, 2)
    assert kernel[1, 1] == kernel.sum() == 1
    assert lost == pytest.approx(0.1)
