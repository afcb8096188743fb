"""Discriminators: sizes and names against the published ones, receptive fields by gradients,
properties over all."""

from __future__ import annotations

import copy
import random
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter, ValidationError
from torch import Tensor, nn

from pairmill.models.discriminators import DISCRIMINATORS, build
from pairmill.models.discriminators.layers import SpectralConv
from pairmill.models.losses.adversarial import Gan
from pairmill.schemas.discriminator import (
    DISCRIMINATOR_CONFIGS,
    DiscriminatorConfig,
    PatchConfig,
    UnetConfig,
    Vgg128Config,
)
from pairmill.schemas.losses import GanConfig

CONFIG: TypeAdapter[Any] = TypeAdapter(DiscriminatorConfig)
SMALL: list[tuple[dict[str, Any], int, int]] = [
    ({"kind": "vgg128", "features": 2}, 128, 128),
    ({"kind": "vgg128", "features": 1, "side": 256}, 256, 256),
    *(
        ({"kind": "patch", "features": 4, "norm": norm}, 37, 45)
        for norm in ("batch", "instance", "spectral", "none")
    ),
    ({"kind": "patch", "features": 4, "padding": 2, "halvings": 2}, 37, 31),
    ({"kind": "unet", "features": 4}, 40, 32),
    ({"kind": "unet", "features": 4, "skip": False}, 8, 16),
]
"""Every discriminator and form, narrow, with a size that it takes."""


def pictures(height: int, width: int, seed: int = 0, count: int = 2) -> Tensor:
    return torch.from_numpy(
        np.random.default_rng([2026, seed]).random((count, 3, height, width), dtype=np.float32)
    )


