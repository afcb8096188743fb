"""Evaluation: published rows of what needs no network, names and sizes that do not fit, and pages
that say what was found."""

from __future__ import annotations

import csv
import io
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from pairmill.flows.cli.evaluate import Sets, run_evaluate
from pairmill.models.functional.imresize import imresize_down, imresize_up
from pairmill.models.metrics.niqe import fit_niqe, write_parameters
from pairmill.models.metrics.psnr import psnr
from pairmill.models.metrics.ssim import ssim
from pairmill.pipeline.corpora.replay import read_table
from pairmill.pipeline.evaluate.measure import IDENTICAL, best
from pairmill.pipeline.evaluate.measure import means as over_common
from pairmill.pipeline.evaluate.networks import load, load_all
from pairmill.pipeline.evaluate.request import Request
from pairmill.pipeline.evaluate.run import evaluate, evaluate_on_corpus
from pairmill.pipeline.evaluate.tables import markdown
from pairmill.pipeline.images.decode import pixel_digest
from pairmill.pipeline.runner.execution import one_thread
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.errors import UserError
from pairmill.schemas.evaluation import (
    EvaluationConfig,
    EvaluationReport,
    InferenceConfig,
    MetricView,
    ScoreRow,
)
from tests.support.make import Tiny, photograph, save
from tests.support.networks import checkpoint

Pixels = NDArray[np.uint8]
SMALL = EvaluationConfig(inference=InferenceConfig(tile=24, overlap=4), shown=2)


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """HR, LR of scale 2 with other names, real images, and a checkpoint."""
    one_thread()
    folder = tmp_path_factory.mktemp("sets")
    for seed, size in enumerate([(75, 63), (62, 80)]):
        hr = photograph(seed, *size, noise=0)
        save(hr, folder / f"hr/{seed}_HR.png")
        save(imresize_down(hr, 2), folder / f"lr/{seed}_LR2.png")
    save(photograph(9, 37, 31), folder / "real/9.png")
    (folder / "real/notes.txt").write_text("no image")
    checkpoint(folder / "net.safetensors")
    return folder


def run(sets: Path, out: Path, *checkpoints: str, **fields: Any) -> EvaluationReport:
    request = Request(checkpoints, base=str(sets), **({"config": SMALL} | fields))
    return evaluate(request, Storage(str(sets / "workspace")), Storage(str(out)), "page")


def means(report: EvaluationReport, group: int, network: int) -> dict[str, float]:
    return report.groups[group].rows[network].scores


def test_the_control_is_what_numpy_says(sets: Path, tmp_path: Path) -> None:
    """Pairs from files, and LR made here, are the same; scores are those of the metrics, without a
    border of the scale."""
    report = run(sets, tmp_path, "bicubic", pairs=(("hr", "lr"),), hr=("hr",))
    assert report.border == report.scale == 2
    wanted = []
    for seed in range(2):
        hr, lr = (
            np.asarray(Image.open(sets / f"{name}.png"))
            for name in (f"hr/{seed}_HR", f"lr/{seed}_LR2")
        )
        sr, hr = imresize_up(lr, 2), hr[: 2 * lr.shape[0], : 2 * lr.shape[1]]
        wanted.append(
            [metric(sr, hr, 2, channel) for channel in ("y", "rgb") for metric in (psnr, ssim)]
        )
    for group in range(2):
        found = means(report, group, 0)
        assert list(found) == ["psnr_y", "ssim_y", "psnr_rgb", "ssim_rgb"]
        assert list(found.values()) == pytest.approx(np.mean(wanted, axis=0).tolist(), abs=1e-9)
    assert [group.name for group in report.groups] == ["hr", "hr (2)"]


def test_a_source_is_the_whole_image_though_its_rest_is_cut_off(sets: Path, tmp_path: Path) -> None:
    """75 x 63 and 62 x 80, of which a row and a column go at x2."""
    report = run(sets, tmp_path, "bicubic", pairs=(("hr", "lr"),), hr=("hr",), real=("real",))
    whole = [pixel_digest(np.asarray(Image.open(sets / f"hr/{seed}_HR.png"))) for seed in range(2)]
    assert [one.source for one in report.pictures] == [*whole, *whole, ""]


