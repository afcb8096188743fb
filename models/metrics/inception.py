"""Inception-v3 as FID is defined on it (Szegedy et al., CVPR 2016; Heusel et al., NeurIPS 2017),
from a file of weights.

The file is a state dict with the names of torchvision's `inception_v3`, made of the TensorFlow
graph of 2015-12-05 with 1008 classes: `pt_inception-2015-12-05-6726825d.pth`, which most programs
for FID load. torchvision's own weights have 1000 classes and another network. Widths come from the
file, so that small files make small networks.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d, interpolate, max_pool2d, relu

SIDE, CLASSES = 299, 1008
"""Side of the images that the network sees, in pixels, and outputs of its last layer, by which the
weights are known."""
EPSILON = 1e-3
STEM: tuple[tuple[str, int, int], ...] = (
    ("Conv2d_1a_3x3", 2, 0),
    ("Conv2d_2a_3x3", 1, 0),
    ("Conv2d_2b_3x3", 1, 1),
    ("", 2, 0),
    ("Conv2d_3b_1x1", 1, 0),
    ("Conv2d_4a_3x3", 1, 0),
    ("", 2, 0),
)
"""Convolutions with stride and padding; a maximum of 3 x 3 where there is no name."""
_DOUBLE = ("branch3x3dbl_1", "branch3x3dbl_2")
_SEVEN = tuple(f"branch7x7dbl_{number}" for number in range(1, 6))
_A = (("branch1x1",), ("branch5x5_1", "branch5x5_2"), (*_DOUBLE, "branch3x3dbl_3"))
_B = (("branch3x3/2",), (*_DOUBLE, "branch3x3dbl_3/2"))
_C = (("branch1x1",), ("branch7x7_1", "branch7x7_2", "branch7x7_3"), _SEVEN)
_D = (
    ("branch3x3_1", "branch3x3_2/2"),
    ("branch7x7x3_1", "branch7x7x3_2", "branch7x7x3_3", "branch7x7x3_4/2"),
)
_E = (
    ("branch1x1",),
    ("branch3x3_1", "branch3x3_2a|branch3x3_2b"),
    (*_DOUBLE, "branch3x3dbl_3a|branch3x3dbl_3b"),
)
MIXED: dict[str, tuple[tuple[tuple[str, ...], ...], str]] = {
    **dict.fromkeys(("Mixed_5b", "Mixed_5c", "Mixed_5d"), (_A, "mean")),
    "Mixed_6a": (_B, ""),
    **dict.fromkeys(("Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e"), (_C, "mean")),
    "Mixed_7a": (_D, ""),
    "Mixed_7b": (_E, "mean"),
    "Mixed_7c": (_E, "max"),
}
"""Branches of every block, of convolutions one after the other (`/2` takes every second place, `|`
stands between two that see the same), and what the branch of its pool begins with; without one the
maximum halves the image."""


class Inception(nn.Module):
    """The network up to the mean over places, frozen."""

    def __init__(self, weights: dict[str, Tensor]) -> None:
        """Take the tensors of all convolutions and their batch norms.

        Raises:
            ValueError: if one is missing, or if the weights are not those that FID is defined with.
        """
        super().__init__()
        classes = weights.get("fc.bias")
        if classes is None or "Mixed_7c.branch_pool.conv.weight" not in weights:
            raise ValueError("no weights of Inception-v3 by torchvision's names")
        if len(classes) != CLASSES:
            raise ValueError(
                f"weights of Inception-v3 with {len(classes)} classes; FID is defined on those "
                f"with {CLASSES}"
            )
        for name in _names():
            try:
                self._take(name, weights)
            except KeyError as error:
                raise ValueError(f"Inception weights have no tensor {error}") from error

    def _take(self, name: str, weights: dict[str, Tensor]) -> None:
        """One convolution, its batch norm folded into it."""
        norm = [
            weights[f"{name}.bn.{part}"].double()
            for part in ("weight", "bias", "running_mean", "running_var")
        ]
        gain = norm[0] / torch.sqrt(norm[3] + EPSILON)
        filters = weights[f"{name}.conv.weight"].double() * gain[:, None, None, None]
        key = name.replace(".", "_")
        self.register_buffer(f"{key}_weight", filters.float())
        self.register_buffer(f"{key}_bias", (norm[1] - norm[2] * gain).float())

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, h, w) in [0, 1] to (B, d) features: d is 2048 in the published weights."""
        size = (SIDE, SIDE)
        x = 2 * interpolate(image, size=size, mode="bilinear", align_corners=False) - 1
        for name, stride, padding in STEM:
            x = self._convolved(name, x, stride, padding) if name else max_pool2d(x, 3, stride)
        for block, (branches, pool) in MIXED.items():
            x = self._mixed(block, branches, pool, x)
        return x.mean(dim=(2, 3))

    def _mixed(
        self, block: str, branches: tuple[tuple[str, ...], ...], pool: str, x: Tensor
    ) -> Tensor:
        outs = [self._branch(block, names, x) for names in branches]
        if pool == "mean":  # the graph's mean leaves out what lies beyond the border
            pooled = avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)
        elif pool == "max":
            pooled = max_pool2d(x, 3, stride=1, padding=1)
        else:
            return torch.cat([*outs, max_pool2d(x, 3, stride=2)], dim=1)
        return torch.cat([*outs, self._branch(block, ("branch_pool",), pooled)], dim=1)

    def _branch(self, block: str, names: tuple[str, ...], x: Tensor) -> Tensor:
        for name in names:
            path, _, half = name.partition("/")
            outs = [self._same(f"{block}.{part}", x, halved=bool(half)) for part in path.split("|")]
            x = torch.cat(outs, dim=1)
        return x

    def _same(self, name: str, x: Tensor, *, halved: bool) -> Tensor:
        """A convolution that keeps the size, or one without padding that halves it."""
        if halved:
            return self._convolved(name, x, 2, 0)
        height, width = self.get_buffer(f"{name.replace('.', '_')}_weight").shape[2:]
        return self._convolved(name, x, 1, (height // 2, width // 2))

    def _convolved(
        self, name: str, x: Tensor, stride: int, padding: int | tuple[int, int]
    ) -> Tensor:
        key = name.replace(".", "_")
        weight, bias = (self.get_buffer(f"{key}_{part}") for part in ("weight", "bias"))
        return relu(conv2d(x, weight, bias, stride=stride, padding=padding))


def _names() -> list[str]:
    """All convolutions, as the file names them."""
    names = [name for name, _, _ in STEM if name]
    for block, (branches, pool) in MIXED.items():
        parts = [part for branch in branches for name in branch for part in name.split("|")]
        names += [f"{block}.{part.removesuffix('/2')}" for part in parts]
        names += [f"{block}.branch_pool"] if pool else []
    return names
