"""PDM's parts: application, centring, modules, sampling, each against properties or against values
computed another way."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import unfold

from pairmill.models.fitting.streams import Crops
from pairmill.models.functional.kernels import gaussian_kernel, offset, target_centre
from pairmill.models.keyed import keyed
from pairmill.models.pdm.application import apply_kernel_maps, apply_kernels, needed
from pairmill.models.pdm.centring import centred_softmax
from pairmill.models.pdm.degradation import (
    Degradation,
    Latent,
    draw_latent,
    eight_bits,
    regulariser,
    smooth,
)
from pairmill.models.pdm.discriminator import (
    Discriminator,
    accuracy,
    adversarial_loss,
    discriminator_loss,
    quantise,
)
from pairmill.models.pdm.draw import degrade, numbers
from pairmill.models.pdm.measure import noise_floor
from pairmill.models.pdm.modules import NoiseModule
from pairmill.schemas.pdm import PdmConfig, PdmCriticConfig
from pairmill.schemas.pdm_presets import PRESETS
from tests.support.make import PDM, photograph

SIZES = pytest.mark.parametrize(
    ("scale", "size", "shape"), [(2, 9, (5, 7)), (3, 5, (4, 3)), (4, 21, (2, 3)), (1, 7, (6, 5))]
)


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).random(shape))


def unfolded(image: torch.Tensor, kernels: torch.Tensor, scale: int) -> torch.Tensor:
    """The plain formulation: all neighbourhoods of the whole image in memory; kernels (B, k * k, h,
    w) or with h = w = 1."""
    size = round(kernels.shape[1] ** 0.5)
    columns = (image.shape[3] - size) // scale + 1
    patches = (
        unfold(image, size, stride=scale)
        .unflatten(2, (-1, columns))
        .unflatten(1, (image.shape[1], size**2))
    )
    return (patches * kernels[:, None]).sum(2)


@SIZES
def test_grouped_application_equals_the_unfolded_one(
    scale: int, size: int, shape: tuple[int, int]
) -> None:
    image = random(3, 2, *(needed(side, scale, size) for side in shape))
    kernels = random(3, size, size, seed=1).requires_grad_()
    plain = kernels.detach().clone().requires_grad_()
    ours, theirs = (
        apply_kernels(image, kernels, scale),
        unfolded(image, plain.reshape(3, -1, 1, 1), scale),
    )
    assert ours.shape == (3, 2, *shape)
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)
    weights = random(*ours.shape, seed=2)
    (ours * weights).sum().backward()
    (theirs * weights).sum().backward()
    torch.testing.assert_close(kernels.grad, plain.grad, rtol=1e-11, atol=1e-11)


def test_the_gradients_of_the_application_are_those_of_finite_differences() -> None:
    image, kernels = random(2, 2, 12, 9).requires_grad_(), random(2, 3, 3, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(lambda x, k: apply_kernels(x, k, 2), (image, kernels))


@SIZES
def test_kernel_maps_in_strips_equal_the_unfolded_ones(
    scale: int, size: int, shape: tuple[int, int]
) -> None:
    rows, columns = shape[0] + 9, shape[1]  # more than one strip, and a part of one
    image = random(2, 3, needed(rows, scale, size), needed(columns, scale, size))
    kernels = random(2, size**2, rows, columns, seed=1)
    torch.testing.assert_close(
        apply_kernel_maps(image, kernels, scale),
        unfolded(image, kernels, scale),
        rtol=1e-12,
        atol=1e-12,
    )


def test_a_map_of_one_kernel_is_that_kernel() -> None:
    image, kernel = random(2, 3, 29, 31), random(2, 5, 5, seed=1)
    one = apply_kernels(image, kernel, 2)
    every = kernel.reshape(2, 25, 1, 1).expand(-1, -1, *one.shape[2:])
    torch.testing.assert_close(apply_kernel_maps(image, every, 2), one, rtol=1e-12, atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10**6),
    st.sampled_from([(9, 1), (9, 2), (11, 3), (21, 4), (21, 2)]),
    st.floats(0.0, 6.0),
)
def test_kernels_are_positive_sum_to_one_and_are_centred(
    seed: int, form: tuple[int, int], spread: float
) -> None:
    size, scale = form
    logits = torch.from_numpy(np.random.default_rng(seed).standard_normal((4, size**2)) * spread)
    kernels = centred_softmax(logits, scale)
    assert (kernels >= 0).all()
    torch.testing.assert_close(
        kernels.sum(1), torch.ones(4, dtype=torch.float64), rtol=0, atol=1e-12
    )
    offsets = [offset(kernel.reshape(size, size).numpy(), scale) for kernel in kernels]
    assert np.abs(offsets).max() < 1e-3


def test_tilting_moves_a_gaussian_and_keeps_its_shape() -> None:
    wrong = gaussian_kernel(21, 1.3, 2.0, 0.4, 9.1)
    right = gaussian_kernel(21, 1.3, 2.0, 0.4, target_centre(21, 2))
    moved = (
        centred_softmax(torch.from_numpy(np.log(wrong)).reshape(1, -1), 2).reshape(21, 21).numpy()
    )
    np.testing.assert_allclose(moved, right, atol=1e-6)


def test_the_gradient_passes_through_the_tilt() -> None:
    logits = torch.from_numpy(np.random.default_rng(3).standard_normal((1, 25))).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda given: centred_softmax(given, 2), (logits,), atol=2e-3, rtol=2e-2
    )


def tiny(scale: int = 2, **changes: object) -> Degradation:
    return Degradation(PdmConfig.model_validate(PDM | changes), scale, keyed(1, "weights"))


@pytest.mark.parametrize("variant", [False, True])
def test_batch_mates_change_nothing(variant: bool) -> None:
    network = tiny(kernel=PDM["kernel"] | {"variant": variant}).double()
    stir(network)
    image = random(3, 3, needed(9, 2, 9), needed(11, 2, 9))
    latent = draw_latent(keyed(2, "latent"), 3, *network.latent_shapes(9, 11)).to(
        "cpu", torch.float64
    )
    assert latent.noise is not None
    noises = latent.noise.split(1)
    together = network(image, latent).lr
    alone = [
        network(image[n : n + 1], Latent(latent.kernel[n : n + 1], noises[n])).lr for n in range(3)
    ]
    torch.testing.assert_close(together, torch.cat(alone), rtol=1e-6, atol=1e-7)


def stir(network: Degradation) -> None:
    """Weights away from where the fit starts."""
    rng = np.random.default_rng(8)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.from_numpy(rng.standard_normal(tuple(parameter.shape)) * 0.3))


@pytest.mark.parametrize("variant", [False, True])
def test_drawn_kernels_are_aligned_whatever_the_weights(variant: bool) -> None:
    network = tiny(4, kernel=PDM["kernel"] | {"variant": variant, "size": 21})
    stir(network)
    kernels = network.kernels(
        draw_latent(keyed(3, "latent"), 5, *network.latent_shapes(6, 5)).kernel
    ).detach()
    assert kernels.shape == ((5, 441, 6, 5) if variant else (5, 441, 1, 1))
    flat = kernels.permute(0, 2, 3, 1).reshape(-1, 21, 21).double().numpy()
    np.testing.assert_allclose(flat.sum((1, 2)), 1, atol=1e-5)
    assert max(max(map(abs, offset(kernel, 4))) for kernel in flat) < 0.005
    assert np.std(flat, axis=0).max() > 1e-4  # and they differ


def test_the_published_start_is_nearly_a_box() -> None:
    """e / (e + 440) at the centre of 21 x 21 (card); ours is the same before it is tilted to the
    place that aligns."""
    network = tiny(1, kernel={"size": 21, "prior": "none", "start": None, "features": 4})
    kernel = network.kernels(torch.zeros(1, 8, 1, 1)).detach().reshape(21, 21)
    assert float(kernel[10, 10]) == pytest.approx(np.e / (np.e + 440), rel=1e-4)
    assert float(kernel[0, 0]) == pytest.approx(1 / (np.e + 440), rel=1e-4)


def test_noise_starts_at_zero_and_mixing_has_no_mean() -> None:
    network = tiny()
    clean, z = (
        random(1, 3, 16, 16).float(),
        draw_latent(keyed(4, "latent"), 1, *network.latent_shapes(16, 16)).noise,
    )
    assert network.noise is not None
    assert z is not None
    assert not network.noise(z, clean).detach().any()
    stir(network)
    noise = network.noise(z, clean).detach()
    assert float(noise.std()) > 1e-3
    torch.testing.assert_close(
        network.noise(-z, clean).detach(), -noise
    )  # odd in z, hence of mean 0 for every image


def test_noise_follows_the_clean_image_only_where_it_is_mixed() -> None:
    for mix in (True, False):
        network = tiny(noise=PDM["noise"] | {"mix": mix})
        stir(network)
        assert network.noise is not None
        z = draw_latent(keyed(4, "latent"), 1, *network.latent_shapes(8, 8)).noise
        dark, bright = (
            network.noise(z, torch.full((1, 3, 8, 8), level)).detach() for level in (0.1, 0.9)
        )
        assert torch.equal(dark, bright) == (not mix)


@pytest.mark.parametrize("dim", [1, 3])
def test_a_channel_s_noise_follows_its_own_level_or_all_colours(dim: int) -> None:
    """Dark red and dark blue of one brightness: red's noise differs between them, green's only
    where it follows the colour."""
    for by in ("level", "colour"):
        network = tiny(noise=PDM["noise"] | {"by": by, "dim": dim, "filters": 4})
        stir(network)
        assert network.noise is not None
        z = draw_latent(keyed(4, "latent"), 1, *network.latent_shapes(8, 8)).noise
        red, blue = (
            torch.tensor(colour).reshape(1, 3, 1, 1).expand(1, 3, 8, 8)
            for colour in ((0.6, 0.1, 0.2), (0.2, 0.1, 0.6))
        )
        apart = (network.noise(z, red) - network.noise(z, blue)).detach().abs().amax((0, 2, 3))
        assert (apart > 1e-5).tolist() == (
            [False] if (by, dim) == ("level", 1) else [True, by == "colour", True][:dim]
        )


def test_noise_can_be_white_and_independent_from_the_start() -> None:
    """With the initial weights, each channel weighing the field of its own number: the numbers
    themselves."""
    network = tiny(noise=PDM["noise"] | {"channels": 3, "filters": 4})
    z = random(2, 3, 9, 7).float()
    assert isinstance(network.noise, NoiseModule)
    assert network.noise.fields is not None
    torch.testing.assert_close(network.noise.fields(z)[:, :3], z)
    assert float((network.noise.fields(z)[:, 3] - z[:, 0]).detach().abs().max()) > 0.1


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_presets_build_and_give_noise_of_the_shape_that_their_options_say(name: str) -> None:
    noise = {} if name == "2017track1" else {"noise": {"blocks": 1}}
    config = PdmConfig.model_validate(
        {"preset": name, "kernel": {"blocks": 1}, "critic": {"features": [4, 4]}} | noise
    )
    network = Degradation(config, 4, keyed(1, "weights"))
    image = random(2, 3, needed(8, 4, 21), needed(8, 4, 21)).float()
    degraded = network(image, draw_latent(keyed(5, "latent"), 2, *network.latent_shapes(8, 8)))
    assert degraded.lr.shape == (2, 3, 8, 8)
    if name == "2017track1":
        assert degraded.noise is None
    elif name != "pairmill":
        assert config.regulariser == "energy"
        assert degraded.noise.shape[1] == (1 if name.startswith("2020") else 3)
        assert config.noise is not None
        offsets = degraded.noise.detach().flatten(2).std(2)
        # Without mix one number per image, no noise between pixels.
        assert offsets.max() == 0 or config.noise.mix


def test_card_values_of_the_presets() -> None:
    track = PdmConfig(preset="2018track2")
    assert (
        track.kernel.channels,
        track.kernel.features,
        track.kernel.blocks,
        track.kernel.size,
    ) == (64, 64, 16, 21)
    assert (track.noise_weight, track.crop, track.batch, track.iterations) == (
        10.0,
        48,
        32,
        200_000,
    )
    assert PdmConfig(preset="2020track2").noise_weight == 1.0
    changed = PdmConfig.model_validate({"preset": "2020track1", "noise": {"dim": 3}}).noise
    assert changed is not None
    assert changed.features == 32  # the rest of the preset stays
    with pytest.raises(ValueError, match="2020track1"):
        PdmConfig(preset="2019")


def test_critic_judges_places_and_losses_are_those_of_least_squares() -> None:
    critic = Discriminator(PdmCriticConfig(features=(4, 5, 6)), keyed(1, "weights"))
    assert critic(random(2, 3, 32, 24).float()).shape == (2, 1, 8, 6)
    real, fake = torch.tensor([1.0, 0.4]), torch.tensor([0.5, -1.0])
    assert float(discriminator_loss(real, fake)) == pytest.approx((0.36 / 2 + 1.25 / 2) / 2)
    assert float(adversarial_loss(fake)) == pytest.approx((0.25 + 4) / 2)
    assert float(accuracy(real, fake)) == pytest.approx(0.75)


def test_the_smooth_quantiser_is_near_rounding_between_steps() -> None:
    levels = torch.tensor([10.0, 10.25, 10.75, 200.0]) / 255
    np.testing.assert_allclose(
        255 * quantise(levels.double()).numpy(), [10, 10, 11, 200], atol=0.06
    )


def test_rounding_clips_and_lets_the_gradient_pass() -> None:
    image = torch.tensor([-0.1, 0.5, 1.2], requires_grad=True)
    rounded = eight_bits(image)
    np.testing.assert_allclose(rounded.detach() * 255, [0, 128, 255], atol=1e-4)
    rounded.sum().backward()
    assert image.grad is not None
    assert image.grad.tolist() == [1, 1, 1]


def test_regularisers() -> None:
    white = torch.from_numpy(np.random.default_rng(0).standard_normal((8, 3, 64, 64)))
    assert float(regulariser(white, "energy")) == pytest.approx(1, rel=0.05)
    assert float(regulariser(white, "mean")) == pytest.approx(
        1 / 64, rel=0.1
    )  # the mean of 8 x 8 independent values
    assert float(regulariser(torch.full((1, 1, 16, 16), 0.5), "mean")) == pytest.approx(0.25)


def test_smooth_maps_keep_their_variance() -> None:
    z = torch.from_numpy(np.random.default_rng(0).standard_normal((6, 4, 64, 64)))
    assert float(smooth(z).std()) == pytest.approx(1, rel=0.1)
    assert smooth(z[:, :, :10, :9]).shape == (6, 4, 2, 1)
    near, far = (
        float((smooth(z)[..., step:] * smooth(z)[..., : 56 - step]).mean()) for step in (1, 9)
    )
    assert near > 0.8 > 0.2 > abs(far)


def test_an_epoch_shows_every_entry_once_and_each_epoch_another_order() -> None:
    images = [
        np.full((8, 8 * count, 3), level, np.uint8) for level, count in ((10, 1), (20, 3), (30, 2))
    ]
    crops = Crops(images, 8, 5, "real", mirror=False)
    shown = [
        round(float(crops.at(first, 1, keyed(1, "crops", first))[0, 0, 0, 0]) * 255)
        for first in range(18)
    ]
    orders = [tuple(shown[first : first + 6]) for first in (0, 6, 12)]
    assert all(Counter(order) == {10: 1, 20: 3, 30: 2} for order in orders)
    assert len(set(orders)) > 1


def test_crops_lie_in_the_image_and_real_ones_are_not_turned() -> None:
    image = (np.arange(37 * 31).reshape(37, 31, 1) % 251 * np.ones(3)).astype(np.uint8)
    for mirror in (False, True):
        drawn = Crops([image], 9, 5, "real", mirror=mirror).at(0, 40, keyed(1, "crops"))
        found = 0
        for crop in (255 * drawn).round().permute(0, 2, 3, 1).numpy().astype(np.uint8):
            found += any(
                np.array_equal(crop, image[r : r + 9, c : c + 9])
                for r in range(29)
                for c in range(23)
            )
        assert (found == 40) == (not mirror)
    small = Crops([image[:4, :5]], 9, 5, "hr", mirror=True).at(0, 2, keyed(1, "crops"))
    assert small.shape == (2, 3, 9, 9)


def test_images_smaller_than_a_crop_are_continued_only_where_there_is_nothing_else() -> None:
    images = [np.full((side, 2 * side, 3), side, np.uint8) for side in (9, 8, 20)]
    crops = Crops(images, 9, 5, "hr", mirror=False)
    assert crops.used == 2
    assert set(crops.sources(0, 50).tolist()) == {0, 2}
    assert crops.at(0, 50, keyed(1, "crops")).unique().numel() == 2
    assert Crops(images[1:2], 9, 5, "hr", mirror=False).used == 1


@pytest.mark.parametrize("lr_shape", [(1, 1), (1, 7), (37, 31)])
@pytest.mark.parametrize("variant", [False, True])
def test_a_drawn_image_is_what_scipy_makes_of_its_kernel(
    lr_shape: tuple[int, int], variant: bool
) -> None:
    from scipy.ndimage import correlate

    network = tiny(kernel=PDM["kernel"] | {"variant": variant}, noise=None)
    hr = photograph(1, 2 * lr_shape[0], 2 * lr_shape[1])
    normals = np.random.default_rng(1).standard_normal(numbers(network, lr_shape))
    with torch.no_grad():
        clean = degrade(network, hr, normals).clean[0].permute(1, 2, 0).numpy() * 255
        around = (lr_shape[0] + 8, lr_shape[1] + 8) if variant else (1, 1)
        z = torch.from_numpy(normals.astype(np.float32)).reshape(1, 2, *around)
        kernels = (
            network.kernels(z)[0].double().numpy().reshape(9, 9, *(lr_shape if variant else (1, 1)))
        )
    rows, columns = lr_shape[0] - 1, lr_shape[1] - 1
    for row, column in {(0, 0), (rows, columns), (rows // 2, columns // 2)}:
        kernel = kernels[:, :, row, column] if variant else kernels[:, :, 0, 0]
        full = correlate(
            hr.astype(float), kernel[:, :, None], mode="reflect"
        )  # scipy's reflect repeats the edge sample
        np.testing.assert_allclose(clean[row, column], full[2 * row, 2 * column], atol=2e-3)


def test_the_noise_floor_is_in_proportion_to_the_noise() -> None:
    rng = np.random.default_rng(0)
    white = rng.standard_normal((20, 32, 32, 3))
    assert noise_floor(128 + 6 * white) / noise_floor(128 + 3 * white) == pytest.approx(2, rel=1e-6)
