"""Files of every encoding, read by the decoders of others: libraries, programs, FFmpeg."""

from __future__ import annotations

import importlib
import io
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pairmill.pipeline.images.decode import pixel_digest
from pairmill.pipeline.images.encode import SUFFIXES, encode
from pairmill.pipeline.shards.tar import ShardForm, ShardWriter, make_sample
from pairmill.schemas.sample import Box, SampleRecord
from pairmill.schemas.shard import Encoding
from tests.support.isolated import DIGEST, isolated
from tests.support.photographed import scene

Image8 = NDArray[np.uint8]
ENCODINGS: tuple[Encoding, ...] = get_args(Encoding)
PICTURES: dict[str, Image8] = {
    "photograph": scene(0)[:37, :31],
    "tile": scene(4)[:256, :256],
    "noise": np.random.default_rng(0).integers(0, 256, (50, 128, 3), np.uint8),
    "flat": np.full((31, 37, 3), (255, 0, 7), np.uint8),
    "pixel": np.full((1, 1, 3), (1, 2, 3), np.uint8),
    "row": scene(1)[7:8, :300],
    "column": scene(1)[:300, 7:8],
}
every_encoding = pytest.mark.parametrize("encoding", ENCODINGS)
png_alone = pytest.mark.parametrize(
    "encoding", [name for name in ENCODINGS if SUFFIXES[name] == "png"]
)


def check(read: Callable[[bytes], Any], encoding: Encoding) -> None:
    for picture in PICTURES.values():
        found = np.asarray(read(encode(picture, encoding)))
        np.testing.assert_array_equal(found, picture, strict=True)


def installed(name: str) -> Any:
    """A library; without it, the test is skipped."""
    try:
        return importlib.import_module(name)
    except (ImportError, RuntimeError) as error:  # also where torchvision is of another torch
        pytest.skip(f"needs {name}: {error}")


def program(name: str) -> str:
    """A program; without it, the test is skipped."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"needs {name}")
    return found


@every_encoding
def test_pillow(encoding: Encoding) -> None:
    def read(data: bytes) -> Image.Image:
        image = Image.open(io.BytesIO(data))
        assert image.mode == "RGB"
        assert not image.getexif()
        assert "icc_profile" not in image.info
        return image

    check(read, encoding)


@every_encoding
@pytest.mark.parametrize("flags", ["IMREAD_COLOR", "IMREAD_UNCHANGED"])  # of BasicSR, of KAIR
def test_opencv(encoding: Encoding, flags: str) -> None:
    cv2 = installed("cv2")

    def read(data: bytes) -> Any:
        return cv2.imdecode(np.frombuffer(data, np.uint8), getattr(cv2, flags))[..., ::-1]

    check(read, encoding)


@every_encoding
def test_imagecodecs(encoding: Encoding) -> None:
    codecs = installed("imagecodecs")
    if SUFFIXES[encoding] == "png":
        check(codecs.png_decode, encoding)
        check(codecs.spng_decode, encoding)
    else:
        check(codecs.webp_decode, encoding)


@png_alone
def test_pyspng(encoding: Encoding) -> None:
    check(installed("pyspng").load, encoding)


@every_encoding
def test_torchvision(encoding: Encoding) -> None:
    torch, library = installed("torch"), installed("torchvision.io")

    def read(data: bytes) -> Image8:
        tensor = library.decode_image(torch.frombuffer(bytearray(data), dtype=torch.uint8))
        return np.ascontiguousarray(tensor.numpy().transpose(1, 2, 0))

    check(read, encoding)


@every_encoding
@pytest.mark.parametrize("library", ["imageio.v3", "skimage.io"])
def test_imageio_and_scikit_image(encoding: Encoding, library: str, tmp_path: Path) -> None:
    read, place = installed(library).imread, tmp_path / f"picture.{SUFFIXES[encoding]}"

    def by_name(data: bytes) -> Any:
        place.write_bytes(data)
        return read(place)

    check(by_name, encoding)


@every_encoding
def test_ffmpeg(encoding: Encoding) -> None:
    av = installed("av")

    def read(data: bytes) -> Any:
        with av.open(io.BytesIO(data)) as container:
            frame = next(container.decode(video=0))
        return frame.to_ndarray(format="rgb24")

    check(read, encoding)


@png_alone
@pytest.mark.parametrize("name", ["pngcheck", "pngfix"])
def test_libpng_finds_no_fault(encoding: Encoding, name: str, tmp_path: Path) -> None:
    checker = program(name)
    for picture in PICTURES.values():
        place = tmp_path / "picture.png"
        place.write_bytes(encode(picture, encoding))
        done = subprocess.run([checker, place], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.startswith({"pngcheck": "OK:", "pngfix": "IDAT OK"}[name]), done.stdout


def by_pnm(command: list[str]) -> Callable[[bytes], Any]:
    """Read with a program that turns its input into PPM."""

    def read(data: bytes) -> Any:
        done = subprocess.run(command, input=data, capture_output=True)
        assert done.returncode == 0, done.stderr
        assert done.stderr == b""
        return Image.open(io.BytesIO(done.stdout)).convert("RGB")  # netpbm may find it grey

    return read


@png_alone
def test_netpbm(encoding: Encoding) -> None:
    check(by_pnm([program("pngtopnm")]), encoding)


@every_encoding
def test_imagemagick(encoding: Encoding) -> None:
    name = "magick" if shutil.which("magick") else "convert"
    version = subprocess.run([program(name), "-version"], capture_output=True, text=True).stdout
    if "ImageMagick" not in version:
        pytest.skip("needs ImageMagick")
    check(by_pnm([program(name), f"{SUFFIXES[encoding]}:-", "ppm:-"]), encoding)


@pytest.fixture
def shard(tmp_path: Path) -> Path:
    """A folder with a shard of some pairs of `small`; other tests read whole versions of `fast`."""
    with (tmp_path / "part.tar").open("wb") as file:
        writer = ShardWriter(file)
        for name, picture in sorted(PICTURES.items()):
            record = SampleRecord(
                key=name,
                image="1" * 64,
                box=Box(left=0, top=0, width=picture.shape[1], height=picture.shape[0]),
                scale=2,
                degrader="bicubic",
                program="{}",
                seed=0,
                hr_sha256="2" * 64,
                lr_sha256="3" * 64,
            )
            writer.write(make_sample(record, picture, picture[::-1], ShardForm("small")))
        writer.close()
    return tmp_path


DIGESTS = {
    name: [pixel_digest(picture), pixel_digest(picture[::-1])] for name, picture in PICTURES.items()
}


def test_webdataset_reads_webp(shard: Path, tmp_path: Path) -> None:
    code = """
import webdataset
rows = webdataset.WebDataset("part.tar", shardshuffle=False).decode("rgb8")
print({row["__key__"]: [digest(row["hr.webp"]), digest(row["lr.webp"])] for row in rows})
"""
    assert eval(isolated(DIGEST + code, shard, tmp_path)) == DIGESTS  # noqa: S307


def test_hugging_face_datasets_read_webp(shard: Path, tmp_path: Path) -> None:
    code = """
from datasets import load_dataset
rows = load_dataset("webdataset", data_files="part.tar", split="train")
assert {type(rows.features[name]).__name__ for name in ("hr.webp", "lr.webp")} == {"Image"}
print({row["__key__"]: [digest(row["hr.webp"]), digest(row["lr.webp"])] for row in rows})
"""
    found = isolated(DIGEST + code, shard, tmp_path).splitlines()[-1]
    assert eval(found) == DIGESTS  # noqa: S307
