"""`pairmill camera`: what it says and writes of simulated cameras, and of what is no photograph."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.ndimage
from PIL import Image, ImageDraw
from rich.console import Console

from pairmill.flows import terminal
from pairmill.flows.cli.camera import show_camera
from pairmill.models.functional.kernels import offset, second_moments
from pairmill.pipeline.camera_report.names import unique_names
from pairmill.pipeline.camera_report.read import read_files
from pairmill.schemas.camera_report import CameraReport
from pairmill.schemas.errors import InterruptError, UserError
from pairmill.schemas.groups import GroupSource
from pairmill.schemas.kernel import KernelReason
from tests.support.cameras import kernel_of, photograph_by, soft_corners, write_photographs_by
from tests.support.make import save, tree
from tests.support.paths import ROOT


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """All that is printed."""
    file = io.StringIO()
    console = Console(file=file, width=120, highlight=False, soft_wrap=True)
    monkeypatch.setattr(terminal, "out", console)
    monkeypatch.setattr(terminal, "err", console)
    return file


def look(*photographs: Path, **options: Any) -> CameraReport:
    given: dict[str, Any] = {
        "scale": 2,
        "clean": [],
        "group_by": "auto",
        "out": None,
        "as_json": False,
        "open_": False,
    }
    return show_camera([str(path) for path in photographs], **(given | options))


@pytest.fixture(scope="module")
def soft(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four photographs of a camera that blurs more along one diagonal."""
    kernel = kernel_of(2.0, 1.2, 0.6)
    folder = tmp_path_factory.mktemp("photos") / "soft"
    return write_photographs_by(folder, kernel, range(4), model="Phone 1")


