"""Features of VGG-19 before ReLU, from a file of weights in torchvision's format, and losses on
them.

The widths come from the file, so that a small file of the same names makes a small network.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Collection

import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor, nn
from torch.nn.functional import conv2d, l1_loss, max_pool2d, relu

BLOCKS = (2, 2, 4, 4, 4)
"""Convolutions per block of VGG-19; each block but the first begins with a 2 x 2 maximum."""
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's images in [0, 1], which the weights were made for."""
LAYERS = {"conv1_2": 2.0, "conv2_2": 1.2, "conv3_4": 0.6, "conv4_4": 0.2, "conv5_4": 0.1}
"""Layers that are compared and their weights (ReDegNet's options)."""


def _places() -> dict[str, int]:
    """Index of every convolution among torchvision's `features`, which counts ReLUs and maxima
    too.
    """
    found, index = {}, 0
    for block, count in enumerate(BLOCKS, 1):
        for number in range(1, count + 1):
            found[f"conv{block}_{number}"] = index
            index += 2
        index += 1
    return found


PLACES = _places()


class Vgg(nn.Module):
    """The convolutions of VGG-19, frozen."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, weights: dict[str, Tensor]) -> None:
        """Take the tensors `features.N.weight` and `features.N.bias` of all sixteen convolutions.

        Raises:
            ValueError: if one is missing or does not fit the one before.
        """
        super().__init__()
        channels = 3
        for name, place in PLACES.items():
            try:
                weight, bias = (
                    weights[f"features.{place}.{part}"].float() for part in ("weight", "bias")
                )
            except KeyError as error:
                raise ValueError(f"VGG-19 weights have no tensor {error}") from error
            if weight.shape[1:] != (channels, 3, 3) or bias.shape != weight.shape[:1]:
                raise ValueError(
                    f"VGG-19 weights: {name} is {tuple(weight.shape)}, wanted (n, {channels}, 3, 3)"
                )
            self.register_buffer(f"{name}_weight", weight)
            self.register_buffer(f"{name}_bias", bias)
            channels = weight.shape[0]
        self.register_buffer("mean", torch.tensor(MEAN)[:, None, None])
        self.register_buffer("deviation", torch.tensor(DEVIATION)[:, None, None])

    def forward(self, image: Tensor, layers: Collection[str] = tuple(LAYERS)) -> dict[str, Tensor]:
        """(B, 3, h, w) in [0, 1], sides at least 16, to the features of `layers` before ReLU;
        nothing deeper is computed.
        """
        values = (image - self.mean) / self.deviation
        found: dict[str, Tensor] = {}
        for name in PLACES:
            if len(found) == len(layers):
                break
            if name.endswith("_1") and name != "conv1_1":
                values = max_pool2d(values, 2)
            values = conv2d(
                values,
                self.get_buffer(f"{name}_weight"),
                self.get_buffer(f"{name}_bias"),
                padding=1,
            )
            if name in layers:
                found[name] = values
            values = relu(values)
        return found


def read_vgg(data: bytes) -> Vgg:
    """VGG-19 of a file: safetensors, or what `torch.save` made of a state dict; nothing in it is
    executed.

    Raises:
        ValueError: if it is neither, or not VGG-19.
    """
    return Vgg(read_state_dict(data))


def read_state_dict(data: bytes) -> dict[str, Tensor]:
    """The tensors of a file by name, on the CPU: safetensors, or what `torch.save` made of a state
    dict; nothing is executed.

    Raises:
        ValueError: if it is neither.
    """
    try:
        return load(data)
    except SafetensorError:
        pass
    try:
        weights = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise ValueError("neither safetensors nor a state dict of torch") from error
    if not isinstance(weights, dict):
        raise ValueError("the file holds no state dict")
    return {name: value for name, value in weights.items() if isinstance(value, Tensor)}


def feature_losses(vgg: Vgg, found: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """Perceptual and style loss: weighted L1 of features, and of their Gram matrices divided by C H
    W.

    Args:
        vgg: the features.
        found: (B, 3, h, w) in [0, 1].
        wanted: the same; no gradient goes back through it.
    """
    with torch.no_grad():
        targets = vgg(wanted)
    features = vgg(found)
    perceptual = sum(
        (w * l1_loss(features[name], targets[name]) for name, w in LAYERS.items()),
        found.new_zeros(()),
    )
    style = sum(
        (w * l1_loss(gram(features[name]), gram(targets[name])) for name, w in LAYERS.items()),
        found.new_zeros(()),
    )
    return perceptual, style


def gram(features: Tensor) -> Tensor:
    """(B, C, h, w) to (B, C, C): inner products of channels, divided by C h w (Gatys et al.
    2016).
    """
    batch, channels, height, width = features.shape
    flat = features.reshape(batch, channels, height * width)
    return flat @ flat.transpose(1, 2) / (channels * height * width)