@pytest.mark.parametrize(("fields", "said"), [({"hr": ("hr",), "scale": 8}, "2, 3"), ({}, "HR")])
def test_a_protocol_that_cannot_be_followed_is_refused_before_all(
    sets: Path, tmp_path: Path, fields: dict[str, Any], said: str
) -> None:
    config = SMALL.with_(gaussian8=True, scale=fields.pop("scale", 2))
    with pytest.raises(UserError, match=said):
        run(sets, tmp_path, "bicubic", config=config, **{"real": ("real",)} | fields)
    assert not list(tmp_path.rglob("records/*"))


def test_what_is_too_small_to_be_reduced_is_left_out(sets: Path, tmp_path: Path) -> None:
    save(photograph(3, 60, 60, noise=0), tmp_path / "mixed/large.png")
    save(photograph(4, 60, 60, noise=0)[:1], tmp_path / "mixed/line.png")
    report = run(sets, tmp_path, str(sets / "net.safetensors"), hr=(str(tmp_path / "mixed"),))
    (lost,) = report.left_out
    assert (lost.name, lost.reason) == (
        "line.png",
        "The image is 60 x 1 and cannot be downscaled by 2.",
    )
    assert (report.groups[0].pictures, report.groups[0].total) == (1, 2)


def test_networks_side_by_side_and_all_that_is_written(sets: Path, tmp_path: Path) -> None:
    other = checkpoint(tmp_path / "train/run/checkpoints/best.safetensors", seed=1)
    report = run(
        sets,
        tmp_path,
        str(sets / "net.safetensors"),
        other,
        "bicubic",
        pairs=(("hr", "lr"),),
        real=("real",),
    )
    assert [one.name for one in report.networks] == ["bicubic", "net", "run/best"]
    assert [group.kind for group in report.groups] == ["pairs", "real"]
    assert means(report, 1, 1) == {}  # no HR, no NIQE
    assert [one.name for one in report.left_out] == ["notes.txt"]
    folder = tmp_path / "page"
    assert EvaluationReport.model_validate_json((folder / "evaluation.json").read_text()) == report
    rows = list(csv.DictReader(io.StringIO((folder / "scores.csv").read_text())))
    assert len(rows) == 3 * 3 + 2 * 3
    mean = next(row for row in rows if not row["picture"] and row["network"] == "net")
    assert float(mean["psnr_y"]) == pytest.approx(means(report, 0, 1)["psnr_y"], abs=1e-6)
    page = (folder / "index.html").read_text()
    pictures = set(re.findall(r'src="(img/[^"]+)"', page))
    assert pictures == {f"img/{path.name}" for path in (folder / "img").iterdir()}
    assert (
        len(pictures) == 2 * (1 + 2 * 3) + 3
    )  # HR, three networks and their differences; three of the real one
    for word in ("bicubic", "run/best", "notes.txt", f"{means(report, 0, 2)['ssim_rgb']:.4f}"):
        assert word in page


def test_the_best_is_set_off(sets: Path, tmp_path: Path) -> None:
    report = run(sets, tmp_path, str(sets / "net.safetensors"), hr=("hr",))
    table = markdown(report)
    for key, digits in (("psnr_y", 2), ("ssim_rgb", 4)):
        both = [means(report, 0, place)[key] for place in range(2)]
        assert f"**{max(both):.{digits}f}**" in table
        assert f"**{min(both):.{digits}f}**" not in table


def test_a_picture_equal_to_hr_has_a_number(sets: Path, tmp_path: Path) -> None:
    save(np.full((40, 44, 3), 90, np.uint8), tmp_path / "flat/a.png")
    report = run(
        sets, tmp_path, "bicubic", hr=(str(tmp_path / "flat"),), config=SMALL.with_(scale=4)
    )
    assert means(report, 0, 0)["psnr_y"] == IDENTICAL
    assert any(f"{IDENTICAL:g} dB" in note for note in report.notes)


