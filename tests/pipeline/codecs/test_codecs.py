"""Codecs against independent arithmetic, against each other, and in bad company."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, features
from scipy.fft import dctn, idctn

from pairmill.models.functional.jpeg import ZIGZAG, tables_of
from pairmill.pipeline.codecs.builds import builds
from pairmill.pipeline.codecs.jpeg import Subsampling, encode, roundtrip, roundtrip_quality
from pairmill.pipeline.codecs.stills import avif, jpeg_xl, webp
from pairmill.pipeline.codecs.video import CODERS, Codec, moved, video
from pairmill.schemas.errors import UserError
from tests.support.make import photograph
from tests.support.paths import ROOT

Image8 = NDArray[np.uint8]
PILLOW = {"444": 0, "422": 1, "420": 2}


def psnr(first: NDArray[np.generic], second: NDArray[np.generic]) -> float:
    return float(10 * np.log10(255**2 / max(1e-9, np.square(first.astype(float) - second).mean())))


def by_pillow(image: Image8, quality: int, subsampling: str) -> Image8:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality, subsampling=PILLOW[subsampling])
    with Image.open(file) as decoded:
        return np.array(decoded)


def by_cosines(grey: Image8, table: tuple[int, ...], phase: tuple[int, int]) -> Image8:
    """JPEG of one plane by the book, in float64: T.81, A.3."""
    padded = np.pad(grey.astype(float), ((phase[0], 0), (phase[1], 0)), "symmetric")
    padded = np.pad(padded, [(0, -length % 8) for length in padded.shape], "edge") - 128
    out, steps = np.empty_like(padded), np.reshape(table, (8, 8))
    for top in range(0, padded.shape[0], 8):
        for left in range(0, padded.shape[1], 8):
            block = np.s_[top : top + 8, left : left + 8]
            ratio = np.round(dctn(padded[block], norm="ortho") / steps, 9)
            halves_away_from_zero = np.trunc(ratio + np.copysign(0.5, ratio))
            out[block] = idctn(halves_away_from_zero * steps, norm="ortho")
    kept = out[phase[0] :, phase[1] :][: grey.shape[0], : grey.shape[1]]
    return np.clip(np.rint(kept + 128), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("phase", [(0, 0), (3, 5)])
def test_jpeg_of_grey_against_cosines(phase: tuple[int, int]) -> None:
    """An image of which no coefficient lies so nearly between two steps that libjpeg's fixed point
    rounds the other way."""
    grey = photograph(30)[..., 1]
    made = roundtrip_quality(np.dstack([grey] * 3), 30, "444", phase)
    wanted = by_cosines(grey, tables_of(30)[0], phase).astype(int)
    assert (made == made[..., :1]).all()
    assert np.abs(made[..., 0] - wanted).max() <= 1


@pytest.mark.parametrize("phase", [(0, 0), (3, 5), (15, 9)])
@pytest.mark.parametrize("quality", [10, 30, 60, 80])
def test_every_coefficient_goes_to_the_nearest_step(quality: int, phase: tuple[int, int]) -> None:
    """The cosine transform of the result lies on the multiples of the table, each the nearest to
    what the image had."""
    grey = (photograph(quality, 69, 61)[..., 1] // 2 + 60).astype(np.uint8)
    made = roundtrip_quality(np.dstack([grey] * 3), quality, "444", phase)[..., 0]
    steps = np.reshape(tables_of(quality)[0], (8, 8))
    blocks = [
        (top, left) for top in range(-phase[0] % 8, 62, 8) for left in range(-phase[1] % 8, 54, 8)
    ]
    assert len(blocks) >= 42
    for top, left in blocks:
        had, got = (
            dctn(plane[top : top + 8, left : left + 8] - 128.0, norm="ortho")
            for plane in (grey, made)
        )
        nearest = np.rint(got / steps) * steps
        assert (
            np.abs(idctn(nearest, norm="ortho") + 128 - made[top : top + 8, left : left + 8]).max()
            <= 1
        )
        assert (
            np.abs(nearest - had) <= steps / 2 + 0.15
        ).all()  # libjpeg's transform is good to an eighth or so


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    quality=st.integers(1, 100),
    subsampling=st.sampled_from(["444", "422", "420"]),
    rows=st.integers(0, 15),
    columns=st.integers(0, 15),
    seed=st.integers(0, 99),
)
def test_both_paths_give_the_same_pixels(
    height: int,
    width: int,
    quality: int,
    subsampling: Subsampling,
    rows: int,
    columns: int,
    seed: int,
) -> None:
    """OpenCV by quality, Pillow by tables, and Pillow all by itself."""
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    made = roundtrip_quality(image, quality, subsampling, (rows, columns))
    assert made.shape == image.shape
    assert np.array_equal(made, roundtrip(image, tables_of(quality), subsampling, (rows, columns)))
    assert np.array_equal(
        roundtrip_quality(image, quality, subsampling), by_pillow(image, quality, subsampling)
    )


def test_tables_go_in_and_come_out_in_natural_order() -> None:
    tables = (range(1, 65), range(101, 165))
    data = encode(photograph(1), tables, "422")
    with Image.open(io.BytesIO(data)) as image:
        written = image.quantization  # type: ignore[attr-defined]
        assert [list(table) for table in written.values()] == [list(table) for table in tables]
        assert [(h, v) for _, h, v, _ in image.layer] == [(2, 1), (1, 1), (1, 1)]  # type: ignore[attr-defined]
    segment = data.index(b"\xff\xdb\x00\x43\x00") + 5  # in the file they lie in zigzag order
    assert list(data[segment : segment + 64]) == [tables[0][place] for place in ZIGZAG]


def test_an_asymmetric_table_blurs_the_direction_that_it_says() -> None:
    """Coarse steps for horizontal frequencies, row 0 of the table, destroy vertical stripes and
    leave horizontal ones."""
    table = [255 if place % 8 else 1 for place in range(64)]
    stripes = np.repeat(
        ((np.arange(32) // 2 % 2) * 40 + 100).astype(np.uint8)[None, :, None], 32, 0
    ).repeat(3, 2)
    lying = np.ascontiguousarray(stripes.transpose(1, 0, 2))
    assert np.abs(roundtrip(stripes, (table, table), "444").astype(int) - stripes).mean() > 15
    assert np.abs(roundtrip(lying, (table, table), "444").astype(int) - lying).max() <= 2


@pytest.mark.parametrize("phase", [(0, 0), (3, 5), (8, 1), (13, 15)])
def test_the_grid_lies_where_the_phase_says(phase: tuple[int, int]) -> None:
    """On a slope, a coarse JPEG keeps little but the mean of each block: it jumps between
    blocks."""
    rows, columns = np.mgrid[:120, :104]
    slope = np.repeat((40 + 0.7 * rows + 0.8 * columns)[..., None], 3, axis=2).astype(np.uint8)
    made = roundtrip_quality(slope, 8, "444", phase)[..., 0].astype(int)
    for axis in (0, 1):
        jumps = np.abs(np.diff(made, axis=axis)).mean(
            axis=1 - axis
        )  # jumps[i] lies before sample i + 1
        by_place = [
            jumps[(np.arange(1, len(jumps) + 1) + phase[axis]) % 8 == place].mean()
            for place in range(8)
        ]
        assert int(np.argmax(by_place)) == 0
        assert by_place[0] > 1.5 * max(by_place[1:])


@pytest.mark.parametrize(
    "tables",
    [
        ([1] * 63, [1] * 64),
        ([1] * 64, [0] + [1] * 63),
        ([256] + [1] * 63, [1] * 64),
        ([1] * 64,),
        ([1] * 64,) * 3,
    ],
)
def test_tables_that_baseline_cannot_hold(tables: tuple[list[int], list[int]]) -> None:
    with pytest.raises(ValueError, match=r"two tables of 64 steps in 1\.\.255"):
        roundtrip(photograph(1), tables)


def test_a_second_jpeg_on_the_same_grid_changes_less() -> None:
    """Why the phase matters: quantising twice with the same steps is nearly idempotent, on a
    shifted grid it is not."""
    first = roundtrip_quality(photograph(2, 64, 64), 40, "444")
    same, shifted = (roundtrip_quality(first, 40, "444", phase) for phase in ((0, 0), (4, 4)))
    assert psnr(same, first) > psnr(shifted, first) + 6


STILLS: dict[str, Callable[[Image8], Image8]] = {
    "jpeg": lambda image: roundtrip_quality(image, 70),
    "tables": lambda image: roundtrip(image, tables_of(40), "422", (7, 3)),
    "webp": lambda image: webp(image, 70),
    "avif": lambda image: avif(image, 70),
    "avif 444": lambda image: avif(image, 70, "444"),
    "jpeg xl": lambda image: jpeg_xl(image, 1.5),
}
VIDEOS: dict[str, Callable[[Image8], Image8]] = {
    f"{codec} {frames}": lambda image, codec=codec, frames=frames: video(
        image, codec, 30, frames, (1, -2)
    )  # type: ignore[misc]
    for codec in CODERS
    for frames in (1, 3)
}


@pytest.mark.parametrize("name", [*STILLS, *VIDEOS])
def test_two_threads_give_the_same_bytes(name: str) -> None:
    images = [photograph(seed, 67, 71) for seed in range(4)]
    code = (STILLS | VIDEOS)[name]
    alone = [code(image) for image in images]
    with ThreadPoolExecutor(2) as threads:
        together = list(threads.map(code, images))
    assert [image.tobytes() for image in alone] == [image.tobytes() for image in together]
    assert all(
        not np.array_equal(image, before) for image, before in zip(alone, images, strict=True)
    )


@pytest.mark.parametrize("name", [*STILLS, *VIDEOS])
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (3, 2), (8, 8), (65, 1)])
def test_tiny_images(name: str, shape: tuple[int, int]) -> None:
    image = np.full((*shape, 3), (200, 90, 30), np.uint8)
    made = (STILLS | VIDEOS)[name](image)
    assert (made.shape, made.flags.writeable) == (image.shape, True)
    assert made.dtype == np.uint8
    assert np.abs(made.astype(int) - image).max() <= 9


@pytest.mark.parametrize("codec", CODERS)
@pytest.mark.parametrize("level", [0, 128, 255])
def test_greys_survive_video(codec: Codec, level: int) -> None:
    grey = np.full((37, 31, 3), level, np.uint8)
    assert np.abs(video(grey, codec, 5).astype(int) - level).max() <= 2


@pytest.mark.parametrize("codec", CODERS)
@pytest.mark.parametrize(
    "colour", [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (200, 90, 30)]
)
def test_colours_survive_video(codec: Codec, colour: tuple[int, int, int]) -> None:
    """A wrong matrix moves saturated colours by 10 levels and more."""
    assert (
        np.abs(video(np.full((37, 31, 3), colour, np.uint8), codec, 5).astype(int) - colour).max()
        <= 4
    )


def test_what_is_behind_by_hand() -> None:
    image = photograph(1)
    for back in ((0, 0), (2, -3), (-1, 4), (37, -31)):
        made = moved(image, back)
        for y in range(37):
            for x in range(31):
                source = [(y + back[0]) % 74, (x + back[1]) % 62]
                row, column = min(source[0], 73 - source[0]), min(source[1], 61 - source[1])
                assert (made[y, x] == image[row, column]).all()


@pytest.mark.parametrize("codec", CODERS)
def test_frames_before_the_last_matter(codec: Codec) -> None:
    """A frame is predicted from the one before it, so that what remains of it depends on the
    motion."""
    image = photograph(6, 64, 64)
    made = [
        video(image, codec, 30, frames, motion)
        for frames, motion in ((1, (0, 0)), (3, (2, 1)), (3, (-4, 9)))
    ]
    assert len({picture.tobytes() for picture in made}) == 3
    assert all(psnr(picture, image) > 26 for picture in made)


def test_crf_0_of_three_video_codecs_loses_only_colour() -> None:
    grey = np.dstack([photograph(7, 64, 64)[..., 0]] * 3)
    for codec in ("h264", "vp9", "av1"):
        assert (
            np.abs(video(grey, codec, 0).astype(int) - grey).max() <= 1
        )  # the levels 16..235 are fewer
    assert psnr(video(grey, "hevc", 0), grey) > 45


def test_nothing_reaches_the_terminal() -> None:
    code = (
        "import numpy as np\nfrom pairmill.pipeline.codecs.video import video\nfrom "
        "pairmill.pipeline.codecs import stills, jpeg\n"
        "image = np.random.Generator(np.random.Philox(1)).integers(0, 256, (37, 31, 3), "
        "dtype=np.uint8)\n"
        "for codec in ('h264', 'hevc', 'vp9', 'av1'):\n"
        "    for crf in (0, 51):\n        video(image, codec, crf, 2, (1, 1))\n"
        "stills.webp(image, 1), stills.avif(image, 1), stills.jpeg_xl(image, 25.0)\n"
        "jpeg.roundtrip_quality(image, 1), jpeg.roundtrip(image, ([255] * 64, [255] * 64))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("module", "use"),
    [
        ("av", lambda: video(photograph(1), "h264", 30)),
        ("imagecodecs", lambda: jpeg_xl(photograph(1), 1.0)),
    ],
)
def test_a_missing_library_is_named(
    module: str, use: Callable[[], Image8], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UserError) as caught:
        use()
    assert module in caught.value.got
    assert caught.value.todo == "pip install 'pairmill[codecs]'"
    assert module not in builds()


def test_a_pillow_without_avif_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "check", lambda _: False)
    with pytest.raises(UserError, match="AVIF needs a Pillow"):
        avif(photograph(1), 50)
    assert builds(["avif"]) == {}


def test_builds_name_what_is_at_work() -> None:
    everything = builds()
    assert {
        "libjpeg-turbo (opencv)",
        "libjpeg-turbo (pillow)",
        "libwebp",
        "libavif",
        "libjxl",
        "ffmpeg",
        "av",
    } <= set(everything)
    assert all(text[0].isdigit() for text in everything.values()), everything
    assert list(everything) == sorted(everything)
    assert builds(["jpeg", "inject"]) == {
        key: everything[key] for key in ("libjpeg-turbo (opencv)", "opencv")
    }
    assert builds([]) == {}
    assert everything["opencv"] == cv2.__version__


def test_builds_import_only_what_is_asked() -> None:
    code = (
        "import sys\nfrom pairmill.pipeline.codecs.builds import builds\nbuilds(['jpeg'])\n"
        "print(*sorted({'av', 'imagecodecs', 'PIL'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []
