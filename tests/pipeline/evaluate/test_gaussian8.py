"""Networks that are told kernels, at work: by files, and on LR of known blurs."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import zarr
from PIL import Image
from scipy.io import savemat
from typer.testing import CliRunner

from pairmill.flows.cli.main import app
from pairmill.models.archs import build
from pairmill.models.archs.layers import Network
from pairmill.models.archs.weights import write_weights
from pairmill.models.functional.imresize import imresize_up
from pairmill.models.metrics.psnr import psnr
from pairmill.pipeline.evaluate.gaussian8 import Gaussian8, degraded, kernel_of, widths
from pairmill.pipeline.evaluate.networks import (
    Told,
    Upscaler,
    bicubic,
    load,
    load_all,
    not_told,
)
from pairmill.pipeline.evaluate.told import components, told_by
from pairmill.schemas.errors import UserError
from pairmill.schemas.evaluation import InferenceConfig, NetworkView
from pairmill.schemas.network import NetworkSpec
from pairmill.schemas.networks.compact import CompactConfig
from tests.support.make import photograph, save
from tests.support.networks import TOLD, checkpoint, told_checkpoint

pytestmark = pytest.mark.usefixtures("one_torch_thread")


def test_the_widths_are_those_of_the_papers() -> None:
    assert widths(4) == pytest.approx([1.8, 2.0, 2.2, 2.4, 2.6, 2.8, 3.0, 3.2])
    assert widths(3) == pytest.approx([1.35, 1.5, 1.65, 1.8, 1.95, 2.1, 2.25, 2.4])
    assert (widths(2)[0], widths(2)[-1], len(widths(2))) == (0.8, 1.6, 8)
    with pytest.raises(UserError, match="scales 2, 3 and 4"):
        widths(8)


@pytest.mark.parametrize("scale", [2, 3])
def test_the_lr_is_what_the_kernel_makes(scale: int) -> None:
    """Away from the border, LR[i] = sum_u kernel[u] HR[s i + u - K // 2], rounded."""
    hr, width = photograph(5, 40 * scale, 36 * scale, noise=0), widths(scale)[3]
    lr, side = degraded(hr, scale, width), 10 * scale + 1
    kernel, rim = kernel_of(width, scale, side), side // 2
    for row, column in ((11, 12), (20, 23)):
        top, left = scale * row - rim, scale * column - rim
        part = hr[top : top + side, left : left + side].astype(float)
        exact = np.einsum("uv,uvc->c", kernel, part)
        assert np.abs(lr[row, column] - exact).max() < 0.51


class Finds(Network):
    """Finds something else with every step, and stops early where LR is bright."""

    def estimates(self, lr: torch.Tensor) -> list[Any]:
        up = torch.nn.functional.interpolate(lr, scale_factor=2)
        steps = 2 if lr.mean() > 0.9 else 3
        return [SimpleNamespace(sr=up * (0.7 + 0.1 * step)) for step in range(steps)]


def test_told_the_truth_is_the_diagonal(tmp_path: Path) -> None:
    images = [
        ("a", lambda: photograph(1, 40, 36, noise=0)),
        ("b", lambda: np.full_like(dark(), 250)),
    ]
    networks = [
        bicubic(2),
        load(told_checkpoint(tmp_path / "srmd.safetensors")),
        Upscaler(NetworkView(name="finds", arch="finds", scale=2), Finds(CompactConfig(), 2)),
    ]
    view = Gaussian8(networks, InferenceConfig()).measured(images)
    control, told, found = view.networks
    assert [row.kind for row in control.rows] == ["nothing"]
    expected = [
        min(psnr(imresize_up(degraded(read(), 2, view.widths[0]), 2), read(), 2, channel="y"), 100)
        for _, read in images
    ]
    assert control.rows[0].scores[0] == pytest.approx(np.mean(expected))
    assert [row.kind for row in told.rows] == ["true", *["width"] * 8, "usual"]
    true, *others, _ = told.rows
    assert true.scores == tuple(row.scores[at] for at, row in enumerate(others))
    assert len({row.scores for row in others}) == 8
    # The bright one has stopped after one correction, which stands for the next.
    assert [row.told for row in found.rows] == ["after 0", "after 1", "after 2"]
    assert found.rows[1].scores[0] < found.rows[2].scores[0]


def dark() -> Any:
    return photograph(1, 40, 36, noise=0)


def test_the_commands_tell_kernels(tmp_path: Path) -> None:
    net, other = (
        told_checkpoint(tmp_path / "srmd.safetensors"),
        checkpoint(tmp_path / "plain.safetensors"),
    )
    save(photograph(2, 62, 58, noise=0), tmp_path / "hr/one.png")
    save(photograph(3, 31, 29), tmp_path / "lr/one.png")
    np.save(tmp_path / "soft.npy", kernel_of(1.5, 2, 21))
    run, made = CliRunner(), {}
    lr = [str(tmp_path / "lr"), "--checkpoint"]
    for name, more in (
        ("usual", []),
        ("soft", ["--kernel", str(tmp_path / "soft.npy")]),
        ("noisy", ["--noise", "12"]),
    ):
        out = tmp_path / name
        done = run.invoke(app, ["upscale", *lr, net, "--out", str(out), *more])
        assert done.exit_code == 0, done.output
        made[name] = np.asarray(Image.open(out / "one.png"))
    assert not np.array_equal(made["usual"], made["soft"])
    assert not np.array_equal(made["usual"], made["noisy"])
    failed = run.invoke(app, ["upscale", *lr, other, "--noise", "3", "--out", str(tmp_path / "no")])
    assert isinstance(failed.exception, UserError | SystemExit)
    page = tmp_path / "page"
    arguments = ["--checkpoint", net, "--checkpoint", other, "--hr", str(tmp_path / "hr")]
    arguments += ["--out", str(page), "--gaussian8", "--kernel", str(tmp_path / "soft.npy")]
    done = run.invoke(app, ["evaluate", *arguments])
    assert done.exit_code == 0, done.output
    report = json.loads((page / "evaluation.json").read_text())
    assert "told the kernel of soft.npy" in report["networks"][1]["arch"]
    assert [len(one["rows"]) for one in report["gaussian8"]["networks"]] == [1, 10, 1]
    assert "What a wrong kernel costs" in (page / "index.html").read_text()
    assert "| srmd | the true kernel |" in (page / "table.md").read_text()
    # All of it is found again.
    before = (page / "table.md").read_text()
    assert run.invoke(app, ["evaluate", *arguments]).exit_code == 0
    assert (page / "table.md").read_text() == before


def test_files_that_are_no_kernels(tmp_path: Path) -> None:
    for name, values, said in (
        ("even", np.full((4, 4), 1 / 16), "odd side"),
        ("heavy", np.full((5, 5), 0.1), "sum 1"),
    ):
        np.save(tmp_path / f"{name}.npy", values)
        with pytest.raises(UserError, match=said):
            told_by(str(tmp_path / f"{name}.npy"), 0)
    (tmp_path / "text.npy").write_text("no")
    with pytest.raises(UserError, match=r"the file holds no array"):
        told_by(str(tmp_path / "text.npy"), 0)
    with pytest.raises(UserError, match="no such row"):
        told_by(f"{tmp_path}/pool.zarr:3", 0)
    (tmp_path / "x.mat").write_bytes(b"no")
    with pytest.raises(UserError, match=r"no \.mat"):
        components(str(tmp_path / "x.mat"))
    assert told_by("", 0) is None
    wide = np.zeros((31, 31))
    wide[0, 0] = wide[30, 30] = 0.25
    wide[16, 16] = 0.5
    np.save(tmp_path / "wide.npy", wide)
    told = told_by(str(tmp_path / "wide.npy"), 0)
    assert told is not None
    with pytest.raises(UserError, match="kernel_size: 31"):
        load(told_checkpoint(tmp_path / "net.safetensors")).telling(told)


def test_files_of_something_else_are_errors_that_say_so(tmp_path: Path) -> None:
    kernel = kernel_of(1.2, 2, 21)
    np.save(tmp_path / "words.npy", np.array([["a", "b"]]))
    np.save(tmp_path / "complex.npy", kernel * 1j)
    np.savez(tmp_path / "several.npz", kernel)
    (tmp_path / "zip.npy").write_bytes((tmp_path / "several.npz").read_bytes()[:60])
    for name in ("words.npy", "complex.npy", "several.npz", "zip.npy"):
        with pytest.raises(UserError, match=r"the file holds no array"):
            told_by(str(tmp_path / name), 0)
    savemat(tmp_path / "complex.mat", {"P": np.full((15, 225), 1j)})
    with pytest.raises(UserError, match="complex128"):
        components(str(tmp_path / "complex.mat"))
    pool = zarr.open_group(str(tmp_path / "pool.zarr"), mode="w")
    pool["kernel"] = np.stack([kernel, kernel_of(0.8, 2, 21)])
    found = told_by(f"{tmp_path}/pool.zarr:1", 0)
    assert found is not None
    assert found.kernel == pytest.approx(kernel_of(0.8, 2, 21))
    for row in ("-1", "2", "x"):
        with pytest.raises(UserError, match="no such row"):
            told_by(f"{tmp_path}/pool.zarr:{row}", 0)


def test_kernels_of_another_centre_are_refused_as_for_methods(tmp_path: Path) -> None:
    one, kernel = load(told_checkpoint(tmp_path / "net.safetensors")), kernel_of(1.2, 2, 21)
    assert one.telling(Told(kernel)).told is not None
    for wrong, said in (
        (kernel[::-1, ::-1], "to be flipped"),
        (kernel_of(1.2, 4, 21), "centred for x4"),
    ):
        with pytest.raises(UserError, match=said):
            one.telling(Told(np.ascontiguousarray(wrong)))


def test_what_nobody_takes_is_refused_and_what_some_do_not_take_is_noted(tmp_path: Path) -> None:
    files = [checkpoint(tmp_path / "plain.safetensors")]
    for name, config in (("srmd", TOLD), ("srmdnf", TOLD.with_(noise=False))):
        weights = build(config, 2, 1).state_dict()
        data = write_weights(weights, spec=NetworkSpec(network=config, scale=2))
        (tmp_path / f"{name}.safetensors").write_bytes(data)
        files.append(str(tmp_path / f"{name}.safetensors"))
    noise, both = Told(noise=5), Told(kernel_of(1.2, 2, 21), 5, "the kernel of k.npy")
    with pytest.raises(UserError, match="no network here is told kernels or noise"):
        load_all(files[:1], 2, both)
    with pytest.raises(UserError, match="no network here is told the noise"):
        load_all([files[0], files[2]], 2, noise)
    with pytest.raises(UserError, match="this network is not told the noise"):
        load(files[2]).telling(both)
    assert list(not_told(load_all(files, 2, both), both)) == [
        "plain was not told the kernel of k.npy and the noise, which it does not take.",
        "srmdnf was not told the noise, which it does not take.",
    ]
    assert list(not_told(load_all(files[1:2], 2, both), both)) == []