@pytest.fixture(scope="module")
def written(soft: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[CameraReport, Path]:
    out = tmp_path_factory.mktemp("out") / "report"
    return look(soft, out=str(out)), out


def test_soft_corners_are_shown(tmp_path: Path, screen: io.StringIO) -> None:
    for seed in range(5):
        save(soft_corners(kernel_of(1.4), kernel_of(2.1), seed), tmp_path / f"in/{seed}.png")
    report = look(tmp_path / "in", out=str(tmp_path / "out"))
    blur = report.groups[0].blur
    assert blur is not None
    assert blur.field is not None
    widths = [part.width for part in blur.field.parts]
    assert min(widths[2], widths[6], widths[8]) / widths[4] == pytest.approx(1.5, abs=0.2)
    assert all(part.ratio.low < part.ratio.value < part.ratio.high for part in blur.field.parts)
    assert "times as wide (" in screen.getvalue()
    page = (tmp_path / "out/index.html").read_text()
    assert "Width over the field" in page
    assert page.count("--share:") >= 9
    # Three photographs do not say how it varies.
    few = look(*[tmp_path / f"in/{seed}.png" for seed in range(3)]).groups[0].blur
    assert few is not None
    assert few.field is None


def test_a_camera_is_described(soft: Path, screen: io.StringIO) -> None:
    found = look(soft).groups
    assert [group.name for group in found] == ["maker-phone-1"]
    assert found[0].source == GroupSource.EXIF
    blur, said = found[0].blur, screen.getvalue()
    assert blur is not None
    assert blur.width_hr.low < np.sqrt((2.0**2 + 1.2**2) / 2) < blur.width_hr.high
    assert blur.width_hr.value == pytest.approx(2 * blur.width.value)
    assert blur.error_of_many <= blur.error_of_twice <= blur.error
    assert found[0].accepted == 4
    noise = found[0].noise.green
    assert noise
    assert all(point.std == pytest.approx(2.0, rel=0.25) for point in noise)
    for text in ("4 photographs", "a Gaussian", "MTF50", "is expected to be off by", "no JPEG"):
        assert text in said
    assert blur.field is not None
    assert blur.field.told_by == 4
    assert [part.name for part in blur.field.parts][::4] == ["top left", "centre", "bottom right"]
    assert all(0.9 < part.ratio.value < 1.1 for part in blur.field.parts)
    assert "field    no difference that shows (±" in said
    assert "width over the field, px" in said
    assert said.rstrip().endswith("add --out FOLDER: a page, the kernels and all numbers")


def test_kernels_are_centred_and_turned_as_the_camera(written: tuple[CameraReport, Path]) -> None:
    report, out = written
    blur = report.groups[0].blur
    assert blur is not None
    names = [blur.kernel, *(one.kernel for one in report.groups[0].photographs)]
    assert names[1:] == [f"kernels/{number}.npy" for number in range(4)]
    truth = second_moments(kernel_of(2.0, 1.2, 0.6))
    for name in names:
        kernel = np.load(out / name)
        assert kernel.dtype == np.float64
        assert kernel.shape == (17, 17)
        assert kernel.sum() == pytest.approx(1, abs=1e-12)
        assert np.abs(offset(kernel, 2)).max() < 0.02
        moments = second_moments(kernel)
        assert np.sign(moments[0, 1]) == np.sign(truth[0, 1])
    assert moments == pytest.approx(truth, rel=0.3, abs=0.1)
    longest = np.degrees(0.5 * np.arctan2(2 * truth[0, 1], truth[1, 1] - truth[0, 0]))
    assert blur.direction == pytest.approx(longest % 180, abs=12)


def test_scale_3_and_4(soft: Path, tmp_path: Path) -> None:
    for scale, side in ((3, 25), (4, 33)):
        report = look(soft / "1.png", scale=scale, out=str(tmp_path / str(scale)))
        kernel = np.load(tmp_path / str(scale) / "kernels/1.npy")
        assert kernel.shape == (side, side) == (report.kernel_side,) * 2
        assert np.abs(offset(kernel, scale)).max() < 0.02


def test_the_json_is_the_report(
    soft: Path, written: tuple[CameraReport, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    report, out = written
    text = (out / "camera.json").read_text()
    assert CameraReport.model_validate_json(text) == report
    assert (json.loads(text)["kind"], json.loads(text)["format"]) == ("pairmill camera", 1)
    look(soft, as_json=True)
    assert capsys.readouterr().out == text


def test_the_page_is_one_file(written: tuple[CameraReport, Path]) -> None:
    page = (written[1] / "index.html").read_text()
    for text in ("What is uncertain", "MTF50", "maker-phone-1", "data:image/jpeg", "bicubic"):
        assert text in page
    assert 'src="' in page
    assert page.count('src="') == page.count('src="data:image/')


def test_again_gives_the_same_bytes_and_removes_only_its_own(
    soft: Path, written: tuple[CameraReport, Path], tmp_path: Path
) -> None:
    out = tmp_path / "report"
    out.mkdir()
    look(soft, out=str(out))
    assert tree(out) == tree(written[1])
    (out / "mine.txt").write_text("mine")
    look(soft / "0.png", soft / "1.png", out=str(out))
    assert sorted(tree(out)) == [
        "camera.json",
        "groups/maker-phone-1.npy",
        "index.html",
        "kernels/0.npy",
        "kernels/1.npy",
        "mine.txt",
    ]
    look(soft, out=str(out))
    assert tree(out, ["mine"]) == tree(written[1])


def test_a_foreign_folder_is_left_alone(soft: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    for place in (tmp_path, tmp_path / "thesis.tex"):
        with pytest.raises(UserError, match="holds something else already"):
            look(soft, out=str(place))
    with pytest.raises(UserError, match="folder of this machine"):
        look(soft, out="s3://bucket/x")
    assert list(tree(tmp_path)) == ["thesis.tex"]


def test_two_cameras_are_told_apart_by_exif_names_and_blur(tmp_path: Path) -> None:
    for name, wide, seeds in (("a", 0.8, range(4)), ("b", 2.0, range(4, 8))):
        write_photographs_by(tmp_path / name, kernel_of(wide), seeds, model=name)
        write_photographs_by(tmp_path / f"plain/{name}", kernel_of(wide), seeds)
    by_exif = look(tmp_path / "a", tmp_path / "b")
    assert [group.name for group in by_exif.groups] in (
        ["maker-a", "maker-b"],
        ["maker-b", "maker-a"],
    )
    by_names = look(tmp_path / "plain", group_by="names")
    assert {group.name for group in by_names.groups} == {"a", "b"}
    by_blur = look(tmp_path / "plain")
    assert [group.source for group in by_blur.groups] == [GroupSource.SPECTRA] * 2
    for group in by_blur.groups:
        assert len({Path(one.file).parent for one in group.photographs}) == 1
    together = look(tmp_path / "plain", group_by="one")
    assert [len(group.photographs) for group in together.groups] == [8]


def test_thirty_cameras_in_one_folder(tmp_path: Path) -> None:
    for number in range(30):
        write_photographs_by(
            tmp_path, kernel_of(1.2), range(number, number + 1), model=f"Model {number}"
        )
    report = look(tmp_path)
    assert [group.name for group in report.groups] == ["various"]
    said = " ".join(report.groups[0].uncertain)
    assert "30 cameras with fewer than 4 photographs each" in said


def test_names_contradict_exif(tmp_path: Path) -> None:
    for number in range(3):
        write_photographs_by(
            tmp_path / "phone", kernel_of(1.2), range(number, number + 1), model=f"M {number}"
        )
    report = look(tmp_path, group_by="names")
    assert report.groups[0].name == "phone"
    assert any("contradictory: 3 models" in text for text in report.groups[0].uncertain)


def test_flat_pictures_show_no_blur(tmp_path: Path, screen: io.StringIO) -> None:
    for number in range(3):
        save(np.full((80, 90, 3), 100 + number, np.uint8), tmp_path / f"{number}.png")
    report = look(tmp_path, out=str(tmp_path / "out"))
    group = report.groups[0]
    assert group.blur is None
    assert {one.reason for one in group.photographs} == {KernelReason.TOO_FLAT}
    assert "no photograph shows a blur" in screen.getvalue()
    assert sorted(tree(tmp_path / "out")) == ["camera.json", "index.html"]


def test_text_tells_nothing_of_the_camera_beside_it(soft: Path, tmp_path: Path) -> None:
    page = Image.new("RGB", (520, 400), "white")
    for top in range(0, 400, 12):
        ImageDraw.Draw(page).text(
            (3, top), "All work and no play makes Jack a dull boy " * 3, "black"
        )
    page.resize((260, 200), Image.Resampling.LANCZOS).save(tmp_path / "reduced.png")
    report = look(soft, tmp_path, group_by="one")
    group = report.groups[0]
    reasons = {one.name: one.reason for one in group.photographs}
    assert reasons["reduced"] == KernelReason.MISMATCH
    assert group.blur is not None
    assert group.blur.told_by == 4
    alone = look(soft).groups[0].blur
    assert alone is not None
    assert group.blur.width == alone.width
    assert look(tmp_path).groups[0].accepted == 0


def test_an_enlargement_is_named_by_its_ratio(tmp_path: Path) -> None:
    small = Image.fromarray(photograph_by(kernel_of(1.2), 0, 160, 208, noise=1.0))
    small.resize((312, 240), Image.Resampling.BICUBIC).save(tmp_path / "large.png")
    small.save(tmp_path / "own.png")
    [group] = look(tmp_path).groups
    words = {one.name: one.words for one in group.photographs}
    assert any("large seems to have been enlarged 1.5 times" in said for said in group.uncertain)
    assert "enlarged 1.5 times" in words["large"]
    assert "enlarged" not in words["own"]


def test_enlarged_photographs_are_said_to_be(tmp_path: Path, screen: io.StringIO) -> None:
    for seed in range(3):
        small = Image.fromarray(photograph_by(kernel_of(1.2), seed, 96, 128, noise=0.5))
        small.resize((512, 384), Image.Resampling.BICUBIC).save(tmp_path / f"{seed}.png")
    report = look(tmp_path)
    assert report.groups[0].accepted == 0
    assert {one.reason for one in report.groups[0].photographs} == {"enlarged"}
    assert "as if it had been enlarged" in " ".join(screen.getvalue().split())


def test_broken_files_are_named_with_their_reason(
    soft: Path, tmp_path: Path, screen: io.StringIO
) -> None:
    whole = (soft / "0.png").read_bytes()
    files = {
        "a.png": whole,
        "b.png": whole,
        "cut.png": whole[:5000],
        "empty.jpg": b"",
        "t.txt": b"x",
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    report = look(tmp_path)
    assert {Path(one.file).name for one in report.left_out} == {
        "b.png",
        "cut.png",
        "empty.jpg",
        "t.txt",
    }
    assert [one.name for one in report.groups[0].photographs] == ["a"]
    assert "there is only one" in screen.getvalue()
    assert screen.getvalue().count("left out:") == 4
    (tmp_path / "a.png").unlink()
    (tmp_path / "b.png").unlink()
    with pytest.raises(UserError, match="no file is a photograph that can be used"):
        look(tmp_path)


def test_nothing_to_look_at(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="the folder holds no file that counts"):
        look(tmp_path)
    with pytest.raises(UserError, match="nothing is called"):
        look(tmp_path / "gone")
    for wrong, text in (
        ({"scale": 5}, "scale"),
        ({"group_by": "x"}, "way to group"),
        ({"open_": True}, "no page"),
    ):
        with pytest.raises(UserError, match=text):
            look(tmp_path, **wrong)


def test_names_are_unique() -> None:
    urls = ["/a/x.jpg", "/b/X.png", "/b/x-2.png", "/c/x.jpg", "/d/.png", "s3://b/\x1b.jpg?key=1"]
    assert unique_names(urls) == {
        "/a/x.jpg": "x",
        "/b/X.png": "X-2",
        "/b/x-2.png": "x-2-2",
        "/c/x.jpg": "x-3",
        "/d/.png": ".png",
        "s3://b/\x1b.jpg?key=1": "\\x1b".replace("\\", "_"),
    }


def test_the_same_name_in_two_folders(soft: Path, tmp_path: Path) -> None:
    for folder, seed in (("one", 0), ("two", 1)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.png").write_bytes((soft / f"{seed}.png").read_bytes())
    report = look(tmp_path, out=str(tmp_path / "out"))
    assert [one.kernel for one in report.groups[0].photographs] == [
        "kernels/x.npy",
        "kernels/x-2.npy",
    ]
    assert (tmp_path / "out/kernels/x-2.npy").exists()


def test_clean_images_say_what_hr_looks_like(soft: Path, tmp_path: Path) -> None:
    for seed in range(2):
        save(photograph_by(kernel_of(0.8), 50 + seed, 150, 150, noise=0), tmp_path / f"{seed}.png")
    save(np.zeros((70, 50, 3), np.uint8), tmp_path / "small.png")
    without, report = look(soft), look(soft, clean=[str(tmp_path)])
    assert report.clean == 2
    assert [Path(one.file).name for one in report.left_out] == ["small.png"]
    first, second = without.groups[0].blur, report.groups[0].blur
    assert first is not None
    assert second is not None
    assert first.width != second.width


def test_jpeg_files_tell_their_quality(tmp_path: Path) -> None:
    write_photographs_by(tmp_path, kernel_of(1.2), range(2), suffix=".jpg")
    group = look(tmp_path).groups[0]
    assert group.compression.jpegs == 2
    assert group.compression.qualities == (92, 92)
    assert group.noise.by_luma
    assert {one.quality for one in group.photographs} == {92}


def test_an_interrupt_writes_nothing(
    soft: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pairmill.flows.cli.camera.examine", interrupted)
    with pytest.raises(InterruptError, match="nothing was written"):
        look(soft, out=str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_other_processes_read_the_same(soft: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pairmill.pipeline.camera_report import read

    files = read.files_of([str(soft / "0.png"), str(soft / "1.png")], "/", "FOLDER")
    here = read_files(files, [], 2)
    monkeypatch.setattr(read, "IN_THIS_PROCESS", 0)
    there = read_files(files, [], 2, workers=2)
    for one, other in zip(here, there, strict=True):
        assert isinstance(one, read.ReadPhotograph)
        assert isinstance(other, read.ReadPhotograph)
        assert one.record == other.record
        assert one.spectrum is not None
        assert other.spectrum is not None
        assert (one.spectrum.power == other.spectrum.power).all()


def test_the_lines_of_the_page_use_a_kernel(written: tuple[CameraReport, Path]) -> None:
    """LR of docs/how-to/camera.md lies over HR: a spot keeps its place."""
    text = (ROOT / "docs/how-to/camera.md").read_text("utf-8")
    code = text.split("```python\n")[1].split("```")[0].replace("DIR/kernels/IMG_000", "KERNEL")
    hr = np.zeros((60, 60, 3))
    hr[30:34, 20:24] = 100
    names: dict[str, Any] = {"np": np, "scipy": scipy, "hr": hr}
    exec(code.replace("KERNEL.npy", str(written[1] / "kernels/1.npy")), names)  # noqa: S102
    lr = names["lr"]
    assert lr.shape == (30, 30, 3)
    rows, columns = np.mgrid[:30, :30]
    weights = lr[:, :, 1] / lr[:, :, 1].sum()
    # The spot's centre is 31.5, 21.5 in HR, whose LR pixel i has its centre at 2 i + 0.5.
    assert (weights * rows).sum() == pytest.approx(15.5, abs=0.01)
    assert (weights * columns).sum() == pytest.approx(10.5, abs=0.01)