def test_pictures_too_small_for_a_metric_count_for_the_others(sets: Path, tmp_path: Path) -> None:
    save(photograph(1, 8, 30), tmp_path / "small/a.png")
    report = run(sets, tmp_path, str(sets / "net.safetensors"), hr=(str(tmp_path / "small"),))
    assert set(means(report, 0, 1)) == {"psnr_y", "psnr_rgb"}


def test_a_corpus_has_a_row_per_degrader(tiny: Tiny, tmp_path: Path) -> None:
    network = checkpoint(tmp_path / "net.safetensors", tiny.recipe.scale)
    storage = Storage(str(tmp_path / "workspace"))
    (tmp_path / "workspace").mkdir()
    (tmp_path / "workspace/corpora").symlink_to(tiny.workspace / "corpora")
    report, page = evaluate_on_corpus(
        network, "tiny", storage, "check", split="train", config=SMALL.with_(limit=2)
    )
    rows = [row for row in read_table(tiny.storage, tiny.manifest) if row.split == "train"]
    degraders = sorted({row.degrader for row in rows})
    assert [group.name for group in report.groups] == [*degraders, "all degraders"]
    for group in report.groups[:-1]:
        assert group.total == sum(row.degrader == group.name for row in rows)
        assert group.pictures == min(2, group.total)
    assert report.groups[-1].pictures == len(report.pictures)
    own = [picture.rows[1].scores["psnr_y"] for picture in report.pictures]
    assert report.groups[-1].rows[1].scores["psnr_y"] == pytest.approx(sum(own) / len(own))
    assert "tiny@" in (tmp_path / "workspace" / page).read_text()


def test_means_of_networks_are_over_the_same_images(sets: Path, tmp_path: Path) -> None:
    """Bicubic keeps the second image flat, so that it has no NIQE there, a network does not: its
    mean leaves that image out too, and all tables say so."""
    row = np.concatenate([photograph(20 + seed, 384, 480) for seed in range(3)])
    (tmp_path / "niqe.npz").write_bytes(write_parameters(fit_niqe([row])))
    save(photograph(30, 99, 102), tmp_path / "photos/a.png")
    save(np.full((99, 102, 3), 90, np.uint8), tmp_path / "photos/flat.png")
    noisy = _noisy_network(tmp_path / "noisy.safetensors")
    report = run(
        sets, tmp_path, noisy, real=(str(tmp_path / "photos"),), niqe=str(tmp_path / "niqe.npz")
    )
    (group,), (one, flat) = report.groups, report.pictures
    assert ["niqe" in row.scores for row in flat.rows] == [False, True]
    assert (group.pictures, group.counts) == (2, {"niqe": 1})
    assert [row.scores for row in group.rows] == [row.scores for row in one.rows]
    values = [f"{row.scores['niqe']:.3f} (1 of 2)" for row in group.rows]
    page = (tmp_path / "page/index.html").read_text()
    for value in values:
        assert value in page
        assert value in markdown(report)
    assert any("NIQE has no value for some images (of 2: bicubic for 1)" in n for n in report.notes)
    assert '<td class="num">–</td>' in page


def _noisy_network(path: Path) -> str:
    """A network that makes a texture of what is flat: it adds a pattern within each block."""
    from pairmill.models.archs import build
    from pairmill.models.archs.weights import write_weights
    from pairmill.schemas.network import NetworkSpec
    from pairmill.schemas.networks.compact import CompactConfig

    spec = NetworkSpec(network=CompactConfig(features=8, blocks=1), scale=2)
    tensors = build(spec.network, 2, 3).state_dict()
    tensors["body.4.bias"] += torch.linspace(-0.2, 0.3, 12)
    path.write_bytes(write_weights(tensors, spec=spec))
    return str(path)


