"""The network that translates: where it looks, and what it starts from."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pairmill.models.functional.resize import bicubic_down
from pairmill.models.keyed import keyed
from pairmill.models.translation.generator import Generator, draw_latent
from pairmill.schemas.translation_networks import GeneratorConfig
from tests.support.make import photograph

PLAIN = GeneratorConfig(features=6, blocks=1, noise="none", start="random")
SCALES = (1, 2, 3, 4, 8)


def batch(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(image.transpose(2, 0, 1).copy())[None].double() / 255


@pytest.mark.parametrize("scale", SCALES)
def test_it_starts_as_the_bicubic_lr(scale: int) -> None:
    hr = photograph(1, 7 * scale, 5 * scale)
    network = Generator(PLAIN.with_(start="identity"), scale, keyed(0, "weights")).double()
    made = 255 * network(batch(hr))[0].detach().numpy().transpose(1, 2, 0)
    wanted = hr if scale == 1 else bicubic_down(hr, scale)
    np.testing.assert_allclose(made, wanted, atol=1e-4)


@pytest.mark.parametrize("scale", SCALES)
def test_it_looks_at_the_centre_of_a_block(scale: int) -> None:
    """A network of symmetrical filters keeps what is symmetrical: flipped HR give flipped LR, which
    the slightest step off the centre would spoil; and what lies `scale` further is made alike."""
    network = Generator(PLAIN, scale, keyed(0, "weights")).double()
    with torch.no_grad():
        for weight in network.parameters():
            if weight.ndim == 4:
                weight.copy_((weight + weight.flip(2) + weight.flip(3) + weight.flip(2, 3)) / 4)
        image = batch(photograph(2, 12 * scale, 14 * scale))
        made = network(image)
        assert made.shape == (1, 3, 12, 14)
        for axes in ((2,), (3,), (2, 3)):
            torch.testing.assert_close(network(image.flip(axes)), made.flip(axes))
        moved = network(image.roll(scale, 3))
    torch.testing.assert_close(moved[..., 5:-5, 6:-5], made[..., 5:-5, 5:-6])


@pytest.mark.parametrize("scale", SCALES)
def test_images_of_one_lr_pixel_have_an_lr(scale: int) -> None:
    network = Generator(PLAIN.with_(noise="channel"), scale, keyed(0, "weights"))
    latent = draw_latent(keyed(0, "latent"), network, 1, 1, 1)
    assert network(torch.rand(1, 3, scale, scale), latent).shape == (1, 3, 1, 1)


def test_numbers_are_for_every_pixel_or_for_the_whole_image() -> None:
    channel = Generator(PLAIN.with_(noise="channel", numbers=2), 1, keyed(0, "weights"))
    vector = Generator(PLAIN.with_(noise="vector", numbers=5), 1, keyed(0, "weights"))
    assert channel.latent_shape(7, 9) == (2, 7, 9)
    assert vector.latent_shape(7, 9) == (5,)
    assert Generator(PLAIN, 1, keyed(0, "weights")).latent_shape(7, 9) == ()
    image = torch.full((1, 3, 7, 9), 0.5)
    found = draw_latent(keyed(1, "latent"), vector, 1, 7, 9)
    made = vector(image, found)
    torch.testing.assert_close(made, made[..., :1, :1].expand_as(made))  # alike everywhere
    found = draw_latent(keyed(1, "latent"), channel, 1, 7, 9)
    assert channel(image, found).std((2, 3)).min() > 1e-3


def test_the_initial_weights_are_those_of_the_seed() -> None:
    first, again, other = (Generator(PLAIN, 2, keyed(seed, "weights")) for seed in (1, 1, 2))
    assert torch.equal(first.head.weight, again.head.weight)
    assert not torch.equal(first.head.weight, other.head.weight)
