"""Upscaled files: the network's pixels under stable names, finished ones found, broken ones listed,
in bounded memory."""

from __future__ import annotations

import io
import math
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pairmill.flows.cli.upscale import mixed, run_upscale
from pairmill.models.archs.weights import load_network
from pairmill.models.inference.tiled import upscale
from pairmill.pipeline.evaluate.networks import Upscaler, load
from pairmill.pipeline.evaluate.outputs import jobs_of
from pairmill.pipeline.evaluate.png_rows import PngRows, notes
from pairmill.pipeline.evaluate.upscale import NOTE, upscale_files
from pairmill.pipeline.runner.execution import one_thread
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.errors import UserError
from pairmill.schemas.evaluation import InferenceConfig, UpscaleReport
from tests.support.make import photograph, save
from tests.support.networks import checkpoint

Pixels = NDArray[np.uint8]
OPTIONS = {"tile": 24, "overlap": 4, "ensemble": False, "device": "cpu", "precision": "float32"}
CONFIG = InferenceConfig(tile=24, overlap=4)


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> str:
    one_thread()
    return checkpoint(tmp_path_factory.mktemp("net") / "net.safetensors")


def pixels(path: Path) -> Pixels:
    with Image.open(path) as image:
        assert image.mode == "RGB"
        return np.asarray(image)


def run(
    net: str, folder: Path, config: InferenceConfig = CONFIG, out: str = "out"
) -> UpscaleReport:
    return upscale_files(
        load(net),
        jobs_of([str(folder / "in")], "/", str(folder / out)),
        Storage(str(folder / out)),
        config,
    )


def test_files_hold_what_the_network_makes_of_upright_8_bit_srgb(net: str, tmp_path: Path) -> None:
    """Plain, 1 x 1, 16 bit, grey, turned by EXIF, and with opaque alpha."""
    photo = photograph(1, 37, 31)
    turned = Image.Exif()
    turned[0x0112] = 6
    save(photo, tmp_path / "in/plain.png")
    save(photo[:1, :1], tmp_path / "in/one.png")
    Image.fromarray(photo[:, :, 0].astype(np.uint16) * 257).save(tmp_path / "in/deep.png")
    Image.fromarray(photo).save(tmp_path / "in/turned.png", exif=turned)
    Image.fromarray(np.dstack([photo, np.full((37, 31), 255, np.uint8)])).save(
        tmp_path / "in/alpha.png"
    )
    report = run(net, tmp_path)
    network = load_network(Path(net).read_bytes(), "net")
    grey = photo[:, :, :1].repeat(3, 2)
    wanted = {
        "plain": photo,
        "one": photo[:1, :1],
        "deep": grey,
        "turned": np.rot90(photo, -1),
        "alpha": photo,
    }
    assert [image.output for image in report.images] == sorted(f"{name}.png" for name in wanted)
    for name, lr in wanted.items():
        made = pixels(tmp_path / f"out/{name}.png")
        assert np.array_equal(
            made, upscale(network, np.ascontiguousarray(lr), tile=24, overlap=4)
        ), name
    assert {image.output: image.conversions for image in report.images}["turned.png"] == (
        "exif-rotated",
    )


def test_finished_files_are_found_and_others_made_again(net: str, tmp_path: Path) -> None:
    for seed in range(3):
        save(photograph(seed), tmp_path / f"in/{seed}.png")
    assert run(net, tmp_path).found == 0
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("*.png")}
    again = run(net, tmp_path)
    assert (again.found, len(again.images)) == (3, 3)
    assert all(image.panes for image in again.images)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    save(photograph(7), tmp_path / "in/1.png")  # another image of that name
    (tmp_path / "out/2.png").write_bytes(b"cut")
    assert run(net, tmp_path).found == 1
    assert run(net, tmp_path).found == 3
    other = checkpoint(tmp_path / "other/net.safetensors", seed=5)
    assert run(other, tmp_path).found == 0
    assert run(other, tmp_path, CONFIG.with_(ensemble=True)).found == 0
    assert run(other, tmp_path, CONFIG.with_(ensemble=True, device="auto")).found == 3
    key = notes((tmp_path / "out/0.png").read_bytes())[NOTE]
    (tmp_path / f"out/look/records/{key[:32]}.json").write_text("{}")
    assert run(other, tmp_path, CONFIG.with_(ensemble=True)).found == 3


