"""Encodings of shards and what else could be one: speed of writing and reading on one core, and
bytes per pixel.

    python -m benchmarks.bench_encoders                      # the bundled photos
    python -m benchmarks.bench_encoders FOLDER [FOLDER ...]  # yours
"""

from __future__ import annotations

import argparse
import io
import struct
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.common import Row, best_by_turns, row, save
from pairmill.flows.cli.demo import collect
from pairmill.pipeline.images.decode import decode as decode_photo
from pairmill.pipeline.images.encode import decode, decode_png, encode
from pairmill.pipeline.runner.execution import one_thread
from pairmill.schemas.image import IngestConfig
from pairmill.schemas.shard import Encoding

Image8 = NDArray[np.uint8]
Encoder = Callable[[Image8], bytes | bytearray]
Decoder = Callable[[Any], Any]
OURS: tuple[Encoding, ...] = ("fast", "small", "opencv")


@dataclass(frozen=True)
class Candidate:
    """A way to store an image."""

    name: str
    encode: Encoder
    decode: Decoder


def tiles(folders: list[Path], count: int, side: int = 256) -> list[Image8]:
    """HR tiles of the photographs in some folders, or of the bundled ones; spread evenly over all
    tiles that they have.
    """
    with tempfile.TemporaryDirectory() as bundled:
        if not folders:
            collect(Path(bundled))
        every = [tile for folder in folders or [Path(bundled)] for tile in _tiles_of(folder, side)]
    return [every[number * len(every) // count] for number in range(min(count, len(every)))]


def _tiles_of(folder: Path, side: int) -> Iterator[Image8]:
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in (".png", ".jpg", ".jpeg"):
            image, _, _ = decode_photo(path.read_bytes(), IngestConfig())
            for top in range(0, image.shape[0] - side + 1, side):
                for left in range(0, image.shape[1] - side + 1, side):
                    yield np.ascontiguousarray(image[top : top + side, left : left + side])


def halved(image: Image8) -> Image8:
    """An LR tile."""
    height, width = image.shape[:2]
    return np.asarray(
        cv2.resize(image, (width // 2, height // 2), interpolation=cv2.INTER_AREA), np.uint8
    )


def candidates() -> list[Candidate]:
    """The encodings, and what else is installed."""
    found = [Candidate(name, partial(encode, encoding=name), decode) for name in OURS]
    found += [
        Candidate("fast, read by OpenCV", partial(encode, encoding="fast"), decode_png),
        Candidate("fast, read by Pillow", partial(encode, encoding="fast"), _by_pillow),
        Candidate("opencv, read by OpenCV", partial(encode, encoding="opencv"), decode_png),
        Candidate("OpenCV, level 1", _opencv_level_1, decode_png),
        Candidate("Pillow", _pillow("PNG"), _by_pillow),
        Candidate("Pillow, optimised", _pillow("PNG", optimize=True), _by_pillow),
        Candidate("small, read by Pillow", partial(encode, encoding="small"), _by_pillow),
        Candidate("WebP, method 1", _pillow("WEBP", lossless=True, method=1, quality=0), decode),
        Candidate("WebP, method 4", _pillow("WEBP", lossless=True, method=4, quality=0), decode),
    ]
    try:
        from isal import isal_zlib

        found.append(Candidate("Up and isal, level 1", _up(isal_zlib.compress), decode))
    except ImportError:
        pass
    try:
        import pyspng

        found.append(
            Candidate("fast, read by pyspng", partial(encode, encoding="fast"), pyspng.load)
        )
    except ImportError:
        pass
    return found + _of_imagecodecs()


def _of_imagecodecs() -> list[Candidate]:
    try:
        import imagecodecs
    except ImportError:
        return []
    decode_jxl = partial(imagecodecs.jpegxl_decode, numthreads=1)
    found = [
        Candidate(
            "fast, read by libspng", partial(encode, encoding="fast"), imagecodecs.spng_decode
        ),
        Candidate("QOI", imagecodecs.qoi_encode, imagecodecs.qoi_decode),
        Candidate("JPEG-LS", imagecodecs.jpegls_encode, imagecodecs.jpegls_decode),
    ]
    for effort in (1, 2, 3):
        make = partial(imagecodecs.jpegxl_encode, lossless=True, effort=effort, numthreads=1)
        found.append(Candidate(f"JPEG XL, effort {effort}", make, decode_jxl))
    return found


def _opencv_level_1(image: Image8) -> bytes:
    options = [cv2.IMWRITE_PNG_COMPRESSION, 1]
    return bytes(cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)[1])


def _pillow(form: str, **options: Any) -> Encoder:
    def make(image: Image8) -> bytes:
        file = io.BytesIO()
        Image.fromarray(image).save(file, form, **options)
        return file.getvalue()

    return make


def _by_pillow(data: bytes) -> Image8:
    return np.asarray(Image.open(io.BytesIO(data)))


def _up(compress: Callable[[Any, int], bytes]) -> Encoder:
    """PNG with filter Up in all rows but the first, and another deflate."""

    def make(image: Image8) -> bytes:
        height, width, _ = image.shape
        rows = np.empty((height, 1 + 3 * width), np.uint8)
        flat = image.reshape(height, 3 * width)
        rows[0, 0], rows[1:, 0], rows[0, 1:] = 0, 2, flat[0]
        np.subtract(flat[1:], flat[:-1], out=rows[1:, 1:])
        head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
        parts = {b"IHDR": head, b"IDAT": compress(rows, 1), b"IEND": b""}
        chunks = [
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
            for name, data in parts.items()
        ]
        return b"".join([b"\x89PNG\r\n\x1a\n", *chunks])

    return make


def measure(candidate: Candidate, images: list[Image8], repeats: int) -> dict[str, float]:
    """MP/s of writing and of reading, bytes per pixel, and the share of images that come back
    equal.
    """
    files = [candidate.encode(image) for image in images]
    kept = sum(
        np.array_equal(candidate.decode(data), image)
        for data, image in zip(files, images, strict=True)
    )
    write = _processor_time(lambda: [candidate.encode(image) for image in images], repeats)
    read = _processor_time(lambda: [candidate.decode(data) for data in files], repeats)
    pixels = sum(image.shape[0] * image.shape[1] for image in images)
    return {
        "encode MP/s": round(pixels / write / 1e6, 1),
        "decode MP/s": round(pixels / read / 1e6, 1),
        "bytes/px": round(sum(map(len, files)) / pixels, 3),
        "kept": kept / len(images),
    }


def _processor_time(work: Callable[[], Any], repeats: int) -> float:
    """Least of some calls, in seconds: on one thread, what else the machine does counts little."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def table(high: list[Image8], repeats: int) -> list[Row]:
    """All candidates on HR tiles and on LR tiles of half their side."""
    low = [halved(image) for image in high]
    return [
        {
            "encoding": candidate.name,
            **{f"HR {name}": value for name, value in measure(candidate, high, repeats).items()},
            **{f"LR {name}": value for name, value in measure(candidate, low, repeats).items()},
        }
        for candidate in candidates()
    ]


def run(quick: bool) -> list[Row]:
    """What the default encoding must be worth, against OpenCV; HR tiles of the bundled photos."""
    one_thread()
    images = tiles([], 16 if quick else 48)
    fast, small, before = (
        [encode(image, encoding) for image in images] for encoding in ("fast", "small", "opencv")
    )
    ours, theirs, read, read_before = best_by_turns(
        lambda: None,
        lambda: [encode(image, "fast") for image in images],
        lambda: [encode(image, "opencv") for image in images],
        lambda: [decode(data) for data in fast],
        lambda: [decode_png(data) for data in before],
    )
    pixels = sum(image.shape[0] * image.shape[1] for image in images) / 1e6
    size = sum(map(len, small)) / sum(map(len, before))
    return [
        row(
            "encoding HR tiles, fast",
            "encoding by OpenCV",
            theirs / ours,
            ">= 5",
            reached=theirs >= 5 * ours,
            detail=f"{pixels / ours:.0f} MP/s, OpenCV {pixels / theirs:.0f}",
        ),
        row(
            "decoding HR tiles, fast",
            "decoding OpenCV's by OpenCV",
            read_before / read,
            ">= 1.5",
            reached=read_before >= 1.5 * read,
            detail=f"{pixels / read:.0f} MP/s, OpenCV {pixels / read_before:.0f}",
        ),
        row(
            "bytes of HR tiles, small",
            "bytes by OpenCV",
            size,
            "<= 0.85",
            reached=size <= 0.85,
            detail=f"fast: {sum(map(len, fast)) / sum(map(len, before)):.2f}",
        ),
    ]


def main() -> None:
    """Measure all candidates; print and save the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--tiles", type=int, default=48)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--name", default="encoders", help="name of the result file")
    arguments = parser.parse_args()
    one_thread()
    high = tiles(arguments.folders, arguments.tiles)
    rows = table(high, arguments.repeats)
    names = list(rows[0])
    print(f"{names[0]:<24}", *(f"{name:>15}" for name in names[1:]))
    for item in rows:
        print(f"{item['encoding']:<24}", *(f"{item[name]:>15}" for name in names[1:]))
    print(f"{len(high)} tiles; saved {save(rows, arguments.name)}")


if __name__ == "__main__":
    main()
