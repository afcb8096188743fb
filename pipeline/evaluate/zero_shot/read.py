"""What is known of images before they are upscaled: their sizes, and how they were compressed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

from pairmill.pipeline.compression.mine import JPEG, of_file
from pairmill.pipeline.evaluate.any_size import ANY_SIZE, read_any
from pairmill.pipeline.evaluate.outputs import Job
from pairmill.pipeline.evaluate.zero_shot.kernels import Seen
from pairmill.pipeline.images.decode import ImageRejected, decode, pixel_digest, read_image


def read_sizes(jobs: Sequence[Job]) -> list[tuple[int, int]]:
    """Heights and widths of those that can be read."""
    found = []
    for job in jobs:
        with suppress(ImageRejected):
            found.append(read_any(job.source).shape[:2])
    return found


def read_with_compression(jobs: Sequence[Job]) -> Iterator[Seen]:
    """Pixels of those that can be read, and what the tables of JPEG files say, one at a time."""
    for job in jobs:
        found = list[Seen]()
        with suppress(ImageRejected):
            data = read_image(job.source)
            pixels, container, _ = decode(data, ANY_SIZE)
            coded = of_file(data, pixel_digest(pixels)) if container in JPEG else None
            found.append((pixels, coded))
        yield from found
