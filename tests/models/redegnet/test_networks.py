"""Layers and networks of ReDegNet: against loops, singular values and hand-made numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch.nn.functional import conv2d

from pairmill.models.redegnet import losses
from pairmill.models.redegnet.draw import represent, synthesize
from pairmill.models.redegnet.fit import levels, signed
from pairmill.models.redegnet.layers import (
    RgbHead,
    SpectralConv,
    SpectralLinear,
    StyledBlock,
    doubled,
    drawn,
    modulated_conv,
    pixel_norm,
)
from pairmill.models.redegnet.networks import DegNet, Discriminator, SynNet
from pairmill.schemas.redegnet import RedegnetConfig, RedegnetNetConfig
from tests.support.make import photograph

CODE = 6


def generator(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng([2026, seed])


def net(side: int, **changes: object) -> RedegnetNetConfig:
    settings = {"side": side, "code": CODE, "first": 4, "most": 12, "mapping": 2, "skip_start": 1.0}
    return RedegnetNetConfig.model_validate(settings | changes)


def randoms(*shape: int, seed: int = 5, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.from_numpy(generator(seed).standard_normal(shape)).to(dtype)


@pytest.mark.parametrize("demodulate", [True, False])
@pytest.mark.parametrize("side", [1, 3])
def test_one_grouped_convolution_is_a_loop_over_the_batch(demodulate: bool, side: int) -> None:
    image, weight, style = (
        randoms(*shape, seed=n, dtype=torch.float64)
        for n, shape in enumerate([(3, 5, 7, 9), (4, 5, side, side), (3, 5)])
    )
    found = modulated_conv(image, weight, style, demodulate=demodulate)
    for number in range(3):
        own = np.empty(weight.shape)
        for output in range(4):
            for channel in range(5):
                own[output, channel] = (
                    weight[output, channel].numpy()
                    * float(style[number, channel])
                    / np.sqrt(5 * side * side)
                )
            if demodulate:
                own[output] /= np.sqrt((own[output] ** 2).sum() + 1e-8)
        wanted = conv2d(image[number : number + 1], torch.from_numpy(own), padding=side // 2)
        torch.testing.assert_close(found[number : number + 1], wanted, rtol=1e-12, atol=1e-12)


def test_demodulation_makes_unit_variance_of_unit_variance() -> None:
    """Independent inputs of variance 1, whatever weights and styles: every output channel has
    variance 1 inside the border."""
    image, weight = (
        randoms(2, 8, 120, 120, dtype=torch.float64),
        9 * randoms(5, 8, 3, 3, seed=2, dtype=torch.float64),
    )
    style = 1 + 30 * randoms(2, 8, seed=3, dtype=torch.float64).abs()
    found = modulated_conv(image, weight, style, demodulate=True)[..., 1:-1, 1:-1]
    torch.testing.assert_close(
        found.var((2, 3)), torch.ones(2, 5, dtype=torch.float64), rtol=0.08, atol=0
    )
    plain = modulated_conv(image, weight, style, demodulate=False)[..., 1:-1, 1:-1]
    assert (plain.var((2, 3)) > 100).all()


def test_the_largest_singular_value_becomes_one() -> None:
    for layer in (SpectralConv(generator(), 5, 7), SpectralLinear(generator(), 9, 4)):
        assert layer.training
        for _ in range(200):
            weight = layer.normal_weight()
        assert np.linalg.svd(weight.detach().flatten(1).double().numpy(), compute_uv=False)[
            0
        ] == pytest.approx(1, abs=1e-4)
        layer.eval()
        before = layer.u.clone()
        layer.normal_weight()
        assert torch.equal(layer.u, before)  # what is drawn from does not change by being used
        first = SpectralConv(generator(3), 5, 7)  # near from the start, not only after many steps
        value = np.linalg.svd(first.weight.detach().flatten(1).numpy(), compute_uv=False)[0]
        with torch.no_grad():
            estimate = float(torch.dot(first.u, first.weight.flatten(1) @ first.v))
        assert estimate == pytest.approx(value, rel=0.05)


def test_mixed_precision_leaves_the_singular_value_alone() -> None:
    one, other = SpectralConv(generator(), 5, 7), SpectralConv(generator(), 5, 7)
    image = randoms(2, 5, 8, 8)
    with torch.autocast("cpu", torch.bfloat16):
        assert one(image).dtype == torch.bfloat16
    other(image)
    assert one.u.dtype == torch.float32
    assert torch.equal(one.u, other.u)


def test_the_spectral_weight_has_the_gradient_of_w_over_sigma() -> None:
    """d (W / sigma) / dW with sigma = u^T W v: against finite differences in float64."""
    layer = SpectralLinear(generator(), 3, 2).double().eval()
    weight = layer.weight.detach().clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda w: w / torch.dot(layer.u, w @ layer.v), weight)
    out = layer(randoms(4, 3, dtype=torch.float64)).square().sum()
    (slope,) = torch.autograd.grad(out, layer.weight)
    step = torch.zeros_like(layer.weight)
    step[0, 1] = 1e-6
    with torch.no_grad():
        layer.weight.add_(step)
        more = layer(randoms(4, 3, dtype=torch.float64)).square().sum()
    assert float((more - out.detach()) / 1e-6) == pytest.approx(float(slope[0, 1]), rel=1e-3)


def test_alpha_lets_the_encoder_in() -> None:
    block = StyledBlock(generator(), 4, 6, CODE, enlarge=True, skip=0.0)
    image, code, seen = randoms(2, 4, 5, 3), randoms(2, CODE), randoms(2, 6, 10, 6, seed=8)
    closed = block(image, code, seen)
    assert closed.shape == (2, 6, 10, 6)
    torch.testing.assert_close(closed, block(image, code, 100 * seen), rtol=1e-3, atol=1e-4)
    assert block.alpha is not None
    with torch.no_grad():
        block.alpha.fill_(1.0)
    assert not torch.allclose(block(image, code, seen), closed, atol=1e-2)


def test_heads_add_up_in_front_of_the_tanh() -> None:
    head = RgbHead(generator(), 4, CODE)
    image, code, smaller = randoms(1, 4, 6, 8), randoms(1, CODE), torch.tanh(randoms(1, 3, 3, 4))
    alone, both = head(image, code, None), head(image, code, smaller)
    wanted = torch.atanh(alone.double()) + doubled(smaller).double()
    torch.testing.assert_close(torch.atanh(both.double()), wanted, rtol=1e-3, atol=1e-3)
    assert both.abs().max() < 1


def test_pixel_norm_and_drawn_weights() -> None:
    torch.testing.assert_close(pixel_norm(7 * randoms(3, CODE)).square().mean(1), torch.ones(3))
    weights = drawn(generator(), 40, 50, 3, 3, gain=1.4)
    assert float(weights.detach().std()) == pytest.approx(1.4 / np.sqrt(450), rel=0.02)


@pytest.mark.parametrize("side", [16, 32, 64])
def test_shapes(side: int) -> None:
    config = net(side)
    deg, syn, critic = (
        DegNet(config, generator()),
        SynNet(config, generator()),
        Discriminator(config, generator()),
    )
    hq, lq = (torch.tanh(randoms(2, 3, side, side, seed=n)) for n in (1, 2))
    omega = deg(hq, lq)
    assert omega.shape == (2, CODE)
    features = syn.encoder(hq)
    sides = [part.shape[2] for part in features]
    assert sides == [4, *(4 << depth for depth in range(config.halvings + 1))]
    assert [part.shape[1] for part in features][1:] == [
        config.channels(depth) for depth in range(config.halvings, -1, -1)
    ]
    fake = syn(hq, omega)
    assert fake.shape == hq.shape
    assert fake.abs().max() < 1
    assert critic(lq, hq, omega).shape == (2, 1)
    inside: list[torch.Tensor] = []
    critic.blocks[-1].register_forward_hook(lambda *found: inside.append(found[-1]))
    critic(lq, hq, omega)
    assert inside[0].shape[2:] == (8, 8)  # as published, at any side


def test_the_published_sizes() -> None:
    config = RedegnetConfig().net
    assert (config.side, config.code, config.halvings, config.unit) == (256, 512, 6, 64)
    assert [config.channels(depth) for depth in range(7)] == [64, 128, 256, 512, 512, 512, 512]
    with pytest.raises(ValidationError, match="power of two"):
        RedegnetNetConfig(side=48)


def test_every_weight_gets_a_gradient() -> None:
    config = net(32)
    deg, syn, critic = (
        DegNet(config, generator()),
        SynNet(config, generator()),
        Discriminator(config, generator()),
    )
    hq, lq = (torch.tanh(randoms(2, 3, 32, 32, seed=n)) for n in (1, 2))
    omega = deg(hq, lq)
    fake = syn(hq, omega)
    (losses.pixel_loss(fake, lq) + losses.synthesis_loss(critic(fake, hq, omega))).backward()
    for module in (deg, syn, critic):
        for name, parameter in module.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.abs().sum() > 0, name


def test_a_large_picture_is_what_its_middle_is_as_a_tile() -> None:
    """Only convolutions: far from borders a tile cut from an image, on the grid of `unit`, gives
    the pixels of the whole."""
    config = net(16)  # two halvings: a pixel sees about 60 pixels around it
    syn = SynNet(config, generator()).eval()
    code = randoms(CODE).numpy()
    image = photograph(3, 192, 200)
    whole, part = synthesize(syn, image, code), synthesize(syn, image[16:176, 20:180], code)
    assert whole.shape == image.shape
    np.testing.assert_allclose(part[72:88, 72:88], whole[88:104, 92:108], atol=2e-3)
    assert np.abs(part[:8, :8] - whole[16:24, 20:28]).max() > 0.01  # at its border a tile sees less
    fixed = syn(signed(image[None, :16, :16].copy()), torch.from_numpy(code)[None])
    np.testing.assert_array_equal(synthesize(syn, image[:16, :16], code), levels(fixed)[0])


@pytest.mark.parametrize("shape", [(37, 31), (1, 1), (64, 33)])
def test_any_size_is_padded_and_cut(shape: tuple[int, int]) -> None:
    syn = SynNet(net(32), generator()).eval()
    image, code = photograph(1, *shape), randoms(CODE).numpy()
    found = synthesize(syn, image, code)
    assert found.shape == image.shape
    assert found.dtype == np.float64
    assert found.min() >= 0
    assert found.max() <= 255
    wide = np.pad(image, [(0, -side % 8) for side in shape] + [(0, 0)], "symmetric")
    np.testing.assert_array_equal(found, synthesize(syn, wide, code)[: shape[0], : shape[1]])
    np.testing.assert_array_equal(found, synthesize(syn, np.asfortranarray(image), code))


def test_a_representation_does_not_depend_on_the_pairs_beside_it() -> None:
    deg = DegNet(net(16), generator())
    hq, lq = (np.stack([photograph(seed + n, 16, 16) for n in range(3)]) for seed in (1, 5))
    together = represent(deg, hq, lq)
    assert together.shape == (3, CODE)
    assert deg.training
    np.testing.assert_array_equal(together[1:2], represent(deg, hq[1:2], lq[1:2]))
    assert (
        np.abs(together[0] - represent(deg, lq[:1], hq[:1])[0]).max() > 0
    )  # which of the two is the LQ matters


def test_losses_by_hand() -> None:
    one, other = torch.tensor([[1.0, 2.0]]), torch.tensor([[2.0, 0.0]])
    assert float(losses.same_loss(one, other)) == 1.5
    assert float(losses.contrast_loss(one, other)) == pytest.approx(4 / (15 + 1e-7))
    assert float(losses.contrast_loss(one, one)) == pytest.approx(4e7)
    real, fake = torch.tensor([[0.5], [2.0]]), torch.tensor([[-3.0], [0.0]])
    assert float(losses.discriminator_loss(real, fake)) == pytest.approx(0.25 + 0.5)
    assert float(losses.synthesis_loss(fake)) == 1.5
    assert float(losses.accuracy(real, fake)) == 1.0
    assert float(losses.accuracy(fake, real)) == 0.0


def test_swapped_representations_go_to_the_other_picture() -> None:
    natural, face = torch.zeros(2, CODE), torch.ones(2, CODE)
    assert losses.swapped(natural, face, swap=False).tolist() == torch.cat([natural, face]).tolist()
    assert losses.swapped(natural, face, swap=True).tolist() == torch.cat([face, natural]).tolist()


def test_levels_and_signs() -> None:
    image = np.arange(256, dtype=np.uint8).reshape(1, 8, 32, 1).repeat(3, axis=3)
    assert (float(signed(image).min()), float(signed(image).max())) == (-1, 1)
    np.testing.assert_allclose(levels(signed(image)), image, atol=1e-4)
