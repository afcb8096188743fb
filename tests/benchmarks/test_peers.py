"""What pairmill is compared with: chains and scripts give LR of the right size and kind."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from benchmarks import common, peers
from benchmarks.peer_bsrgan import Blur, blur_kernel, bsrgan, by_opencv, by_scipy
from benchmarks.peer_jpeg import jpeg
from benchmarks.peer_realesrgan import any_kernel, filtered, realesrgan, sinc
from benchmarks.peer_scripts import SIDE


@pytest.fixture(scope="module")
def tiles() -> NDArray[np.uint8]:
    """Three smooth tiles."""
    noise = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)
    return np.stack([cv2.resize(tile, (SIDE, SIDE)) for tile in noise])


@pytest.mark.parametrize("blur", [by_scipy, by_opencv])
def test_bsrgan_gives_lr_of_the_right_size(tiles: NDArray[np.uint8], blur: Blur) -> None:
    small = tiles[0, :64, :96]
    for seed in range(12):  # halving, kernels and all orders
        lr = bsrgan(small, np.random.default_rng(seed), 4, blur)
        assert lr.dtype == np.uint8
        assert lr.shape == (16, 24, 3)


def test_both_convolutions_are_the_same(tiles: NDArray[np.uint8]) -> None:
    image = tiles[0, :37, :31].astype(np.float32)
    kernel = blur_kernel(np.random.default_rng(1), 4)
    assert kernel.sum() == pytest.approx(1)
    assert np.abs(by_scipy(image, kernel) - by_opencv(image, kernel)).max() < 1e-3


def test_realesrgan_gives_lr_of_the_right_size(tiles: NDArray[np.uint8]) -> None:
    for seed in range(6):
        lr = realesrgan(tiles[:, :64, :96], np.random.default_rng(seed))
        assert lr.dtype == np.uint8
        assert lr.shape == (3, 16, 24, 3)


def test_kernels_of_realesrgan_keep_the_mean() -> None:
    rng = np.random.default_rng(0)
    for kernel in [*(any_kernel(rng, 3) for _ in range(50)), sinc(2.0, 13)]:
        assert kernel.shape == (21, 21)
        assert kernel.sum() == pytest.approx(1)
    flat = torch.full((2, 3, 40, 30), 0.25)
    kernels = torch.from_numpy(np.stack([any_kernel(rng, 3) for _ in range(2)])).float()
    torch.testing.assert_close(filtered(flat, kernels), flat)


def test_jpeg_of_tensors_is_near_that_of_opencv(tiles: NDArray[np.uint8]) -> None:
    """The same tables and sampling: below two levels on average, and better with more quality."""
    batch = torch.from_numpy(tiles[:1, :64, :48]).permute(0, 3, 1, 2).float() / 255
    errors = []
    for quality in (30, 90):
        ours = jpeg(batch, np.array([float(quality)]))[0].permute(1, 2, 0).numpy() * 255
        coded = cv2.imencode(".jpg", tiles[0, :64, :48, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
        theirs = np.asarray(cv2.imdecode(coded[1], cv2.IMREAD_COLOR), float)[..., ::-1]
        assert np.abs(ours - theirs).mean() < 2
        errors.append(np.abs(ours - tiles[0, :64, :48]).mean())
    assert errors[1] < errors[0]


SCRIPTS = [
    pytest.param(
        task,
        peer,
        id=f"{task.name}-{peer.name}",
        marks=pytest.mark.skipif(
            peer.name in ("albumentations", "kornia")
            and importlib.util.find_spec(peer.name) is None,
            reason=f"{peer.name} is not installed; `make peers` does it",
        ),
    )
    for task in peers.TASKS
    if task.scale == 2
    for peer in task.peers
]


@pytest.mark.parametrize(("task", "peer"), SCRIPTS)
def test_scripts_give_lr_that_looks_like_hr(
    tiles: NDArray[np.uint8], task: peers.Task, peer: peers.Peer
) -> None:
    lrs = list(peer.make()(tiles, np.random.default_rng(0)))
    for lr, hr in zip(lrs, tiles, strict=True):
        assert lr.dtype == np.uint8
        assert lr.shape == (SIDE // 2, SIDE // 2, 3)
        expected = cv2.resize(hr, (SIDE // 2, SIDE // 2), interpolation=cv2.INTER_AREA)
        assert np.abs(lr.astype(float) - expected).mean() < 12, task.name


def test_the_table_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(common, "RESULTS", tmp_path)
    monkeypatch.setattr("sys.argv", ["peers", "--quick", "--only", "bicubic", "--name", "found"])
    peers.main()
    rows = json.loads((tmp_path / "found.json").read_text())["rows"]
    assert [row["method"] for row in rows][:2] == ["pairmill, bicubic", "Pillow"]
    for row in rows:
        assert row["LR alone, pairs/s"] > 0
        assert row["written, pairs/s"] > 0
        assert 10_000 < row["bytes per pair"] < 3 * SIDE**2 * 1.25 + 2000
    assert "| bicubic, x2 | Pillow |" in capsys.readouterr().out
