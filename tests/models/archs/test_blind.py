"""IKC, KXNet, USRNet and IRCNN by numbers: counts, what is rendered, when corrections end."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pairmill.models.archs import build, build_empty
from pairmill.models.archs.aware import Degradation
from pairmill.models.archs.ikc import Ikc
from pairmill.models.archs.ircnn import Ircnn
from pairmill.models.archs.kxnet import KxNet, Stage
from pairmill.models.archs.observed import gaussian_kernels, observed
from pairmill.models.archs.recognise import recognise
from pairmill.models.archs.taught import Taught
from pairmill.models.archs.usrnet import UsrNet
from pairmill.schemas.errors import UserError
from pairmill.schemas.network import AnyNetworkConfig
from pairmill.schemas.networks.ikc import IkcConfig
from pairmill.schemas.networks.ircnn import IrcnnConfig
from pairmill.schemas.networks.kxnet import KxNetConfig
from pairmill.schemas.networks.sftmd import SftmdConfig
from pairmill.schemas.networks.usrnet import UsrNetConfig
from tests.support.make import photograph
from tests.support.networks import SMALL, network_of, pictures

pytestmark = pytest.mark.usefixtures("one_torch_thread")


def of(network: nn.Module) -> int:
    return sum(value.numel() for value in network.parameters())


@pytest.mark.parametrize(
    ("config", "scale", "count"),
    [
        (IrcnnConfig(), 1, 188_163),
        # Per stage 1 + 10 convolutions of 27 channels and 10 of 59, 89 or 131; and the maps' first.
        (KxNetConfig(), 2, 896 + 19 * (1 + 10 * (27 * 27 * 9 + 27) + 10 * (59 * 59 * 9 + 59))),
        (KxNetConfig(), 3, 896 + 19 * (1 + 10 * (27 * 27 * 9 + 27) + 10 * (89 * 89 * 9 + 89))),
        (KxNetConfig(), 4, 896 + 19 * (1 + 10 * (27 * 27 * 9 + 27) + 10 * (131 * 131 * 9 + 131))),
        (SftmdConfig(), 4, 4_234_691),
        (SftmdConfig(), 2, 4_086_979),
        (IkcConfig(), 4, 5_315_351),
    ],
)
def test_counts(config: AnyNetworkConfig, scale: int, count: int) -> None:
    assert of(build_empty(config, scale)) == count


def test_ircnn_sees_33_pixels_and_takes_nothing_away_at_first_where_its_last_layer_is_0() -> None:
    network = build(IrcnnConfig(features=4), 1, 1)
    x = pictures(1, 41, 43).requires_grad_()
    network(x)[0, 0, 20, 21].backward()
    assert x.grad is not None
    rows, columns = (x.grad[0].abs().sum((0, axis)).nonzero() for axis in (2, 1))
    assert [int(rows.min()), int(rows.max())] == [20 - 16, 20 + 16]
    assert [int(columns.min()), int(columns.max())] == [21 - 16, 21 + 16]
    assert network.reach() == 16 + 2
    last = network.get_submodule("model.12")
    assert isinstance(network, Ircnn)
    for value in last.parameters():
        nn.init.zeros_(value)
    torch.testing.assert_close(network(pictures(1)), pictures(1))


def test_ircnn_has_the_names_of_published_files() -> None:
    tensors = build_empty(IrcnnConfig(), 1).state_dict()
    assert [key for key in tensors if "weight" in key] == [
        f"model.{number}.weight" for number in range(0, 13, 2)
    ]
    assert recognise(tensors) == (IrcnnConfig(), 1)
    assert tensors["model.6.weight"].shape == (64, 64, 3, 3)


def ikc(**changes: object) -> Ikc:
    config = SMALL["ikc"].with_(**changes)
    network = build(config, 2, 1).eval()
    assert isinstance(network, Ikc)
    return network


def constant(network: nn.Module, value: float) -> None:
    """Let the last layer give this, whatever it sees."""
    *_, last = (layer for layer in network.modules() if isinstance(layer, nn.Conv2d))
    nn.init.zeros_(last.weight)
    assert last.bias is not None
    nn.init.constant_(last.bias, value)


@torch.no_grad()
def test_every_correction_is_rendered_and_the_last_is_the_result() -> None:
    network, lr = ikc(iterations=3), pictures(2, 13, 11)
    constant(network.corrector, 0.5)
    found = network.estimates(lr)
    assert len(found) == 1 + 3
    code = network.predictor(lr)
    for number, each in enumerate(found):
        expected = code + 0.5 * number
        torch.testing.assert_close(each.sr, network.network.rendered(lr, expected))
        torch.testing.assert_close(each.kernel, network.network.code.decode(expected))
    assert torch.equal(network(lr), found[-1].sr)
    assert not torch.allclose(found[-1].sr, found[-2].sr, rtol=0, atol=1e-6)


@torch.no_grad()
def test_corrections_end_where_the_code_has_settled() -> None:
    network, lr = ikc(iterations=7, settled=0.01), pictures(2, 13, 11)
    constant(network.corrector, 0.009)
    assert len(network.estimates(lr)) == 2, "one small correction is the last"
    constant(network.corrector, 0.011)
    assert len(network.estimates(lr)) == 8
    network.settled = 0.0
    constant(network.corrector, 0.0)
    assert len(network.estimates(lr)) == 8, "0 makes all"


@torch.no_grad()
def test_a_picture_that_has_settled_waits_for_the_others_unchanged() -> None:
    """The corrector stops where the first number of the code is above 1."""

    class Until(nn.Module):
        def forward(self, sr: Tensor, code: Tensor) -> Tensor:
            del sr
            return torch.where(code[:, :1] > 1, 0.0, 0.4).expand_as(code)

    class First(nn.Module):
        def forward(self, lr: Tensor) -> Tensor:
            del lr
            return torch.tensor([[0.9] * 3, [0.1] * 3])

    network, lr = ikc(iterations=5), pictures(2, 13, 11)
    network.corrector = Until()  # type: ignore[assignment]
    network.predictor = First()  # type: ignore[assignment]
    found = network.estimates(lr)
    kernels = network.network.code.decode(torch.tensor([[1.3] * 3, [1.3] * 3]))
    torch.testing.assert_close(found[-1].kernel, kernels)
    assert torch.equal(found[-1].sr[0], found[2].sr[0])
    assert not torch.equal(found[-1].sr[1], found[2].sr[1])


def test_corrections_can_begin_at_a_given_kernel() -> None:
    network, lr = ikc(), pictures(1, 9, 8)
    told = Degradation(gaussian_kernels(21, 2, [1.4]).float(), torch.zeros(1, 1, 9, 8))
    with torch.no_grad():
        first = network.estimates(lr, told)[0]
        torch.testing.assert_close(first.sr, network.network(lr, told))
    wide = Degradation(gaussian_kernels(31, 2, [4.5]).float(), told.noise)
    with pytest.raises(UserError, match="outside 21 x 21"):
        network.estimates(lr, wide)
    with pytest.raises(UserError, match="no kernel"):
        network.estimates(lr, Degradation(torch.ones(1, 4, 4) / 16, told.noise))


def toy(seed: int, count: int = 8) -> tuple[Tensor, Tensor, Degradation]:
    """LR, HR and kernels of two widths."""
    hr = torch.from_numpy(
        np.stack([photograph(seed + n, 32, 32, noise=0) for n in range(count)])
    ).permute(0, 3, 1, 2)
    hr = hr.float() / 255
    kernels = gaussian_kernels(11, 2, [0.5, 2.0]).float()[torch.arange(1, count + 1) // 2 % 2]
    lr = observed(hr, kernels, 2)
    return lr, hr, Degradation(kernels, lr.new_zeros(count, 1, 16, 16))


@pytest.mark.parametrize("name", ["ikc", "kxnet"])
def test_a_lesson_reaches_what_it_is_for(name: str) -> None:
    network = network_of(name).train()
    assert isinstance(network, Taught)
    lr, hr, told = toy(0, 4)
    if name == "kxnet":
        told = Degradation(gaussian_kernels(5, 2, [0.5]).float().expand(4, -1, -1), told.noise)
    losses = network.lesson(lr, hr, told)
    torch.stack(list(losses.values())).sum().backward()
    held = {id(value) for part in network.held() for value in part.parameters()}
    for value in network.parameters():
        assert (value.grad is not None and bool(value.grad.any())) != (id(value) in held)


def trained(network: Ikc, lr: Tensor, hr: Tensor, told: Degradation) -> None:
    """Both stages, in seconds."""
    first = torch.optim.Adam(network.network.parameters(), lr=1e-2)
    for _ in range(20):
        first.zero_grad()
        (network.network(lr, told) - hr).abs().mean().backward()
        first.step()
    learning = [*network.predictor.parameters(), *network.corrector.parameters()]
    second = torch.optim.Adam(learning, lr=3e-3)
    for _ in range(80):
        second.zero_grad()
        torch.stack(list(network.lesson(lr, hr, told).values())).sum().backward()
        second.step()


def test_ikc_learns_to_mend_codes() -> None:
    """Two widths, one component, so that codes are -1 and 1: the predictor finds them, and those
    taken for one another come back halfway in one correction."""
    config = SftmdConfig(features=8, blocks=1, modulation=4, code=1, kernel_size=11)
    network = build(
        IkcConfig(network=config, features=16, iterations=2, corrections=2, settled=0), 2, 3
    )
    assert isinstance(network, Ikc)
    lr, hr, told = toy(0)
    network.learn(told.kernel.double().numpy())
    encode = network.network.code.encode
    true = encode(told.kernel)
    torch.testing.assert_close(true.abs(), torch.ones(8, 1))
    trained(network, lr, hr, told)
    swapped = Degradation(told.kernel[[1, 0, 0, 1, 1, 0, 0, 1]], told.noise)
    with torch.no_grad():
        assert (network.predictor(lr) - true).abs().max() < 0.3
        found = [encode(each.kernel) for each in network.estimates(lr, swapped)]
    errors = [float((code - true).abs().mean()) for code in found]
    assert errors[0] == pytest.approx(2, abs=1e-3)
    assert max(errors[1:]) < 1.3


def test_kxnet_steps_follow_the_gradient_where_its_networks_find_nothing() -> None:
    network = build(KxNetConfig(stages=1, maps=2, kernel_size=5), 2, 1).double()
    assert isinstance(network, KxNet)
    (stage,) = network.stages
    assert isinstance(stage, Stage)
    for value in [*stage.kernel.parameters(), *stage.picture.parameters()]:
        nn.init.zeros_(value)
    lr = pictures(2, 37, 31).double()
    x, kernel = network.enlarge(lr), network.first.expand(2, -1, -1).clone().requires_grad_()
    error = (observed(x, kernel, 2) - lr).square().sum((1, 2, 3)) / (2 * 3 * 37 * 31)
    (slope,) = torch.autograd.grad(error.sum(), kernel)
    expected = torch.relu(kernel - 0.1 * slope + 1e-5)
    expected = expected / expected.sum((1, 2), keepdim=True)
    with torch.no_grad():
        found = network.estimates(lr)[-1]
    torch.testing.assert_close(found.kernel, expected.detach())
    torch.testing.assert_close(found.sr, x)


@torch.no_grad()
def test_usrnet_steps_explain_the_lr() -> None:
    """Without a denoiser, and with small penalties, its picture has the LR that it was given."""
    network = build(UsrNetConfig(features=8, blocks=1, iterations=2), 2, 1).eval()
    assert isinstance(network, UsrNet)
    for value in network.denoiser.parameters():
        nn.init.zeros_(value)
    lr, hr, told = toy(1, 2)
    nn.init.constant_(network.weight, -9.0)
    found = network(lr, told)
    inner = (slice(None), slice(None), slice(5, -5), slice(5, -5))
    missed = (observed(found, told.kernel, 2) - lr)[inner].abs().max()
    before = (observed(network.enlarge(lr), told.kernel, 2) - lr)[inner].abs().max()
    assert missed < 0.05 * before
    wrong = Degradation(told.kernel.flip(0), told.noise)
    assert (found - hr).square().mean() < (network(lr, wrong) - hr).square().mean()