def size(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def shapes(network: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in network.state_dict().items()}


def test_every_discriminator_has_settings_and_a_class() -> None:
    assert (
        set(DISCRIMINATORS)
        == set(DISCRIMINATOR_CONFIGS)
        == {settings["kind"] for settings, _, _ in SMALL}
    )


def test_sizes_are_the_published_ones() -> None:
    assert size(build(Vgg128Config())) == 14_499_401
    assert size(build(Vgg128Config(side=256))) == 14_499_401 + 512 * 512 * (9 + 16) + 4 * 512
    assert size(build(PatchConfig(norm="instance"))) == 2_764_737  # CycleGAN's 70 x 70
    assert size(build(PatchConfig())) == 2_765_633  # the same with what batch normalisation learns
    assert size(build(UnetConfig())) == 4_376_897


def test_names_and_shapes_of_vgg128_are_basicsrs() -> None:
    found = shapes(build(Vgg128Config()))
    assert found["conv0_0.weight"] == (64, 3, 3, 3)
    assert found["conv0_0.bias"] == (64,)
    assert found["conv3_1.weight"] == (512, 512, 4, 4)
    assert found["linear1.weight"] == (100, 8192)
    convs = {f"conv{pair}_{half}.weight" for pair in range(5) for half in range(2)} | {
        "conv0_0.bias"
    }
    norms = {f"bn{pair}_{half}" for pair in range(5) for half in range(2)} - {"bn0_0"}
    parts = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    linears = {f"linear{number}.{part}" for number in (1, 2) for part in ("weight", "bias")}
    assert set(found) == convs | {f"{norm}.{part}" for norm in norms for part in parts} | linears


def test_names_and_shapes_of_the_unet_are_real_esrgans() -> None:
    wanted: dict[str, tuple[int, ...]] = {
        "conv0.weight": (64, 3, 3, 3),
        "conv0.bias": (64,),
        "conv9.weight": (1, 64, 3, 3),
        "conv9.bias": (1,),
    }
    plan = {
        1: (128, 64, 4),
        2: (256, 128, 4),
        3: (512, 256, 4),
        4: (256, 512, 3),
        5: (128, 256, 3),
        6: (64, 128, 3),
    }
    for number, (outputs, inputs, side) in (plan | {7: (64, 64, 3), 8: (64, 64, 3)}).items():
        wanted |= {
            f"conv{number}.weight_orig": (outputs, inputs, side, side),
            f"conv{number}.weight_u": (outputs,),
            f"conv{number}.weight_v": (inputs * side * side,),
        }
    assert shapes(build(UnetConfig())) == wanted


def test_names_of_the_patch_discriminator_are_pix2pixs() -> None:
    found = shapes(build(PatchConfig(features=8)))
    weights = {name: shape for name, shape in found.items() if len(shape) == 4}
    assert weights == {
        "model.0.weight": (8, 3, 4, 4),
        "model.2.weight": (16, 8, 4, 4),
        "model.5.weight": (32, 16, 4, 4),
        "model.8.weight": (64, 32, 4, 4),
        "model.11.weight": (1, 64, 4, 4),
    }
    assert {name for name in found if name.endswith("bias")} == {
        f"model.{place}.bias" for place in (0, 3, 6, 9, 11)
    }


@pytest.mark.parametrize(("halvings", "field"), [(1, 16), (2, 34), (3, 70), (4, 142)])
@pytest.mark.parametrize("padding", [1, 2])
def test_a_judgement_sees_what_it_says_by_gradients(
    halvings: int, field: int, padding: int
) -> None:
    config = PatchConfig(features=2, halvings=halvings, padding=padding, norm="none")
    assert config.field == field
    side = 2 * field + 16
    image = pictures(side, side, count=1).requires_grad_()
    judged = build(config)(image)
    assert judged.shape == (1, 1, config.places(side), config.places(side))
    judged[0, 0, judged.shape[2] // 2, judged.shape[3] // 2].backward()
    assert image.grad is not None
    seen = image.grad.abs().sum((0, 1))
    for axis in (0, 1):
        places = seen.sum(axis).nonzero().flatten()
        assert places[-1] - places[0] + 1 == field


def numpys_state() -> list[int]:
    state: Any = np.random.get_state()  # noqa: NPY002
    return list(state[1])


@pytest.mark.parametrize(("settings", "height", "width"), SMALL, ids=str)
def test_weights_are_a_function_of_the_seed_alone(
    settings: dict[str, Any], height: int, width: int
) -> None:
    config = CONFIG.validate_python(settings)
    state = random.getstate(), torch.get_rng_state(), numpys_state()
    one, same, other = (build(config, seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), state[1])
    assert (random.getstate(), numpys_state()) == (state[0], state[2])
    assert all(torch.equal(value, same[name]) for name, value in one.items())
    weights = [name for name, value in one.items() if value.dim() == 4]
    assert not any(torch.equal(one[name], other[name]) for name in weights)
    assert all(torch.isfinite(value).all() for value in one.values())


@pytest.mark.parametrize(("settings", "height", "width"), SMALL, ids=str)
def test_each_learns_to_tell_real_from_fake(
    settings: dict[str, Any], height: int, width: int
) -> None:
    """A few steps on two images and two others: the judgements part. Each can be copied and taken
    on meanwhile."""
    judge = build(CONFIG.validate_python(settings), 3)
    gan, optimiser = (
        Gan(GanConfig(form="relativistic")),
        torch.optim.Adam(judge.parameters(), lr=6e-3),
    )
    real, fake = pictures(height, width, 1), 0.6 * pictures(height, width, 2) + 0.1
    losses = []
    for _ in range(12):
        optimiser.zero_grad()
        on_real, on_fake = judge(real), judge(fake)
        assert on_real.shape[:2] == (2, 1)
        loss = gan.discriminator(on_real, on_fake)
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.8 * losses[0]
    assert all(parameter.grad is not None for parameter in judge.parameters())
    twin = copy.deepcopy(judge).eval()
    judge.eval()
    assert torch.equal(twin(real), judge(real))


def test_spectral_convolutions_are_torchs() -> None:
    """The same weights, vectors and steps give the same judgements, vectors and gradients as the
    library's hook."""
    ours = SpectralConv(3, 5, 3, 2)
    theirs = nn.utils.spectral_norm(nn.Conv2d(3, 5, 3, 2, 1))
    assert set(ours.state_dict()) == set(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict())
    first, second = pictures(13, 11, 1), pictures(13, 11, 2)
    for layer in (ours, theirs):
        (layer(first).square().sum() + layer(second).sum()).backward()
    torch.testing.assert_close(ours.weight_orig.grad, theirs.weight_orig.grad)
    torch.testing.assert_close(ours.state_dict(), theirs.state_dict())
    ours.eval()
    before = ours.weight_u.clone()
    torch.testing.assert_close(ours(first), theirs.eval()(first))
    assert torch.equal(ours.weight_u, before)


def test_first_spectral_weights_are_normalised_already() -> None:
    layer: Any = build(UnetConfig(features=4)).conv3
    sigma = torch.linalg.svdvals(layer.weight_orig.detach().flatten(1))[0]
    wanted = layer.weight_u @ (layer.weight_orig.detach().flatten(1) @ layer.weight_v)
    assert float(wanted / sigma) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(
    ("settings", "good", "bad", "words"),
    [
        ({"kind": "vgg128", "features": 1}, 128, 96, "128 x 128 only, not of 96 x 96"),
        (
            {"kind": "vgg128", "features": 1, "side": 256},
            256,
            128,
            "256 x 256 only, not of 128 x 128",
        ),
        ({"kind": "patch", "features": 1}, 24, 23, "at least 24 x 24, not 23 x 23"),
        ({"kind": "unet", "features": 1}, 16, 20, "multiples of 8, got 20"),
    ],
)
def test_sizes_that_do_not_fit_are_told_before_and_in_the_call(
    settings: dict[str, Any], good: int, bad: int, words: str
) -> None:
    config = CONFIG.validate_python(settings)
    assert config.problem(good) is None
    assert words in config.problem(bad)
    with pytest.raises(ValueError, match=words):
        build(config)(pictures(bad, bad))
    assert torch.isfinite(build(config)(pictures(good, good))).all()


def test_settings_that_are_wrong() -> None:
    kinds = {
        "patchgan": {},
        "vgg128": {"side": 96},
        "unet": {"features": 0},
        "patch": {"halvings": 9},
    }
    for kind, settings in kinds.items():
        with pytest.raises(ValidationError):
            CONFIG.validate_python({"kind": kind} | settings)
