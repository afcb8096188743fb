"""Properties of every network. A new network is one line in `tests.support.networks.SMALL`."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import mse_loss

from pairmill.models.archs import NETWORKS, build
from pairmill.models.archs.deployed import ALLOWED, difference, write_onnx
from pairmill.models.archs.layers import Network
from pairmill.models.functional.resize import bicubic_down
from pairmill.schemas.network import NETWORK_CONFIG, NETWORK_CONFIGS
from tests.support.make import photograph
from tests.support.networks import SMALL, network_of, pictures, views

SCALES = (1, 2, 3, 4, 8)
STEPS = 200
LIKE_ANOTHER = {"swinir-direct", "swinir-nearest", "lapsrn-shared", "carn-m", "prosr-heads"}
"""Of a kind with another one in the list: what takes long is done with one of each."""
pytestmark = [pytest.mark.parametrize("name", SMALL), pytest.mark.usefixtures("one_torch_thread")]


def used(network: Network, lr: Tensor) -> Tensor:
    with torch.no_grad():
        return network(lr)


def not_drawn(network: Network) -> set[str]:
    """Weights that begin as what the class of their layer says: bilinear, the identity."""
    layers = network.named_modules()
    return {f"{key}.weight" for key, layer in layers if not getattr(layer, "drawn", True)}


def test_it_is_in_the_table(name: str) -> None:
    assert NETWORKS.keys() == NETWORK_CONFIGS.keys() == {config.arch for config in SMALL.values()}
    config = SMALL[name]
    assert NETWORK_CONFIG.validate_json(config.canonical_json()) == config
    assert type(config) is NETWORK_CONFIGS[config.arch]
    assert config.words().startswith(config.arch)


@pytest.mark.parametrize("size", [(21, 17), (1, 1)])
def test_the_picture_is_scale_times_as_large(name: str, size: tuple[int, int]) -> None:
    for scale in SCALES:
        if SMALL[name].problem(scale) is None:
            found = used(network_of(name, scale), pictures(2, *size))
            assert found.shape == (2, 3, scale * size[0], scale * size[1])
            assert found.dtype == torch.float32
            assert torch.isfinite(found).all()


def test_a_network_of_several_scales_is_one_network(name: str) -> None:
    """The scale that it is built for is one of them, and each makes images of its size with the
    same weights."""
    scale = max(scale for scale in SCALES if SMALL[name].problem(scale) is None)
    network = network_of(name, scale)
    scales = SMALL[name].heads_at(scale)
    assert scale in scales == tuple(sorted(scales))
    assert [view.scale for view in views(network)] == list(scales)
    for view in views(network):
        assert used(view, pictures(1, 5, 4)).shape == (1, 3, 5 * view.scale, 4 * view.scale)
        assert view.state_dict().keys() == network.state_dict().keys()


def test_other_scales_are_an_error_that_says_which_work(name: str) -> None:
    config = SMALL[name]
    wrong = [scale for scale in (*SCALES, 5, 0) if config.problem(scale)]
    assert {0, 5} <= set(wrong) < {*SCALES, 0, 5}
    for scale in wrong:
        with pytest.raises(
            ValueError,
            match=rf"{config.arch}.* cannot be built for scale {scale}: it works for .*\d and \d",
        ):
            build(config, scale)


def test_a_gradient_reaches_every_weight(name: str) -> None:
    """From weights that have moved a little: where a recursion begins as the identity, all images
    of an ensemble are equal, and at that very point nothing says which should weigh more."""
    network = network_of(name).train()
    moved = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for value in network.parameters():
            value.add_(0.01 * torch.randn(value.shape, generator=moved))
    for view in views(network):
        view(pictures(2, 13, 11)).square().sum().backward()
    idle = [
        key
        for key, value in network.named_parameters()
        if value.grad is None or not value.grad.any()
    ]
    assert idle == []


def test_weights_come_from_the_seed_alone(name: str) -> None:
    first = network_of(name, seed=1).state_dict()
    before = torch.get_rng_state()
    torch.manual_seed(5)
    moved, numpys = torch.get_rng_state(), str(np.random.get_state(legacy=False))  # noqa: NPY002
    again, second = network_of(name, seed=1).state_dict(), network_of(name, seed=2)
    other, given = second.state_dict(), not_drawn(second)
    assert torch.equal(torch.get_rng_state(), moved)
    assert str(np.random.get_state(legacy=False)) == numpys  # noqa: NPY002
    torch.set_rng_state(before)
    assert all(torch.equal(first[key], again[key]) for key in first)
    drawn = [
        key for key, value in first.items() if value.ndim == 4 and value.any() and key not in given
    ]
    assert len(drawn) >= 3
    assert not any(torch.equal(first[key], other[key]) for key in drawn)


def test_pictures_of_a_batch_do_not_mix(name: str) -> None:
    network, batch = network_of(name), pictures(3, 19, 14)
    together = used(network, batch)
    for number in range(3):
        torch.testing.assert_close(
            together[number], used(network, batch[number : number + 1])[0], rtol=0, atol=1e-5
        )


def test_training_and_use_are_the_same_function(name: str) -> None:
    """Nothing is drawn and nothing is counted: no dropout, no EMAs."""
    network, batch = network_of(name).train(), pictures(2, 19, 14)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    trained = used(network, batch)
    assert torch.equal(trained, used(network, batch))
    assert torch.equal(trained, used(network.eval(), batch))
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


def test_state_goes_into_another_network(name: str) -> None:
    one, other, batch = network_of(name, seed=1), network_of(name, seed=2), pictures(1, 19, 14)
    assert not torch.allclose(used(one, batch), used(other, batch), rtol=0, atol=1e-6)
    other.load_state_dict(copy.deepcopy(one.state_dict()))
    assert torch.equal(used(one, batch), used(other, batch))
    assert torch.equal(used(copy.deepcopy(one), batch), used(one, batch))


def test_the_input_is_left_alone(name: str) -> None:
    batch = pictures(1, 19, 14)
    used(network_of(name), batch)
    assert torch.equal(batch, pictures(1, 19, 14))


def test_it_works_in_float64_to_the_same_result(name: str) -> None:
    network, batch = network_of(name), pictures(1, 9, 7)
    exact = used(copy.deepcopy(network).double(), batch.double())
    assert exact.dtype == torch.float64
    torch.testing.assert_close(used(network, batch).double(), exact, rtol=1e-3, atol=1e-4)


def test_one_batch_is_learned_by_heart(name: str) -> None:
    """In 200 steps of Adam the squared error falls below a tenth of what the mean colour leaves;
    bicubic leaves 0.16 of it."""
    if name in LIKE_ANOTHER:
        pytest.skip("one of each kind is enough")
    hr = photograph(3, 10, 6, noise=0)
    lr, wanted = (
        torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255
        for image in (bicubic_down(hr, 2), hr)
    )
    network, enough = network_of(name).train(), 0.1 * wanted.var((2, 3)).mean()
    optimiser = torch.optim.Adam(network.parameters(), betas=(0.9, 0.99))
    for step in range(STEPS):
        optimiser.param_groups[0]["lr"] = 2e-3 * (1 - step / STEPS)
        loss = mse_loss(network(lr), wanted)
        if loss < enough:
            break
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert mse_loss(used(network, lr), wanted) < enough


def test_mixed_precision_is_near(name: str) -> None:
    network, batch = network_of(name), pictures(1, 19, 14)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = used(network, batch)
    torch.testing.assert_close(found.float(), used(network, batch), rtol=0, atol=0.05)


@pytest.mark.slow
def test_it_compiles_as_one_graph(name: str) -> None:
    network, batch = network_of(name), pictures(2, 16, 12)
    torch._dynamo.reset()
    compiled: Any = torch.compile(network, backend="eager", fullgraph=True)
    torch.testing.assert_close(used(compiled, batch), used(network, batch), rtol=0, atol=1e-6)


@pytest.mark.slow
def test_its_onnx_program_gives_the_same(name: str) -> None:
    """For batches and sizes other than that with which it was recorded."""
    network = network_of(name)
    if network.no_program:
        with pytest.raises(ValueError, match=network.no_program):
            write_onnx(network)
        return
    assert difference(write_onnx(network), network) < ALLOWED