def test_a_run_that_is_stopped_leaves_whole_files_only(
    net: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(3):
        save(photograph(seed, 60, 50), tmp_path / f"in/{seed}.png")
    strips, seen = Upscaler.strips, list[int]()

    def stopping(self: Upscaler, *args: Any) -> Any:
        seen.append(1)
        for strip in strips(self, *args):
            yield strip
            if len(seen) == 2:
                raise KeyboardInterrupt

    monkeypatch.setattr(Upscaler, "strips", stopping)
    with pytest.raises(KeyboardInterrupt):
        run(net, tmp_path)
    assert [path.name for path in (tmp_path / "out").iterdir() if path.is_file()] == ["0.png"]
    monkeypatch.undo()
    report = run(net, tmp_path)
    assert (report.found, len(report.images)) == (1, 3)
    clean = run(net, tmp_path, out="clean")
    for image in clean.images:
        assert (tmp_path / "out" / image.output).read_bytes() == (
            tmp_path / "clean" / image.output
        ).read_bytes()


def test_names_keep_folders_and_differ(tmp_path: Path) -> None:
    for name in (
        "in/a.png",
        "in/a.jpg",
        "in/deep/b.PNG",
        "in/c.tiff",
        "other/c.png",
        "in/out/old.png",
    ):
        save(photograph(1), tmp_path / name)
    jobs = jobs_of(["in", "other/c.png", "in/**/*.PNG"], str(tmp_path), str(tmp_path / "in/out"))
    names = {job.source.removeprefix(f"{tmp_path}/"): job.output for job in jobs}
    assert names == {
        "in/a.jpg": "a-jpg.png",
        "in/a.png": "a-png.png",
        "in/deep/b.PNG": "deep/b.png",
        "in/c.tiff": "c-tiff.png",
        "other/c.png": "c-png.png",
    }
    with pytest.raises(UserError, match="output folder"):
        jobs_of(["in/out"], str(tmp_path), str(tmp_path / "in"))


def test_the_command_goes_on_after_broken_files_and_says_so(
    net: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(photograph(1), tmp_path / "in/fine.png")
    (tmp_path / "in/broken.png").write_bytes((tmp_path / "in/fine.png").read_bytes()[:300])
    Image.fromarray(np.dstack([photograph(1), np.full((37, 31), 9, np.uint8)])).save(
        tmp_path / "in/glass.png"
    )
    with pytest.raises(SystemExit) as left:
        run_upscale([str(tmp_path / "in")], net, str(tmp_path / "out"), "", OPTIONS)
    assert left.value.code == 1
    said = capsys.readouterr().out
    assert "3 files: 1 made, 2 left out" in said
    assert "least opacity is 9" in said
    assert pixels(tmp_path / "out/fine.png").shape == (74, 62, 3)
    page = (tmp_path / "out/look/index.html").read_text()
    assert "broken.png" in page
    assert "fine.png" in page


def test_the_command_does_not_name_each_of_many_broken_files(
    net: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in").mkdir()
    for number in range(25):
        (tmp_path / f"in/{number:02}.png").write_bytes(b"")
    with pytest.raises(SystemExit):
        run_upscale([str(tmp_path / "in")], net, str(tmp_path / "out"), "", OPTIONS)
    said = capsys.readouterr().out
    assert said.count("left out: ") == 10
    assert "and 15 more; the page names each" in said
    assert "25 files: 0 made, 25 left out" in said
    assert all(
        f"{number:02}.png" in (tmp_path / "out/look/index.html").read_text() for number in range(25)
    )


def test_between_two_checkpoints(net: str, tmp_path: Path) -> None:
    other = checkpoint(tmp_path / "gan.safetensors", seed=3)
    save(photograph(1), tmp_path / "in/a.png")
    outs = [
        run_upscale(
            [str(tmp_path / "in")],
            net,
            str(tmp_path / name),
            f"{other}:{alpha}" if name else "",
            OPTIONS,
        )
        for name, alpha in (("zero", 0), ("half", 0.5), ("one", 1))
    ]
    zero, half, one = (
        pixels(tmp_path / f"{name}/a.png").astype(int) for name in ("zero", "half", "one")
    )
    assert np.array_equal(
        zero, upscale(load_network(Path(net).read_bytes(), ""), photograph(1), tile=24, overlap=4)
    )
    assert not np.array_equal(half, zero)
    assert not np.array_equal(half, one)
    assert outs[1] is not None
    assert outs[1].network.name == "net+0.5·gan"
    with pytest.raises(UserError, match="different shapes") as caught:
        load(net, (checkpoint(tmp_path / "wide.safetensors", features=6), 0.5))
    assert "wide.safetensors" in caught.value.where
    assert mixed("s3://b/gan.pth:0.25") == ("s3://b/gan.pth", 0.25)
    for wrong in ("gan.pth", "gan.pth:", ":0.5", "gan.pth:much", "gan.pth:nan"):
        with pytest.raises(UserError, match="--interpolate"):
            mixed(wrong)


@pytest.mark.parametrize(
    ("option", "value"), [("tile", -1), ("overlap", -1), ("device", "gpu"), ("precision", "int8")]
)
def test_options_out_of_bounds(net: str, tmp_path: Path, option: str, value: Any) -> None:
    save(photograph(1), tmp_path / "in/a.png")
    with pytest.raises(UserError, match=f"--{option}"):
        run_upscale(
            [str(tmp_path / "in")], net, str(tmp_path / "out"), "", OPTIONS | {option: value}
        )


@pytest.mark.parametrize(
    ("scale", "noise"), [(math.inf, 0.0), (math.nan, 0.0), (-2.0, 0.0), (None, math.nan)]
)
def test_numbers_that_are_none(net: str, tmp_path: Path, scale: float | None, noise: float) -> None:
    with pytest.raises(UserError, match="has an invalid value") as caught:
        run_upscale(["a.png"], net, str(tmp_path), "", OPTIONS, scale, told=("", noise))
    assert caught.value.where == ("--noise" if scale is None else "--scale")


@pytest.mark.parametrize(("times", "warned"), [(120.4, True), (0.6, False)])
def test_a_precision_that_is_slow_here_is_warned_of_first(
    net: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    times: float,
    warned: bool,
) -> None:
    """On a processor without units for it, bfloat16 took more than a hundred times as long."""
    monkeypatch.setattr("pairmill.models.device.slowdown", lambda *_: times)
    save(photograph(1), tmp_path / "in/a.png")
    options = OPTIONS | {"precision": "bfloat16"}
    run_upscale([str(tmp_path / "in")], net, str(tmp_path / "out"), "", options)
    said = " ".join(capsys.readouterr().out.split())
    assert ("! bfloat16 takes about 120 times as long as float32 here" in said) == warned
    assert said.index("net compact") > said.find("! bfloat16")


@pytest.mark.parametrize("size", [(1, 1), (37, 31), (3, 700)])
def test_png_in_rows_is_the_picture(size: tuple[int, int]) -> None:
    image, file = photograph(2, *size), io.BytesIO()
    writer = PngRows(file, size[1], size[0], {"key": "value", "other": ""})
    for start in range(0, size[0], 5):
        writer.write(image[start : start + 5])
    writer.close()
    with Image.open(io.BytesIO(file.getvalue())) as read:
        read.verify()
    with Image.open(io.BytesIO(file.getvalue())) as read:
        assert np.array_equal(np.asarray(read), image)
        assert read.info["key"] == "value"
    assert notes(file.getvalue()[:200]) == {"key": "value", "other": ""}
    assert notes(file.getvalue()[:20]) == notes(b"") == notes(b"text") == {}


def test_png_rows_that_do_not_fit() -> None:
    writer = PngRows(io.BytesIO(), 4, 3, {})
    with pytest.raises(ValueError, match="at most 3 rows"):
        writer.write(np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(ValueError, match="3 rows are missing"):
        writer.close()


def test_a_wide_picture_takes_little_memory(tmp_path: Path) -> None:
    """20,000 x 200 pixels of 12 MB, ten rows at a time."""
    tracemalloc.start()
    with (tmp_path / "wide.png").open("wb") as file:
        writer, rows = PngRows(file, 20_000, 200, {}), np.zeros((10, 20_000, 3), np.uint8)
        for _ in range(20):
            writer.write(rows)
        writer.close()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 25e6  # whole, in int16 and as often as the filter needs it, it would be 100


def test_a_table_of_attributions_beside_the_images_is_none(net: str, tmp_path: Path) -> None:
    save(photograph(1, 37, 31), tmp_path / "in/a.png")
    (tmp_path / "in/attribution.csv").write_text("file,licence\na.png,CC0-1.0\n")
    report = run(net, tmp_path)
    assert [image.output for image in report.images] == ["a.png"]
    assert not report.left_out
