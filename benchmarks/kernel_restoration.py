"""What a kernel is worth: super-resolution with it, by a method that has nothing else to go by.

The HR image x that minimises |D K x - y|^2 + weight |grad x|^2, where K blurs with the kernel and D
keeps every `scale`-th pixel, on a periodic image: in Fourier space `scale`^2 frequencies of x meet
in one of y, so that the minimum has a closed form (Zhao et al., TIP 2016). The photograph is
mirrored at its borders, which are not scored. No learning, nothing random: what differs between two
results is the kernel.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.fft import fft2, ifft2, next_fast_len

from benchmarks.kernel_cases import CONDITIONS, FORMS, Condition, draw_camera, shots
from benchmarks.kernel_pictures import pictures, some_of
from pairmill.models.functional.chroma import grey

Array = NDArray[np.float64]

FRAME = 16
"""Pixels of the photograph by which it is mirrored at each border."""
BORDER = 8
"""Pixels of the photograph that are not scored at each border."""
WEIGHTS = {
    "no noise": 1e-3,
    "noise 4": 5e-3,
    "no noise, JPEG 95": 2e-3,
    "noise 4, JPEG 95": 7e-3,
    "no noise, JPEG 85": 5e-3,
    "noise 4, sharpened": 1e-2,
}
"""Of the gradient by condition, chosen with true kernels on the pictures that the scenes were
calibrated on: `python -m benchmarks.kernel_restoration DATA` shows how."""


def weight_of(condition: Condition) -> float:
    """The weight of a condition."""
    return WEIGHTS[condition.name]


def upscaled(luma: Array, kernel: Array, scale: int, weight: float) -> Array:
    """(s h, s w) of a photograph's luma (h, w), 0 to 255.

    Args:
        luma: of the photograph.
        kernel: (k, k), k odd: correlation kernel on the HR grid, centred for the scale.
        scale: HR side over LR side.
        weight: of the squared gradient.
    """
    height, width = luma.shape
    more = [next_fast_len(length + 2 * FRAME) - length - FRAME for length in luma.shape]
    framed = cv2.copyMakeBorder(luma, FRAME, more[0], FRAME, more[1], cv2.BORDER_REFLECT)
    rows, columns = framed.shape
    size = (rows * scale, columns * scale)
    transfer = _transfer(kernel, size)
    waves = [2 - 2 * np.cos(2 * np.pi * np.fft.fftfreq(length)) for length in size]
    # The mean has no gradient: a little weight keeps the quotient finite.
    rough = weight * (waves[0][:, None] + waves[1] + 1e-7)
    pull = np.conj(transfer) / rough
    parts = (transfer * pull).real.reshape(scale, rows, scale, columns).sum((0, 2)) / scale**2
    push = fft2(framed) / (1 + parts)
    found = ifft2(pull * np.tile(push, (scale, scale))).real
    top = FRAME * scale
    return np.asarray(found[top : top + height * scale, top : top + width * scale])


def _transfer(kernel: Array, size: tuple[int, int]) -> NDArray[np.complex128]:
    """Of correlation with a kernel whose LR pixel 0 lies at the kernel's middle cell."""
    half = len(kernel) // 2
    whole = np.zeros(size)
    whole[: len(kernel), : len(kernel)] = kernel
    return np.asarray(np.conj(fft2(np.roll(whole, (-half, -half), (0, 1)))))


def psnr(found: Array, truth: Array, scale: int) -> float:
    """PSNR of luma in decibels, `BORDER` left out."""
    edge = BORDER * scale
    left = np.clip(found, 0, 255) - truth
    error = float(np.square(left[edge:-edge, edge:-edge]).mean())
    return float(10 * np.log10(255**2 / error))


def score(
    photograph: NDArray[np.uint8], high: NDArray[np.uint8], kernel: Array, scale: int, weight: float
) -> float:
    """PSNR-Y of a photograph upscaled with a kernel, against the picture it was made from."""
    return psnr(upscaled(grey(photograph), kernel, scale, weight), grey(high), scale)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    args = parser.parse_args()
    chosen = some_of(pictures(args.data, "calibration"), 6, 0)
    for name in WEIGHTS:
        condition = CONDITIONS[name]
        found = {}
        for weight in (5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2):
            scores = []
            for seed, form in enumerate(FORMS):
                rng = np.random.default_rng(seed)
                camera = draw_camera(form, rng)
                scores += [
                    score(one.image, one.picture.image, camera.truth, 2, weight)
                    for one in shots(chosen, camera, condition, rng)
                ]
            found[weight] = round(float(np.mean(scores)), 2)
        print(name, found)


if __name__ == "__main__":
    main()
