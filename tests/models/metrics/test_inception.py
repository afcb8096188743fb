"""Inception-v3 of FID: shapes, what is refused and how, an independent layer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import batch_norm, conv2d, relu

from pairmill.models.metrics.inception import Inception, _names
from pairmill.pipeline.report.inception import read_inception
from pairmill.schemas.errors import UserError

THIN = 2
"""Channels of every convolution of the thin network."""
SHAPES = {
    "7x7": {1: (1, 1), 2: (1, 7), 3: (7, 1)},
    "7x7dbl": {1: (1, 1), 2: (7, 1), 3: (1, 7), 4: (7, 1), 5: (1, 7)},
    "7x7x3": {1: (1, 1), 2: (1, 7), 3: (7, 1), 4: (3, 3)},
}


def kernel(name: str) -> tuple[int, int]:
    """Height and width of a convolution, as its name says."""
    last = name.rsplit(".", 1)[-1]
    base, _, number = last.removeprefix("branch").partition("_")
    if base in SHAPES:
        return SHAPES[base][int(number)]
    if last.startswith("Conv2d"):
        side = int(last[-1])
        return side, side
    if number.endswith("a"):
        return 1, 3
    if number.endswith("b"):
        return 3, 1
    if base in ("pool", "1x1") or number == "1":
        return 1, 1
    side = 5 if base == "5x5" else 3
    return side, side


def inputs(name: str) -> int:
    """Channels that go into a convolution of the thin network."""
    block, _, last = name.rpartition(".")
    if not block:
        return 3 if last == "Conv2d_1a_3x3" else THIN
    first = last in ("branch1x1", "branch_pool") or last.endswith("_1") or last == "branch3x3"
    widths = {"5b": 1, "5c": 4, "5d": 4, "6a": 4, "7a": 4, "7b": 0, "7c": 6}
    branches = widths.get(block.removeprefix("Mixed_"), 4)
    if block == "Mixed_6b":
        branches = 2 + 4  # two convolutions and the maximum of four
    if block == "Mixed_7b":
        branches = 2 + 4
    return THIN * branches if first else THIN


def thin_weights(classes: int = 1008) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    weights = {"fc.bias": torch.zeros(classes)}
    for name in _names():
        weights[f"{name}.conv.weight"] = torch.randn(
            (THIN, inputs(name), *kernel(name)), generator=generator
        )
        for part in ("weight", "bias", "running_mean", "running_var"):
            weights[f"{name}.bn.{part}"] = torch.rand(THIN, generator=generator) + 0.5
    return weights


def test_features_of_a_thin_network() -> None:
    network = Inception(thin_weights())
    with torch.no_grad():
        found = network(torch.rand(2, 3, 32, 32))
    assert found.shape == (2, 6 * THIN)  # one, two, two and one convolutions at the end
    assert torch.isfinite(found).all()


def test_batch_norm_is_folded_into_the_convolution() -> None:
    weights, name = thin_weights(), "Conv2d_1a_3x3"
    network, x = Inception(weights), torch.rand(1, 3, 9, 9)
    mean, variance, gain, shift = (
        weights[f"{name}.bn.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
    )
    plain = conv2d(x, weights[f"{name}.conv.weight"], stride=2)
    expected = relu(batch_norm(plain, mean, variance, gain, shift, training=False, eps=1e-3))
    assert torch.allclose(network._convolved(name, x, 2, 0), expected, atol=1e-5)


def test_a_file_gives_features_and_its_digest(tmp_path: Path) -> None:
    torch.save(thin_weights(), tmp_path / "weights.pth")
    found = read_inception(str(tmp_path / "weights.pth"))
    assert len(found.digest) == 64
    pixels = torch.randint(0, 255, (3, 32, 32, 3), dtype=torch.uint8).numpy()
    features = found.features(pixels)
    assert features.shape == (3, 6 * THIN)
    assert np.array_equal(found.features(pixels[[2, 0, 2]]), features[[2, 0, 2]])


def test_other_files_are_refused_in_clear_words(tmp_path: Path) -> None:
    (tmp_path / "text.pth").write_bytes(b"no weights")
    torch.save({"conv.weight": torch.zeros(3)}, tmp_path / "other.pth")
    torch.save(thin_weights(1000), tmp_path / "torchvision.pth")
    missing = thin_weights()
    del missing["Mixed_6c.branch7x7_2.conv.weight"]
    torch.save(missing, tmp_path / "missing.pth")
    for name, said in (
        ("text.pth", "neither safetensors nor a state dict"),
        ("other.pth", "no weights of Inception-v3"),
        ("torchvision.pth", "1000 classes; FID is defined on those with 1008"),
        ("missing.pth", r"no tensor 'Mixed_6c\.branch7x7_2\.conv\.weight'"),
        ("nowhere.pth", "No such file"),
    ):
        with pytest.raises(UserError, match=said) as raised:
            read_inception(str(tmp_path / name))
        assert "pt_inception-2015-12-05" in raised.value.wanted
        assert "--inception" in raised.value.todo
