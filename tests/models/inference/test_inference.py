"""Tiles against whole images, the ensemble against what turns with its input, and weights between
weights."""

from __future__ import annotations

import itertools
import tracemalloc
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pairmill.models.archs import build_empty
from pairmill.models.archs.aware import Degradation, KernelAware
from pairmill.models.device import slowdown
from pairmill.models.inference.ensemble import (
    POSITIONS,
    ensembled,
    told_turned,
    turned,
    turned_back,
)
from pairmill.models.inference.interpolate import interpolate
from pairmill.models.inference.tiled import cuts, overlap_for, strips, upscale
from pairmill.schemas.errors import UserError
from pairmill.schemas.networks.compact import CompactConfig
from pairmill.schemas.networks.rrdbnet import RrdbNetConfig
from pairmill.schemas.networks.srmd import SrmdConfig
from tests.support.make import photograph
from tests.support.networks import SMALL, network_of, pictures


class Small(nn.Module):
    """A network that sees `depth` pixels around each, and upscales by shuffling."""

    def __init__(self, scale: int = 3, depth: int = 4, seed: int = 0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        widths = [3, *[5] * (depth - 1), 3 * scale * scale]
        self.convs = nn.ModuleList(
            nn.Conv2d(one, other, 3, padding=1) for one, other in itertools.pairwise(widths)
        )
        self.shuffle = nn.PixelShuffle(scale)
        for weight in self.parameters():
            weight.data = torch.randn(weight.shape, generator=generator) * 0.2

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for conv in self.convs:
            y = torch.tanh(conv(y))
        return self.shuffle(y) + 0.5


class Nearest(nn.Module):
    """Turns with its input."""

    def forward(self, x: Tensor) -> Tensor:
        return x.repeat_interleave(2, 2).repeat_interleave(2, 3)


class Level(nn.Module):
    """The mean of all that it sees: what differs most between tiles."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3), keepdim=True).expand(x.shape)


@pytest.mark.parametrize(
    ("size", "tile"),
    [
        ((37, 31), 16),
        ((37, 31), 1000),
        ((1, 1), 1),
        ((1, 1), 16),
        ((1, 40), 16),
        ((3, 5), 1),
        ((16, 17), 16),
        ((5, 60), 32),
    ],
)
def test_tiles_give_the_whole_image_where_they_see_all_that_matters(
    size: tuple[int, int], tile: int
) -> None:
    network, lr = Small(depth=4), photograph(1, *size)
    whole = upscale(network, lr, tile=None)
    tiled = upscale(
        network, lr, tile=tile, overlap=6
    )  # 4 that the network sees, and a quarter of 6 to fade over
    assert tiled.shape == (3 * size[0], 3 * size[1], 3)
    assert tiled.dtype == np.uint8
    assert (
        np.abs(tiled.astype(int) - whole).max() <= 1
    )  # sums in another order may round the other way
    assert (tiled != whole).mean() < 1e-3


def test_too_little_overlap_shows() -> None:
    network, lr = Small(depth=4), photograph(1, 37, 31)
    assert not np.array_equal(
        upscale(network, lr, tile=16, overlap=0), upscale(network, lr, tile=None)
    )


def test_tiles_fade_into_one_another() -> None:
    """A step between two tiles of 32 becomes a ramp over half the overlap: 4 LR pixels on either
    side of column 32."""
    lr = np.zeros((8, 64, 3), np.uint8)
    lr[:, 40:] = 200
    lr[:, 48:] = 240
    hard, soft = (
        upscale(Level(), lr, tile=32, overlap=overlap)[4, :, 0].astype(int) for overlap in (0, 16)
    )
    assert len(set(hard)) == 2
    assert np.abs(np.diff(soft[28:36])).max() <= abs(int(soft[0]) - soft[-1]) // 8 + 1
    assert (np.diff(soft[27:37]) > 0).sum() == 9
    assert set(soft[:28]) == {soft[0]}
    assert set(soft[36:]) == {soft[-1]}


SEES_ALL = {"rcan", "swinir", "swinir-direct", "swinir-nearest"}
SEES_ALL |= {"san", "rnan", "csnln", "ipt"}
SEES_ALL |= {"ikc", "kxnet", "usrnet"}


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("scale", [2, 4])
def test_no_network_sees_further_than_it_says(name: str, scale: int) -> None:
    """One LR pixel is changed: nothing changes further away than the reach, and something does at a
    third of it, so that it is not told much too large."""
    network = network_of(name, scale)
    reach = network.reach()
    assert (reach is None) == (name in SEES_ALL)
    if reach is None:
        assert overlap_for(network) == 64
        return
    side, place = 2 * reach + 9, reach + 4
    one = pictures(1, side, side)
    other = one.clone()
    other[..., place, place] += 0.5
    with torch.inference_mode():
        changed = (network(one) != network(other)).any(1)[0].nonzero() // scale - place
    seen = int(changed.abs().max())
    assert reach / 3 <= seen <= reach


@pytest.mark.parametrize(("name", "scale"), [("compact", 4), ("rrdbnet", 2), ("lapsrn", 4)])
def test_the_default_overlap_leaves_no_seams(name: str, scale: int) -> None:
    network, lr = network_of(name, scale), photograph(1, 90, 31)
    assert overlap_for(network) * 3 / 4 >= min(48, network.reach() or 48)
    whole, tiled = (upscale(network, lr, tile=tile).astype(int) for tile in (None, 24))
    assert np.abs(tiled - whole).max() <= 1


def test_deep_networks_get_all_that_helps() -> None:
    with torch.device("meta"):
        deep, plain = build_empty(RrdbNetConfig(), 4), build_empty(CompactConfig(), 4)
    assert (deep.reach(), overlap_for(deep)) == (353, 64)
    assert (plain.reach(), overlap_for(plain)) == (20, 32)
    assert overlap_for(Level()) == 64


def test_strips_are_the_rows_and_progress_sums_to_one() -> None:
    network, lr, heard = Small(), photograph(2, 70, 31), list[float]()
    pieces = list(strips(network, lr, tile=16, overlap=8, advanced=heard.append))
    assert [len(piece) for piece in pieces] == [
        3 * 14,
        3 * 16,
        3 * 16,
        3 * 8,
        3 * 16,
    ]  # cuts at 16, 32, 48, 56
    assert np.array_equal(np.concatenate(pieces), upscale(network, lr, tile=16, overlap=8))
    assert sum(heard) == pytest.approx(1)
    assert len(heard) == 5 * 2


@pytest.mark.parametrize(
    ("length", "tile", "wanted"),
    [
        (1, 192, [0, 1]),
        (192, 192, [0, 192]),
        (193, 192, [0, 104, 193]),
        (383, 192, [0, 192, 383]),
        (10, 4, [0, 4, 7, 10]),
        (7, None, [0, 7]),
        (3, 1, [0, 1, 2, 3]),
        (17, 8, [0, 8, 16, 17]),
    ],
)
def test_an_axis_is_cut_evenly(length: int, tile: int | None, wanted: list[int]) -> None:
    assert cuts(length, tile) == wanted


def test_no_part_is_empty_or_longer_than_a_tile() -> None:
    for tile in (1, 5, 8, 16, 24, 192):
        for length in range(1, 500, 3):
            parts = np.diff(cuts(length, tile))
            assert parts.sum() == length
            assert 0 < parts.min() <= parts.max() <= tile
            assert len(parts) == -(-length // tile)


def test_memory_is_that_of_strips_not_of_the_image() -> None:
    """An image of 1,600 x 300 by 2: numpy holds two strips and what fades, not the 5.8 MB of the
    result."""
    lr = np.tile(photograph(3, 40, 50), (40, 6, 1))
    tracemalloc.start()
    for strip in strips(Nearest(), lr, tile=100, overlap=8):
        assert strip.shape[1:] == (600, 3)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4e6


@pytest.mark.parametrize("position", POSITIONS)
def test_positions_are_undone_and_differ(position: int) -> None:
    x = torch.arange(2 * 3 * 5 * 4).reshape(2, 3, 5, 4)
    assert torch.equal(turned_back(turned(x, position), position), x)
    assert len({tuple(turned(x, other).flatten().tolist()) for other in POSITIONS}) == 8


def test_ensemble_of_what_turns_with_its_input_is_that() -> None:
    lr = photograph(4, 37, 31)
    assert np.array_equal(upscale(Nearest(), lr, ensemble=True), upscale(Nearest(), lr))


def test_ensemble_turns_with_its_input_and_is_the_mean() -> None:
    network = Small(scale=2)
    run, x = ensembled(network), torch.rand(1, 3, 9, 7, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        mean = run(x)
        assert torch.allclose(
            mean,
            torch.stack([turned_back(network(turned(x, p)), p) for p in POSITIONS]).mean(0),
            atol=1e-6,
        )
        assert torch.allclose(run(turned(x, 6)), turned(mean, 6), atol=1e-6)
        assert not torch.allclose(mean, network(x), atol=1e-3)


class ByKernel(KernelAware):
    """What it makes of an image is the scene blurred again, by the kernel that it is told, at the
    same size."""

    def restore(self, lr: torch.Tensor, told: Degradation) -> torch.Tensor:
        rim = told.kernel.shape[-1] // 2
        wide = torch.nn.functional.pad(lr + told.noise, [rim] * 4, mode="circular")
        return torch.nn.functional.conv2d(
            wide, told.kernel[:, None].expand(3, -1, -1, -1), groups=3
        )


def test_ensemble_turns_the_degradation_too() -> None:
    """All eight see the same scene, blurred by the same kernel: the mean is each of them."""
    kernel, rng = torch.zeros(1, 7, 7), torch.Generator().manual_seed(2)
    kernel[:, 1:, 1:] = torch.rand(1, 6, 6, generator=rng)
    network = ByKernel(SrmdConfig(), 1)
    x, noise = (torch.rand(1, count, 9, 9, generator=rng) for count in (3, 1))
    told = Degradation(kernel, noise)
    torch.testing.assert_close(ensembled(network, 1)(x, told), network(x, told))
    for scale in (2, 3):
        for position in POSITIONS:
            once = told_turned(told, position, scale)
            # Mirrored about K // 2 + (scale - 1) / 2, twice is not at all; row and column exchange.
            back = {5: 6, 6: 5}.get(position, position)
            kept = told_turned(once, back, scale).kernel[:, scale - 1 :, scale - 1 :]
            assert torch.equal(kept, kernel[:, scale - 1 :, scale - 1 :])


def test_what_is_assumed_turns_in_an_ensemble_as_what_is_told() -> None:
    network, lr = network_of("srmd"), photograph(4, 37, 31)
    assert isinstance(network, KernelAware)
    lopsided = torch.zeros(1, 21, 21)
    lopsided[0, 4:11, 10:18] = torch.rand(7, 8, generator=torch.Generator().manual_seed(2))
    network.code.usual.copy_(lopsided[0] / lopsided.sum())
    told = network.usual(torch.zeros(1, 3, 37, 31))
    assert not torch.equal(told_turned(told, 4, 2).kernel, told.kernel)
    assert np.array_equal(
        upscale(network, lr, ensemble=True), upscale(network, lr, ensemble=True, told=told)
    )
    assert not np.array_equal(upscale(network, lr, ensemble=True), upscale(network, lr))


def test_tiles_are_told_their_part() -> None:
    network = network_of("srmd")
    lr, rng = photograph(4, 61, 47), torch.Generator().manual_seed(3)
    noise = torch.rand(1, 1, 61, 47, generator=rng)
    assert isinstance(network, KernelAware)
    told = Degradation(network.code.usual[None], noise)
    whole = upscale(network, lr, tile=None, told=told)
    assert np.array_equal(upscale(network, lr, tile=24, told=told), whole)
    assert not np.array_equal(upscale(network, lr, tile=24), whole)


def test_the_mode_of_a_network_is_given_back() -> None:
    network = Small().train()
    upscale(network, photograph(1))
    assert network.training
    assert all(weight.grad is None for weight in network.parameters())


def test_lower_precision_is_near() -> None:
    network, lr = Small(), photograph(1)
    exact, low = (
        upscale(network, lr, precision=precision).astype(int)
        for precision in ("float32", "bfloat16")
    )
    assert 0 < np.abs(exact - low).mean() < 2


def test_how_much_slower_a_precision_is() -> None:
    assert slowdown("float32", "cpu") == 1
    assert 0.02 < slowdown("bfloat16", "auto") < 1e4
    with pytest.raises(UserError, match="cannot be used"):
        slowdown("bfloat16", "gpu")


@pytest.mark.parametrize(
    "image", [np.zeros((4, 4, 3)), np.zeros((4, 4), np.uint8), np.zeros((0, 4, 3), np.uint8)]
)
def test_what_is_no_image_is_refused(image: np.ndarray) -> None:
    with pytest.raises(ValueError, match="want an"):
        upscale(Nearest(), image)


def test_values_that_are_no_numbers_are_an_error() -> None:
    network = Small()
    conv: Any = network.convs[1]
    conv.weight.data[0] = float("nan")
    with pytest.raises(UserError, match="not numbers"):
        upscale(network, photograph(1))


def test_between_two_networks() -> None:
    one, other = (
        {"w": torch.full((2, 2), value), "index": torch.tensor([3])} for value in (1.0, 3.0)
    )
    for alpha, wanted in ((0, 1), (0.25, 1.5), (1, 3)):
        mixed = interpolate(one, other, alpha)
        assert torch.equal(mixed["w"], torch.full((2, 2), float(wanted)))
        assert torch.equal(mixed["index"], one["index"])
        assert mixed["w"] is not one["w"]
    half = interpolate({"w": torch.ones(3, dtype=torch.float16)}, {"w": torch.zeros(3)}, 0.5)
    assert half["w"].dtype == torch.float16


@pytest.mark.parametrize(
    ("second", "alpha", "said"),
    [
        ({"w": torch.ones(2), "more": torch.ones(1)}, 0.5, "only in the second: more"),
        ({"v": torch.ones(2)}, 0.5, "only in the first: w; only in the second: v"),
        ({"w": torch.ones(3)}, 0.5, r"\(2,\) and \(3,\)"),
        ({"w": torch.ones(2)}, 1.5, "alpha 1.5"),
        ({"w": torch.ones(2)}, float("nan"), "alpha nan"),
    ],
)
def test_networks_with_nothing_between_them(
    second: dict[str, Tensor], alpha: float, said: str
) -> None:
    with pytest.raises(UserError, match=said):
        interpolate({"w": torch.ones(2)}, second, alpha)


def test_codes_of_kernels_that_differ_are_an_error() -> None:
    one = {"network.code.mean": torch.ones(3), "corrector.code.0.bias": torch.ones(2)}
    other = {name: value + 1 for name, value in one.items()}
    with pytest.raises(UserError, match=r"network\.code\.mean(.|\n)*start_from"):
        interpolate(one, other, 0.5)
    same = other | {"network.code.mean": one["network.code.mean"]}
    assert interpolate(one, same, 0.5)["corrector.code.0.bias"].tolist() == [1.5, 1.5]


def test_indexes_that_differ_are_an_error() -> None:
    with pytest.raises(UserError, match="integer buffers"):
        interpolate({"i": torch.tensor([1])}, {"i": torch.tensor([2])}, 0.5)
