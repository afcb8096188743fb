"""How many copies of real images curation finds, and how many pairs of other images it takes
for copies.

`python -m benchmarks.curation_accuracy FOLDER...` with folders of images that are no copies of
one another.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.curation.align import NONE, Agreement, agreement, overlay, whole
from pairmill.pipeline.curation.candidates import by_hash, by_keypoints
from pairmill.pipeline.curation.keypoints import Grey, Keypoints, grey_of, keypoints, whole_hash
from pairmill.pipeline.rng import stream
from pairmill.pipeline.runner.execution import one_thread
from pairmill.schemas.curation import AlikeConfig

Image = NDArray[np.uint8]
Copy = Callable[[Image, np.random.Generator], Image]


def resized(image: Image, factor: float) -> Image:
    size = max(64, round(image.shape[1] * factor)), max(64, round(image.shape[0] * factor))
    return np.asarray(
        cv2.resize(image, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC),
        np.uint8,
    )


def recompressed(image: Image, quality: int) -> Image:
    data = cv2.imencode(".jpg", image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(
        cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB), np.uint8
    )


def cropped(image: Image, share: float, rng: np.random.Generator) -> Image:
    height, width = (max(64, round(side * share)) for side in image.shape[:2])
    top, left = (
        rng.integers(0, image.shape[0] - height + 1),
        rng.integers(0, image.shape[1] - width + 1),
    )
    return image[top : top + height, left : left + width]


def brighter(image: Image) -> Image:
    return np.clip(255 * (image / 255.0) ** 0.7 * 1.05, 0, 255).astype(np.uint8)


def noisy(image: Image, rng: np.random.Generator) -> Image:
    return np.clip(image + rng.standard_normal(image.shape) * 15, 0, 255).astype(np.uint8)


COPIES: dict[str, Copy] = {
    "JPEG, quality 75": lambda image, _: recompressed(image, 75),
    "JPEG, quality 20": lambda image, _: recompressed(image, 20),
    "sides x 0.5": lambda image, _: resized(image, 0.5),
    "sides x 0.25": lambda image, _: resized(image, 0.25),
    "sides x 1.7": lambda image, _: resized(image, 1.7),
    "crop, 70 % of the sides": lambda image, rng: cropped(image, 0.7, rng),
    "crop, 50 % of the sides": lambda image, rng: cropped(image, 0.5, rng),
    "crop, 30 % of the sides": lambda image, rng: cropped(image, 0.3, rng),
    "crop, 20 % of the sides": lambda image, rng: cropped(image, 0.2, rng),
    "crop 50 %, then x 0.6, then JPEG 50": lambda image, rng: recompressed(
        resized(cropped(image, 0.5, rng), 0.6), 50
    ),
    "brighter (gamma 0.7), JPEG 60": lambda image, _: recompressed(brighter(image), 60),
    "grey": lambda image, _: np.repeat(grey_of(image)[..., None], 3, axis=2),
    "noise of 15 grey levels": noisy,
    "turned by 90 degrees": lambda image, _: np.asarray(np.rot90(image), np.uint8),
}


def compared(first: Grey, second: Grey, a: Keypoints, b: Keypoints) -> Agreement:
    found = overlay(a, b) or whole(first.shape, second.shape)
    return agreement(first, second, found) if found else NONE


def main(folders: list[str]) -> None:
    one_thread()
    files = sorted(path for folder in folders for path in Path(folder).iterdir())
    originals = [
        np.asarray(cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB), np.uint8)
        for file in files
    ]
    rng, count = stream("curation accuracy"), len(originals)
    made = {
        name: [np.ascontiguousarray(copy(image, rng)) for image in originals]
        for name, copy in COPIES.items()
    }
    greys = [grey_of(image) for images in (originals, *made.values()) for image in images]
    started = time.process_time()
    points = [keypoints(grey) for grey in greys]
    each = (time.process_time() - started) / len(greys)
    picture = np.repeat(np.arange(len(points)), [len(found.codes) for found in points])
    started = time.process_time()
    pairs = {
        tuple(p)
        for p in by_keypoints(np.concatenate([found.codes for found in points]), picture).tolist()
    }
    pairs |= {tuple(p) for p in by_hash([whole_hash(grey) for grey in greys]).tolist()}
    search = time.process_time() - started
    limits, correlations = AlikeConfig(), dict[tuple[int, int], float]()
    for a, b in sorted(pairs):
        if a < count:  # of an original and any other image
            seen = compared(greys[a], greys[b], points[a], points[b])
            correlations[a, b] = seen.correlation if seen.overlap >= limits.min_overlap else 0.0
    false = {pair: value for pair, value in correlations.items() if pair[0] != pair[1] % count}
    print(
        f"{count} images and {len(greys) - count} copies of them; {1000 * each:.0f} ms an "
        f"image, search {search:.1f} s"
    )
    print("\n| copy | found | correlation, least of those found |\n|---|---|---|")
    for number, name in enumerate(COPIES, 1):
        found = [
            value
            for n in range(count)
            if (value := correlations.get((n, number * count + n), 0)) >= limits.min_correlation
        ]
        print(
            f"| {name} | {len(found)} of {count} ({len(found) / count:.1%}) | "
            f"{min(found, default=0):.2f} |"
        )
    total = count * (count - 1) // 2 + count * (count - 1) * len(COPIES)
    wrong = sum(value >= limits.min_correlation for value in false.values())
    print(
        f"\n{total:,} pairs of an original and an image of another: {len(false):,} compared, "
        f"{wrong} taken for copies, "
        f"highest correlation {max(false.values(), default=0):.2f}"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