@pytest.mark.parametrize(
    ("values", "wanted", "counts"),
    [
        ([[1, 2], [3, 4]], [2, 3], 2),
        ([[11, 45], [None, 1200], [12, 45]], [11.5, 45], 2),
        ([[None, 4], [3, None]], [None, None], 0),
        ([[7], [None]], [7], 1),
    ],
)
def test_the_common_images(
    values: list[list[float | None]], wanted: list[float | None], counts: int
) -> None:
    rows = [
        [
            ScoreRow(network=str(place), scores={} if value is None else {"niqe": value})
            for place, value in enumerate(image)
        ]
        for image in values
    ]
    found, over = over_common(rows)
    assert [row.scores.get("niqe") for row in found] == wanted
    assert over == {"niqe": counts}


def test_niqe_of_parameters_that_were_fitted_here_or_come_from_a_file(
    sets: Path, tmp_path: Path
) -> None:
    for seed in range(3):
        save(photograph(20 + seed, 384, 480), tmp_path / f"pristine/{seed}.png")
    save(photograph(30, 99, 102), tmp_path / "photos/a.png")
    save(photograph(31, 20, 20), tmp_path / "photos/small.png")
    source = {"real": (str(tmp_path / "photos"),), "config": SMALL.with_(scale=2)}
    fitted = run(
        sets, tmp_path / "one", "bicubic", **source, pristine=(str(tmp_path / "pristine"),)
    )
    assert "fitted here to 3 pristine images" in fitted.metrics[-1].about
    assert means(fitted, 0, 0)["niqe"] > 0
    assert (
        "niqe"
        not in next(picture for picture in fitted.pictures if picture.name == "small.png")
        .rows[0]
        .scores
    )
    again = run(
        sets, tmp_path / "two", "bicubic", **source, niqe=str(tmp_path / "one/page/niqe.npz")
    )
    assert means(again, 0, 0) == means(fitted, 0, 0)
    assert "niqe.npz" in again.metrics[-1].about
    for report in (fitted, again):
        (note,) = (note for note in report.notes if "sharp blocks" in note)
        assert re.match(r"NIQE's parameters are of \d\d sharp blocks .* Below 180 ", note)


def test_what_is_too_uncertain_has_no_best() -> None:
    rows = [ScoreRow(network=str(place), scores={"niqe": 71.5 - place}) for place in range(2)]
    metric = MetricView(key="niqe", label="NIQE", better="lower", digits=3, about="")
    assert best(rows, metric) == 70.5
    assert best(rows, metric.with_(ranked=False)) is None


def test_lpips_of_weights_from_files(sets: Path, tmp_path: Path) -> None:
    """AlexNet of two channels, whose layers all see a little: equal images are at 0, others are
    not."""
    import torch

    channels, trunk, linear = 3, {}, {}
    for stage, (place, side) in enumerate([(0, 11), (3, 5), (6, 3), (8, 3), (10, 3)]):
        trunk[f"features.{place}.weight"] = torch.linspace(
            -1, 1, 2 * channels * side * side
        ).reshape(2, channels, side, side)
        trunk[f"features.{place}.bias"] = torch.ones(2)
        linear[f"lin{stage}.model.1.weight"] = torch.ones(1, 2, 1, 1)
        channels = 2
    torch.save(trunk, tmp_path / "alex.pth")
    torch.save(linear, tmp_path / "lin.pth")
    files = (str(tmp_path / "alex.pth"), str(tmp_path / "lin.pth"))
    save(np.full((40, 44, 3), 90, np.uint8), tmp_path / "flat/a.png")
    report = run(
        sets,
        tmp_path,
        str(sets / "net.safetensors"),
        hr=("hr", str(tmp_path / "flat")),
        lpips=files,
    )
    assert means(report, 0, 0)["lpips"] > 0
    assert means(report, 1, 0)["lpips"] == 0
    assert "AlexNet" in report.metrics[-1].about
    assert "lin.pth" in report.metrics[-1].about


