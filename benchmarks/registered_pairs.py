"""The blur kernel of a real camera, from pairs of one scene at two focal lengths, registered.

    python -m benchmarks.registered_pairs FOLDER [--kernel truth.npy] [--unit-gain truth.npy]
    [--per-pair kernels.npz] [--pairs registered.npz] [--synthetic]

FOLDER has `HR` and `LR`, files of the same names, LR half as large. Registration and kernel are
found in turns: each pair is registered with the kernel of all pairs in the model
(`pairmill.models.registration`), the kernel is solved over the blocks that register, until neither
moves. `--synthetic` does the same with LR images that
are made from the HR images with a known kernel, unknown shifts, brightness and noise, and says how
well the kernel is found. Images are written only where an option says so.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.camera_kernel import CENTRE, SIZE, solve_forced
from benchmarks.registered_report import hr_facts, report
from benchmarks.registered_synthetic import synthetic_pairs
from pairmill.models.functional.chroma import LUMA
from pairmill.models.functional.kernels import gaussian
from pairmill.models.registration.grid import Array
from pairmill.models.registration.kernel import (
    Measured,
    equations,
    measure,
    relative_error,
    solve,
    together,
)
from pairmill.models.registration.register import Mask, Pair, Registered
from pairmill.models.registration.warp import coefficients_of, warp

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class ScoredPair:
    """HR as the LR camera stood, to score upscaled LR against."""

    name: str
    hr: Image
    """(2 h, 2 w, 3): warped to LR and with LR's brightness."""
    lr: Image
    """(h, w, 3), as it was."""
    mask: Mask
    """(2 h, 2 w): pixels of blocks that register."""

    def psnr_y(self, sr: Image) -> float:
        """PSNR of luminance over the mask, in decibels."""
        difference = (luma(sr) - luma(self.hr))[self.mask]
        return float(10 * np.log10(255**2 / np.mean(difference**2)))


def read(path: Path) -> Image:
    """An RGB image.

    Raises:
        ValueError: if it cannot be read.
    """
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"{path} cannot be read as an image")
    return np.ascontiguousarray(image[..., ::-1], np.uint8)


def luma(image: NDArray[Any]) -> Array:
    """Y of BT.601 over the full range, in intensity levels."""
    return np.asarray(image @ LUMA, np.float64)


def read_pairs(folder: Path) -> list[Pair]:
    """Luminance of all pairs of a folder."""
    names = sorted(path.name for path in (folder / "LR").iterdir())
    return [
        Pair(Path(name).stem, luma(read(folder / "HR" / name)), luma(read(folder / "LR" / name)))
        for name in names
    ]


def aligned(registered: Registered, hr: Image, lr: Image) -> ScoredPair:
    """The test pair of a registration.

    Args:
        registered: found on the luminance of the same images.
        hr: RGB, (2 h, 2 w, 3).
        lr: RGB, (h, w, 3).
    """
    shifts, size = registered.shifts(), (hr.shape[1], hr.shape[0])
    gain, offsets = (cv2.resize(x, size) for x in (registered.gain, registered.offset))
    channels = [
        gain * warp(coefficients_of(hr[..., c].astype(np.float64)), shifts) + offsets
        for c in range(3)
    ]
    moved = np.clip(np.stack(channels, -1) + 0.5, 0, 255).astype(np.uint8)
    mask = np.repeat(np.repeat(registered.weights, 2, 0), 2, 1)
    return ScoredPair(registered.pair.name, moved, lr, mask)


def scored_pairs(measured: Measured, folder: Path) -> list[ScoredPair]:
    """Registered test pairs of all kept pairs, in colour."""
    return [
        aligned(one, *(read(folder / kind / f"{one.pair.name}.png") for kind in ("HR", "LR")))
        for one in measured.registered
    ]


def block_list(measured: Measured) -> NDArray[np.int64]:
    """Accepted blocks, (n, 5): number of the kept pair, top, left, height, width in LR pixels."""
    found = []
    for number, one in enumerate(measured.registered):
        rows, columns = one.grid.edges
        for r, c in np.argwhere(one.accepted):
            size = (rows[r + 1] - rows[r], columns[c + 1] - columns[c])
            found.append((number, rows[r], columns[c], *size))
    return np.array(found, np.int64)


def save_pairs(path: Path, measured: Measured, folder: Path) -> None:
    """Write the kept pairs as one .npz: `names`, `hr` (n, 2 h, 2 w, 3), `lr` (n, h, w, 3), `mask`
    (n, 2 h, 2 w), and `blocks`, see `block_list`.
    """
    pairs = scored_pairs(measured, folder)
    np.savez_compressed(
        path,
        names=np.array([pair.name for pair in pairs]),
        hr=np.stack([pair.hr for pair in pairs]),
        lr=np.stack([pair.lr for pair in pairs]),
        mask=np.stack([pair.mask for pair in pairs]),
        blocks=block_list(measured),
    )


def load_pairs(path: Path) -> list[ScoredPair]:
    """What `save_pairs` wrote."""
    with np.load(path) as file:
        return [
            ScoredPair(str(name), hr, lr, mask)
            for name, hr, lr, mask in zip(
                file["names"], file["hr"], file["lr"], file["mask"], strict=True
            )
        ]


def save_kernels(path: Path, measured: Measured) -> None:
    """Write the kernels of single pairs, each from its own blocks alone, by name, as one .npz."""
    alone = {
        one.pair.name: solve(said)
        for one, said in zip(measured.registered, measured.said, strict=True)
    }
    np.savez(path, **alone)  # type: ignore[arg-type]


def recovered(pairs: list[Pair], truth: Array, seed: int) -> dict[str, float]:
    """How well a known kernel is found with the HR images of these pairs."""
    found = measure(synthetic_pairs(pairs, truth, seed))
    alone = [relative_error(solve(said), truth) for said in found.said]
    return {
        "error": relative_error(found.kernel, truth),
        "error of one pair, median": float(np.median(alone)),
        "residual": float(np.sqrt(together(found.said).cost(found.kernel))),
        "pairs": len(found.registered),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kernel", type=Path, help="write the kernel here, .npy")
    parser.add_argument("--unit-gain", type=Path, help="write that of unit gain here, .npy")
    parser.add_argument("--per-pair", type=Path, help="write kernels of single pairs here, .npz")
    parser.add_argument("--pairs", type=Path, help="write registered pairs here, .npz")
    parser.add_argument("--synthetic", action="store_true", help="also find known kernels")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    pairs = read_pairs(args.folder)
    measured = measure(pairs)
    show({**report(measured), "HR": hr_facts(pairs)})
    if args.kernel:
        np.save(args.kernel, measured.kernel)
    if args.unit_gain:
        said = together(equations(one, unit_gain=True) for one in measured.registered)
        np.save(args.unit_gain, solve_forced(said))
    if args.per_pair:
        save_kernels(args.per_pair, measured)
    if args.pairs:
        save_pairs(args.pairs, measured, args.folder)
    if args.synthetic:
        narrow = gaussian(SIZE, np.array([[1.2, 0.3], [0.3, 2.0]]), CENTRE)
        show({"the measured kernel": recovered(pairs, measured.kernel, 0)})
        show({"a Gaussian": recovered(pairs, narrow, 1)})


def show(values: dict[str, Any]) -> None:
    """Print figures with four digits after the point."""
    print(json.dumps(values, indent=1, default=lambda x: round(float(x), 4)), flush=True)


if __name__ == "__main__":
    main()
