"""Noise against level: how near the curves of cameras come to the truth.

    python -m benchmarks.noise_levels FOLDER ... [--groups 3] [--every 2] [--from 0]

Pictures of the folders are blurred, halved, given noise of variance gain (read^2 + shot * level)
and compressed; curves of groups of them are compared with that. `unaware` is what the fine cosines
of the decoded pixels say, as if there were neither texture nor JPEG.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pairmill.models.camera.flat_blocks import Blocks, blocks_of
from pairmill.models.camera.levels import noise_by_level
from pairmill.pipeline.compression.tables import LUMA, standard

WIDTH = 1.3
"""Standard deviation of the blur, in HR pixels."""
BIN = 32
"""Levels that `unaware` tells apart, in intensity levels."""


@dataclass(frozen=True)
class Sensor:
    """A camera's noise and compression."""

    name: str
    read: float
    shot: float
    gains: tuple[float, float, float] = (1.0, 1.0, 1.0)
    quality: int = 0

    def variance(self, level: NDArray[np.float64] | float, channel: int) -> NDArray[np.float64]:
        """Of one channel at a level."""
        return np.asarray(self.gains[channel] * (self.read**2 + self.shot * np.asarray(level)))

    def photograph(self, hr: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        """A photograph of half the size."""
        height, width = (length // 2 * 2 for length in hr.shape[:2])
        scene = cv2.GaussianBlur(hr[:height, :width].astype(np.float64), (0, 0), WIDTH)[::2, ::2]
        deviation = np.sqrt(np.stack([self.variance(scene[..., c], c) for c in range(3)], -1))
        noisy = scene + rng.standard_normal(scene.shape) * deviation
        pixels = np.asarray(np.clip(np.rint(noisy), 0, 255), np.uint8)
        if not self.quality:
            return pixels
        options = [cv2.IMWRITE_JPEG_QUALITY, self.quality]
        coded = cv2.imencode(".jpg", np.ascontiguousarray(pixels[:, :, ::-1]), options)[1]
        decoded = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
        return np.ascontiguousarray(decoded[:, :, ::-1], dtype=np.uint8)


SENSORS = (
    Sensor("read 2, shot 0.1", 2, 0.1),
    Sensor("read 1, shot 0.02", 1, 0.02),
    Sensor("the same, R x 1.8, B x 1.5", 1.4, 0.06, (1.8, 1.0, 1.5)),
    Sensor("read 2, shot 0.1, JPEG 92", 2, 0.1, quality=92),
    Sensor("read 2, shot 0.1, JPEG 85", 2, 0.1, quality=85),
)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--photographs", type=int, default=12)
    parser.add_argument("--groups", type=int, default=3)
    parser.add_argument("--every", type=int, default=1, help="take every n-th picture")
    parser.add_argument("--from", type=int, default=0, dest="first")
    options = parser.parse_args()
    pictures = [
        path
        for folder in options.folders
        for path in sorted(folder.iterdir())[options.first :: options.every]
        if path.suffix.lower() in (".png", ".jpg", ".bmp")
    ]
    print("| camera | mean error | bias | nine of ten below | unaware |")
    print("| --- | --- | --- | --- | --- |")
    for sensor in SENSORS:
        errors, unaware = list[float](), list[float]()
        for group in range(options.groups):
            chosen = np.random.default_rng(100 + group).permutation(len(pictures))
            files = [pictures[number] for number in chosen[: options.photographs]]
            own, other = _errors(sensor, files, group)
            errors += own
            unaware += other
        away = np.abs(errors)
        print(
            f"| {sensor.name} | {away.mean():.3f} | {np.mean(errors):+.3f} "
            f"| {np.quantile(away, 0.9):.3f} | {np.abs(unaware).mean():.3f} |",
            flush=True,
        )


def _errors(sensor: Sensor, files: Sequence[Path], seed: int) -> tuple[list[float], list[float]]:
    """Relative errors at every level of every channel, and those without the model."""
    rng = np.random.default_rng(seed)
    pictures: list[NDArray[np.uint8]] = [
        np.asarray(cv2.imread(str(file)), np.uint8)[:, :, ::-1] for file in files
    ]
    photographs = [sensor.photograph(picture, rng) for picture in pictures]
    table = standard(LUMA, sensor.quality) if sensor.quality else None
    found = noise_by_level([blocks_of(photograph, table) for photograph in photographs])
    errors = [
        point.std / float(np.sqrt(sensor.variance(point.level, channel))) - 1
        for channel, points in enumerate(found.channels)
        for point in points
    ]
    return errors, list(_unaware(sensor, [blocks_of(one) for one in photographs]))


def _unaware(sensor: Sensor, photographs: Sequence[Blocks]) -> Iterator[float]:
    """The median of the calmest tenth of the blocks of a level."""
    for channel in range(3):
        level = np.concatenate([one.level[:, channel] for one in photographs])
        noise = np.concatenate([one.noise[:, channel] for one in photographs])
        for low in range(0, 256, BIN):
            inside = noise[(level >= low) & (level < low + BIN)]
            if len(inside) >= 20:
                calm = np.median(np.sort(inside)[: max(8, len(inside) // 10)])
                truth = float(sensor.variance(low + BIN / 2, channel))
                yield float(np.sqrt(calm / truth)) - 1


if __name__ == "__main__":
    main()