def test_the_command_prints_the_table_and_the_page(
    sets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = {
        "inference": InferenceConfig(tile=24).model_dump(),
        "scale": None,
        "limit": 1,
        "shown": 1,
    }

    def command(more: list[str]) -> EvaluationReport:
        named = Sets([str(sets / "hr")], more, [], "val", [str(sets / "real")])
        nets = [str(sets / "net.safetensors")]
        return run_evaluate(
            nets, named, str(tmp_path), out=None, config=options, more={}, open_=False
        )

    report = command([str(sets / "lr")])
    said = capsys.readouterr().out
    assert f"{report.groups[0].name}: 1 of 2 images, x2, border 2" in said
    for row in report.groups[0].rows:
        line = next(line for line in said.splitlines() if line.startswith(f"{row.network} "))
        assert line.split()[1:3] == [f"{row.scores['psnr_y']:.2f}", f"{row.scores['ssim_y']:.4f}"]
    page = re.search(r"page +(\S+)", said)
    assert page
    assert "<!DOCTYPE html>" in Path(page[1]).read_text()
    assert page[1] == f"{tmp_path}/runs/evaluate/net-hr-real/index.html"
    shutil.copytree(sets / "lr", tmp_path / "other/LR")
    several = command([str(sets / "lr"), str(tmp_path / "other/LR")])
    assert [group.name for group in several.groups][1:] == ["other", report.groups[1].name]
    assert several.groups[0].rows == report.groups[0].rows == several.groups[1].rows
    named = Sets(["a", "b"], ["a"], [], "val", [])
    with pytest.raises(UserError, match="do not pair up"):
        run_evaluate([], named, str(tmp_path), out=None, config=options, more={}, open_=False)


def test_the_command_does_not_name_each_of_many_files_left_out(
    sets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(photograph(3), tmp_path / "real/good.png")
    for number in range(12):
        (tmp_path / f"real/{number:02}.png").write_bytes(b"")
    named = Sets([], [], [], "val", [str(tmp_path / "real")])
    report = run_evaluate(
        [str(sets / "net.safetensors")],
        named,
        str(tmp_path),
        out=None,
        config=SMALL.model_dump(),
        more={},
        open_=False,
    )
    said = capsys.readouterr().out
    assert len(report.left_out) == 12
    assert said.count("left out: ") == 10
    assert f"and 2 more; the page names each\n       2  {report.left_out[0].reason}\n" in said


def _named(folder: Path, names: list[str], side: int = 40) -> str:
    for seed, name in enumerate(names):
        save(photograph(seed, side, side), folder / name)
    return str(folder)


Build = Callable[[Path, Path], dict[str, Any]]
WRONG: dict[str, tuple[Build, str]] = {
    "nothing to evaluate on": (lambda *_: {}, "nothing to evaluate on"),
    "no scale": (
        lambda *_: {"checkpoints": ("bicubic",), "real": ("real",)},
        "the scale is unknown",
    ),
    "pairs of another scale": (
        lambda _s, t: {"pairs": (("hr", _named(t / "lr", ["0.png", "1.png"], 20)),)},
        r"scale",
    ),
    "two scales of checkpoints": (
        lambda s, t: {
            "checkpoints": (str(s / "net.safetensors"), checkpoint(t / "x4.pt", 4)),
            "hr": ("hr",),
        },
        "scales differ",
    ),
    "a scale that is said and another": (
        lambda *_: {"hr": ("hr",), "config": SMALL.with_(scale=4)},
        "scales differ",
    ),
    "names that do not match": (
        lambda _s, t: {"pairs": (("hr", _named(t / "lr", ["0.png", "7.png"])),)},
        "only in --hr: 1_HR.png",
    ),
    "two of one name": (
        lambda _s, t: {"pairs": ((_named(t / "h", ["a_HR.png", "a.png"]), "lr"),)},
        "same name",
    ),
    "an empty folder": (lambda _s, t: {"hr": (str(_empty(t / "none")),)}, "No images found"),
    "images that are none": (
        lambda _s, t: {"real": (str(_text(t / "text")),)},
        "no image could be evaluated",
    ),
    "not a checkpoint": (
        lambda *_: {"checkpoints": ("lost.pth",), "hr": ("hr",)},
        "there is no such checkpoint",
    ),
    "an unknown network": (
        lambda _s, t: {"checkpoints": (_foreign(t / "f.pth"),), "hr": ("hr",)},
        "not recognised",
    ),
    "no corpus": (lambda *_: {"corpora": (("lost", "val"),)}, "no corpus"),
    "no such weights of LPIPS": (
        lambda s, _t: {"hr": ("hr",), "lpips": (str(s / "net.safetensors"),)},
        "not LPIPS weights",
    ),
    "no such parameters of NIQE": (
        lambda s, _t: {"hr": ("hr",), "niqe": str(s / "net.safetensors")},
        "not NIQE parameters",
    ),
    "too little to fit NIQE": (lambda *_: {"hr": ("hr",), "pristine": ("hr",)}, "cannot be fitted"),
    "two places for NIQE": (
        lambda *_: {"hr": ("hr",), "pristine": ("hr",), "niqe": "a.npz"},
        "one source",
    ),
}


def _empty(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _text(folder: Path) -> Path:
    _empty(folder).joinpath("a.png").write_text("no image")
    return folder


def _foreign(path: Path) -> str:
    import torch

    torch.save({"conv.weight": torch.zeros(3, 3, 5, 5)}, path)
    return str(path)


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_evaluated(sets: Path, tmp_path: Path, what: str) -> None:
    make, said = WRONG[what]
    fields = {"checkpoints": (str(sets / "net.safetensors"),)} | make(sets, tmp_path)
    checkpoints = fields.pop("checkpoints")
    with pytest.raises(UserError, match=said):
        run(sets, tmp_path, *checkpoints, **fields)
    assert not (tmp_path / "page").exists()


def test_one_pair_of_another_size_is_named(sets: Path, tmp_path: Path) -> None:
    lr = _named(tmp_path / "lr", ["0.png", "1.png"], 31)
    hr = _named(tmp_path / "hr", ["0.png", "1.png"], 62)
    save(photograph(3, 31, 33), tmp_path / "lr/1.png")
    with pytest.raises(UserError, match="not of scale 2") as caught:
        run(sets, tmp_path, str(sets / "net.safetensors"), pairs=((hr, lr),))
    assert "hr/1.png" in caught.value.where
    assert "HR 62 x 62, LR 33 x 31" in caught.value.got


def test_networks_of_two_ranges_are_mixed_as_one(tmp_path: Path) -> None:
    """The same SwinIR with white as 1 and as 255: whatever lies between is that network."""
    from pairmill.models.archs import build
    from pairmill.models.archs.weights import write_for_others, write_weights
    from pairmill.schemas.network import NetworkSpec
    from tests.support.networks import SWIN

    spec = NetworkSpec(network=SWIN.with_(range=255.0), scale=2)
    tensors = build(spec.network, 2, 3).state_dict()
    one, other = tmp_path / "one.safetensors", tmp_path / "other.safetensors"
    one.write_bytes(write_weights(tensors, spec=spec))
    other.write_bytes(write_for_others(tensors, spec))
    assert load(str(other)).network.config.range == 1  # type: ignore[union-attr]
    mixed = load(str(one), (str(other), 0.5)).network
    assert mixed is not None
    for key, value in mixed.state_dict().items():
        torch.testing.assert_close(value, tensors[key])


def test_names_of_networks_differ(sets: Path, tmp_path: Path) -> None:
    names = [checkpoint(tmp_path / f"{name}.safetensors") for name in ("a/net", "b/net", "bicubic")]
    assert [one.name for one in load_all(names, None)] == ["bicubic", "net", "net-2", "bicubic-2"]
