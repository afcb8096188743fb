"""Losses: properties over all of them, worked examples with visible numbers, and the RealSR
recipe."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter, ValidationError
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits as entropy

from pairmill.models.functional.resize import bicubic_down
from pairmill.models.losses import LOSSES, build
from pairmill.models.losses.adversarial import FORMS, Gan
from pairmill.models.losses.cycle import Cycle, reduced
from pairmill.models.losses.distances import norm_loss
from pairmill.models.losses.perceptual import Content
from pairmill.models.losses.vgg import Vgg, gram
from pairmill.schemas.losses import LOSS_CONFIGS, ContentConfig, GanConfig, LossConfig
from tests.support.vgg import weights

CONFIG: TypeAdapter[Any] = TypeAdapter(LossConfig)
VGG = {"vgg_weights": "vgg19.pth"}
PAIRED: list[dict[str, Any]] = [
    {"loss": "l1"},
    {"loss": "l2"},
    {"loss": "charbonnier"},
    {"loss": "charbonnier", "epsilon": 0.1},
    {"loss": "content", **VGG},
    {"loss": "content", **VGG, "layers": {"conv1_2": 0.1, "conv4_4": 1}, "distance": "l2"},
    {"loss": "content", **VGG, "distance": "norm"},
    {"loss": "style", **VGG},
    {"loss": "style", **VGG, "distance": "norm"},
]
"""Every loss on SR and HR, and each of its forms."""
ALONE: list[dict[str, Any]] = [{"loss": "tv"}, {"loss": "tv", "form": "isotropic"}]
"""Those on SR alone."""
OTHERWISE = {"gan", "cycle"}
"""Those that are called in another way."""


def picture(seed: int = 0, height: int = 37, width: int = 31, count: int = 2) -> Tensor:
    values = np.random.default_rng([2026, seed]).random((count, 3, height, width), dtype=np.float32)
    return torch.from_numpy(values)


def made(**settings: Any) -> Any:
    return build(CONFIG.validate_python(settings), Vgg(weights()))


def number(value: Tensor) -> float:
    assert value.shape == ()
    return float(value.detach())


def test_every_loss_has_settings_and_a_class() -> None:
    named = {settings["loss"] for settings in (*PAIRED, *ALONE)}
    assert set(LOSSES) == set(LOSS_CONFIGS) == named | OTHERWISE


@pytest.mark.parametrize("settings", PAIRED, ids=str)
def test_paired_losses_are_least_for_equal_pictures_and_lead_there(
    settings: dict[str, Any],
) -> None:
    loss, hr = made(**settings), picture(1)
    least = settings.get("epsilon", 1e-6) if settings["loss"] == "charbonnier" else 0
    assert number(loss(hr, hr)) == pytest.approx(least, rel=1e-5)
    sr = (hr + 0.1 * (picture(2) - 0.5)).requires_grad_()
    before = loss(sr, hr)
    before.backward()
    assert sr.grad is not None
    assert torch.isfinite(sr.grad).all()
    assert least < number(loss(sr.detach() - 1e-3 * sr.grad / sr.grad.norm(), hr)) < number(before)


@pytest.mark.parametrize("settings", [*PAIRED, *ALONE], ids=str)
def test_gradients_are_finite_where_nothing_is_to_be_done(settings: dict[str, Any]) -> None:
    sr = torch.full((1, 3, 16, 19), 0.5, requires_grad=True)
    made(**settings)(sr, sr.detach()).backward()
    assert sr.grad is not None
    assert torch.isfinite(sr.grad).all()
    assert sr.grad.abs().max() < 1e-6


@pytest.mark.parametrize("settings", [*PAIRED, *ALONE], ids=str)
def test_losses_are_means_over_the_batch(settings: dict[str, Any]) -> None:
    loss, sr, hr = made(**settings), picture(3), picture(4)
    each = [number(loss(sr[i : i + 1], hr[i : i + 1])) for i in range(2)]
    assert number(loss(sr, hr)) == pytest.approx(
        sum(each) / 2, rel=1e-3
    )  # features differ little: cancellation


def test_pixel_losses_by_hand() -> None:
    """Differences 3, 4, 0, 0 tenths."""
    sr, hr = torch.tensor([[[[0.3, 0.4], [0.5, 0.5]]]]), torch.tensor([[[[0.0, 0.0], [0.5, 0.5]]]])
    assert number(made(loss="l1")(sr, hr)) == pytest.approx(0.7 / 4)
    assert number(made(loss="l2")(sr, hr)) == pytest.approx(0.25 / 4)
    assert number(norm_loss(sr, hr)) == pytest.approx(0.5 / 4)
    wanted = (0.5 + np.hypot(0.4, 0.4) + 0.4 + 0.4) / 4
    assert number(made(loss="charbonnier", epsilon=0.4)(sr, hr)) == pytest.approx(wanted)


def test_total_variation_by_hand() -> None:
    """An image of 2 x 3: dy = 3 3 0, dx = 4 0 / 1 0; the pairs down are 3, those across 4."""
    sr = torch.tensor([[[[0.0, 4.0, 4.0], [3.0, 7.0, 4.0]]]])
    down, across = (3 + 3 + 0) / 3, (4 + 0 + 4 + 3) / 4
    assert number(made(loss="tv")(sr)) == pytest.approx(down + across)
    assert number(made(loss="tv", form="isotropic")(sr, None)) == pytest.approx(
        (5 + 3 + 0 + 4 + 3 + 0) / 6
    )


def test_content_and_style_are_those_of_the_layers() -> None:
    vgg, sr, hr = Vgg(weights()), picture(5), picture(6)
    found, wanted = vgg(sr, ["conv1_2", "conv4_4"]), vgg(hr, ["conv1_2", "conv4_4"])
    assert list(found) == ["conv1_2", "conv4_4"]
    settings = {**VGG, "layers": {"conv4_4": 2, "conv1_2": 0.1, "conv5_4": 0}}
    content = sum(
        w * (found[n] - wanted[n]).abs().mean() for n, w in (("conv4_4", 2), ("conv1_2", 0.1))
    )
    style = sum(
        w * (gram(found[n]) - gram(wanted[n])).abs().mean()
        for n, w in (("conv4_4", 2), ("conv1_2", 0.1))
    )
    torch.testing.assert_close(made(loss="content", **settings)(sr, hr), content)
    torch.testing.assert_close(made(loss="style", **settings)(sr, hr), style)


def test_content_gives_the_reference_no_gradient_and_trains_nothing() -> None:
    loss, sr, hr = (
        made(loss="content", **VGG),
        picture(1).requires_grad_(),
        picture(2).requires_grad_(),
    )
    loss(sr, hr).backward()
    assert sr.grad is not None
    assert hr.grad is None
    assert not list(loss.parameters())


def test_content_needs_features() -> None:
    with pytest.raises(ValueError, match="content needs VGG-19's features"):
        build(CONFIG.validate_python({"loss": "content", **VGG}))


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_cycle_reduces_as_the_degrader_does(scale: int) -> None:
    sr = picture(7, 11 * scale, 9 * scale, 1)
    wanted = bicubic_down(sr[0].permute(1, 2, 0).numpy().astype(np.float64), scale)
    found = reduced(sr.double(), 11, 9)[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(
        found, wanted, atol=2e-6
    )  # the degrader rounds its input to 2^-20 twice
    assert reduced(sr, 11, 9).dtype == torch.float32


def test_cycle_by_hand_and_its_gradient_reaches_every_pixel() -> None:
    sr = torch.full((2, 3, 12, 8), 0.75, requires_grad=True)
    lr = torch.full((2, 3, 6, 4), 0.5)
    assert number(made(loss="cycle")(sr, lr)) == pytest.approx(0.25, rel=1e-5)
    assert number(made(loss="cycle", distance="l2")(sr, lr)) == pytest.approx(0.0625, rel=1e-5)
    norm = made(loss="cycle", distance="norm")(sr, lr)
    assert number(norm) == pytest.approx(
        (72 * 0.0625) ** 0.5 / 72, rel=1e-5
    )  # sqrt(sum d^2) / (h w c)
    norm.backward()
    assert sr.grad is not None
    assert (sr.grad != 0).all()


@pytest.mark.parametrize(("height", "width"), [(12, 9), (5, 8), (13, 8)])
def test_cycle_of_sizes_that_do_not_fit(height: int, width: int) -> None:
    with pytest.raises(ValueError, match="no whole multiple"):
        Cycle(CONFIG.validate_python({"loss": "cycle"}))(
            torch.zeros(1, 3, height, width), torch.zeros(1, 3, 6, 4)
        )


REAL, FAKE = torch.tensor([2.0, -1.0, 0.5]), torch.tensor([-0.5, 1.5, 0.25])


def test_gan_forms_by_hand() -> None:
    """Every form as its paper writes it, in sigmoids and maxima."""
    r, f = torch.sigmoid(REAL), torch.sigmoid(FAKE)
    relative_real, relative_fake = (
        torch.sigmoid(REAL - FAKE.mean()),
        torch.sigmoid(FAKE - REAL.mean()),
    )
    wanted = {
        "vanilla": (-f.log().mean(), -(r.log() + (1 - f).log()).mean()),
        "lsgan": ((FAKE - 1).square().mean(), (FAKE.square() + (REAL - 1).square()).mean()),
        "hinge": (-FAKE.mean(), torch.tensor((0 + 2 + 0.5 + 0.5 + 2.5 + 1.25) / 3)),
        "wgan": (-FAKE.mean(), (FAKE - REAL).mean()),
        "wgan_softplus": (
            -f.log().mean(),
            -(r.log() + (1 - f).log()).mean(),
        ),  # vanilla in other words
        "relativistic": (
            -((1 - relative_real).log() + relative_fake.log()).mean() / 2,
            -(relative_real.log() + (1 - relative_fake).log()).mean() / 2,
        ),
    }
    assert set(FORMS) == set(wanted)
    for form, (generator, discriminator) in wanted.items():
        gan = made(loss="gan", form=form)
        torch.testing.assert_close(gan.generator(REAL, FAKE), generator)
        torch.testing.assert_close(gan.discriminator(REAL, FAKE), discriminator)


def slopes(logits: Tensor) -> Tensor:
    assert logits.grad is not None
    return logits.grad


@pytest.mark.parametrize("form", FORMS)
def test_the_two_sides_pull_in_opposite_directions(form: str) -> None:
    gan = Gan(GanConfig(form=form))
    real, fake = (torch.full((2, 1, 5, 7), 0.25, requires_grad=True) for _ in range(2))
    gan.generator(real, fake).backward()
    assert real.grad is None  # D(hr) is none of the network's business
    assert (slopes(fake) < 0).all()  # the network wants D(sr) higher
    fake.grad = None
    gan.discriminator(real, fake).backward()
    assert (slopes(real) < 0).all()
    assert (slopes(fake) > 0).all()


def test_relativistic_by_the_definition_in_two_steps() -> None:
    """The discriminator's loss in two backward passes, each with the other mean detached, as ESRGAN
    is trained."""
    real, fake = REAL.clone().requires_grad_(), FAKE.clone().requires_grad_()
    (entropy(real - fake.detach().mean(), torch.ones(3)) * 0.5).backward()
    (entropy(fake - real.detach().mean(), torch.zeros(3)) * 0.5).backward()
    ours = REAL.clone().requires_grad_(), FAKE.clone().requires_grad_()
    Gan(GanConfig(form="relativistic")).discriminator(*ours).backward()
    torch.testing.assert_close([value.grad for value in ours], [real.grad, fake.grad])


def test_a_discriminator_that_knows_all_costs_nothing() -> None:
    """Logits of 100 and -100: the discriminator is done, the network is far from it."""
    sure = torch.full((4,), 100.0), torch.full((4,), -100.0)
    for form in ("vanilla", "hinge", "wgan_softplus", "relativistic"):
        gan = Gan(GanConfig(form=form))
        assert number(gan.discriminator(*sure)) == pytest.approx(0, abs=1e-6)
        assert number(gan.generator(*sure)) >= 100


def test_half_precision_does_not_spoil_a_loss() -> None:
    sr, hr = picture(8, 32, 37), picture(9, 32, 37)
    for settings in (*PAIRED, *ALONE):
        loss = made(**settings)
        wanted = number(loss(sr, hr))
        with torch.autocast("cpu", dtype=torch.float16):
            assert number(loss(sr.half(), hr)) == pytest.approx(wanted, rel=0.1), settings
    wanted_cycle = reduced(sr[..., :36], 8, 9)
    with torch.autocast("cpu", dtype=torch.float16):
        torch.testing.assert_close(reduced(sr[..., :36], 8, 9), wanted_cycle)


def test_the_realsr_recipe_can_be_said() -> None:
    """RealSR: L1 0.01, VGG-19's conv5_4 1, relativistic average GAN 0.005."""
    recipe = [
        {"loss": "l1", "weight": 0.01},
        {"loss": "content", "weight": 1, "vgg_weights": "vgg19-dcbb9e9d.pth"},
        {"loss": "gan", "form": "relativistic", "weight": 0.005},
    ]
    pixel, content, gan = TypeAdapter(list[LossConfig]).validate_python(recipe)
    assert (pixel.weight, content.weight, gan.weight) == (0.01, 1, 0.005)
    assert isinstance(build(content, Vgg(weights())), Content)
    assert isinstance(content, ContentConfig)
    assert content.layers == {"conv5_4": 1}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"loss": "l3"}, "does not match any of the expected tags"),
        ({"loss": "l1", "weight": -1}, "greater than or equal to 0"),
        ({"loss": "gan", "form": "ragan"}, "relativistic"),
        ({"loss": "content"}, "vgg_weights"),
        ({"loss": "content", **VGG, "layers": {"conv6_1": 1}}, "conv1_1"),
        ({"loss": "l1", "wieght": 1}, "Extra inputs"),
        ({"loss": "style", **VGG, "layers": {"conv1_1": 0}}, "at least one weight"),
    ],
)
def test_settings_that_are_wrong(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        CONFIG.validate_python(settings)
