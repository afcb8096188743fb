"""Features of VGG-19 from a file, and the losses on them; a small network with the names of the
large one stands in for it."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from safetensors.torch import save
from torch import nn

from pairmill.models.losses.vgg import LAYERS, PLACES, feature_losses, gram, read_vgg
from tests.support.vgg import weights


def pth(value: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


def images(count: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(
        np.random.default_rng([2026, seed]).random((count, 3, 32, 37), dtype=np.float32)
    )


def test_places_are_torchvisions() -> None:
    """Known by heart: conv5_4 is features.34, conv1_2 is features.2, conv3_4 is features.16."""
    assert [PLACES[name] for name in LAYERS] == [2, 7, 16, 25, 34]
    assert sorted(PLACES.values()) == [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34]


def test_features_are_those_of_a_sequence_of_layers() -> None:
    """The network again as torchvision writes it: convolutions, ReLUs and maxima in one
    sequence."""
    given = weights()
    layers: list[nn.Module] = []
    for number in range(37):
        if f"features.{number}.weight" in given:
            weight = given[f"features.{number}.weight"]
            conv = nn.Conv2d(weight.shape[1], weight.shape[0], 3, padding=1)
            conv.load_state_dict(
                {part: given[f"features.{number}.{part}"] for part in ("weight", "bias")}
            )
            layers.append(conv)
        else:
            layers.append(nn.MaxPool2d(2) if number in (4, 9, 18, 27, 36) else nn.ReLU())
    values = (images(2) - torch.tensor([0.485, 0.456, 0.406])[:, None, None]) / torch.tensor(
        [0.229, 0.224, 0.225]
    )[:, None, None]
    found = read_vgg(pth(given))(images(2))
    assert list(found) == list(LAYERS)
    with torch.no_grad():
        for number, layer in enumerate(layers):
            values = layer(values)
            for name in LAYERS:
                if PLACES[name] == number:
                    torch.testing.assert_close(found[name], values)


def test_both_kinds_of_files_give_one_network() -> None:
    given = weights()
    one, other = read_vgg(pth(given)), read_vgg(save(given))
    assert all(torch.equal(one(images(1))[name], other(images(1))[name]) for name in LAYERS)
    assert not list(one.parameters())  # nothing of it is ever trained


def test_files_that_are_none() -> None:
    short = {name: value for name, value in weights().items() if name != "features.34.bias"}
    with pytest.raises(ValueError, match=r"no tensor 'features\.34\.bias'"):
        read_vgg(save(short))
    wrong = weights() | {"features.5.weight": torch.zeros(4, 9, 3, 3)}
    with pytest.raises(ValueError, match=r"conv2_1 is \(4, 9, 3, 3\)"):
        read_vgg(pth(wrong))
    for data in (b"", b"not a file of weights", pth([1, 2]), pth(weights())[:500]):
        with pytest.raises(ValueError, match=r"neither|no state dict"):
            read_vgg(data)


def test_gram_by_hand() -> None:
    features = torch.tensor([[[[1.0, 2.0]], [[3.0, 5.0]]]])
    assert gram(features).tolist() == [[[5 / 4, 13 / 4], [13 / 4, 34 / 4]]]


def test_losses_vanish_for_equal_pictures_and_style_forgets_places() -> None:
    vgg = read_vgg(save(weights()))
    one, other = images(2), images(2, 7)
    assert [float(loss) for loss in feature_losses(vgg, one, one)] == [0, 0]
    perceptual, style = feature_losses(vgg, one, other)
    features, targets = vgg(one), vgg(other)
    wanted = sum(
        weight * (features[name] - targets[name]).abs().mean() for name, weight in LAYERS.items()
    )
    torch.testing.assert_close(perceptual, wanted)
    assert style > 0
    still = torch.full((1, 3, 32, 32), 0.5)
    still[:, :, 8:24, 8:24] = 0.9
    moved = still.roll((2, 2), (2, 3))
    by_place, by_style = feature_losses(vgg, still, moved)
    assert float(by_style) < float(by_place) / 3


def test_the_gradient_goes_to_the_found_picture_only() -> None:
    vgg = read_vgg(save(weights()))
    one, other = images(1).requires_grad_(), images(1, 7).requires_grad_()
    by_place, by_style = feature_losses(vgg, one, other)
    (by_place + by_style).backward()
    assert one.grad is not None
    assert one.grad.abs().sum() > 0
    assert other.grad is None
