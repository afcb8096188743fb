"""The patch discriminator of KernelGAN for many lanes at once, with a hand-written backward pass.

Per lane: 7x7 convolution 3 -> 64, five blocks of [1x1 convolution, normalisation over the crop's
positions, ReLU], and a 1x1 convolution to one logit per position; all convolutions are spectrally
normalised. Three identities make it cheap, and none of them changes its output:

* nothing stands between the 7x7 convolution and the first 1x1 convolution, so the two are one
  matrix;
* normalisation removes any constant, so the biases before it have no effect and are left out;
* normalisation removes any factor except beside its epsilon: N_eps(y / sigma) = N_(eps sigma^2)(y),
  so the spectral norms appear as scalars and no weight is ever divided.

One power iteration is made per training iteration; the published code makes one in each of its
three runs.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from pairmill.models.kernelgan.generator import CHANNELS
from pairmill.models.kernelgan.unfold import overlap_add, windows

FIRST = 7
BLOCKS = 5
NORM_EPS = 1e-5
COLUMNS = 3 * FIRST**2
_GAMMA, _BETA, _LAST, _BIAS = 0, BLOCKS, 2 * BLOCKS, 2 * BLOCKS + 1


class Weights(NamedTuple):
    """Weights (or their gradients) of all lanes; T lanes, C = 64 channels."""

    first: Tensor
    """(T, C, 147): 3 -> C, 7x7; axes lane, output, (input, row, column)."""
    blocks: Tensor
    """(5, T, C, C): the 1x1 convolutions of the blocks."""
    rows: Tensor
    """(12, T, C): gamma of the five blocks, beta of the five blocks, the last convolution, and its
    bias in [:, 0]."""


class Spectral(NamedTuple):
    """Singular vectors and values of the normalised weights; constants of the gradient."""

    u_first: Tensor
    """(T, C, 1) left singular vector of `first`."""
    v_first: Tensor
    """(T, 147, 1)"""
    u_blocks: Tensor
    """(5, T, C, 1)"""
    v_blocks: Tensor
    """(5, T, C, 1)"""
    sigma_first: Tensor
    """(T,)"""
    sigma_blocks: Tensor
    """(5, T)"""
    sigma_last: Tensor
    """(T,), exact because the last layer is a single row."""


class Activations:
    """Working memory of one forward and backward pass over n crops of P positions per lane.

    Allocated once: tensors of this size that come and go cost more in page faults than in
    arithmetic.
    """

    def __init__(self, lanes: int, crops: int, side: int, like: Tensor) -> None:
        self.side = side
        reach = side - FIRST + 1
        shape = (lanes, CHANNELS, crops, reach * reach)
        self.columns = like.new_empty((lanes, COLUMNS, crops * reach * reach))
        """(T, 147, n P) input patches."""
        self.fused = like.new_empty((lanes, CHANNELS, COLUMNS))
        """(T, C, 147) product of the two first layers."""
        self.centred = [like.new_empty(shape) for _ in range(BLOCKS)]
        """Per block (T, C, n, P): mean-free output of the convolution."""
        self.scale = [like.new_empty((*shape[:3], 1)) for _ in range(BLOCKS)]
        """Per block (T, C, n, 1): 1 / sqrt(variance + eps sigma^2)."""
        self.outputs = [like.new_empty(shape) for _ in range(BLOCKS)]
        """Per block (T, C, n, P): output after ReLU."""
        self.bare = like.new_empty((lanes, crops, reach * reach))
        """(T, n, P): logits without the bias."""
        self.flow = like.new_empty(shape)
        self.scratch = like.new_empty(shape)


def draw_weights(rng: np.random.Generator) -> list[np.ndarray]:
    """Initial weights and singular vectors of one lane (KernelGAN, Sec. 4).

    Convolutions start uniform in +-1/sqrt(fan_in), gamma as N(1, 0.02), all else at zero.

    Returns:
        Five float32 arrays without a lane axis: first, blocks, rows, u of `first` (64, 1), u of the
            blocks (5, 64, 1).
    """
    first = _uniform(rng, (CHANNELS, COLUMNS), COLUMNS)
    blocks = _uniform(rng, (BLOCKS, CHANNELS, CHANNELS), CHANNELS)
    rows = np.zeros((2 * BLOCKS + 2, CHANNELS), np.float32)
    rows[_LAST] = _uniform(rng, (CHANNELS,), CHANNELS)
    rows[:BLOCKS] = 1.0 + 0.02 * rng.standard_normal((BLOCKS, CHANNELS), dtype=np.float32)
    u_first = _unit(rng.standard_normal((CHANNELS, 1), dtype=np.float32))
    u_blocks = _unit(rng.standard_normal((BLOCKS, CHANNELS, 1), dtype=np.float32))
    return [first, blocks, rows, u_first, u_blocks]


def power_iteration(weights: Weights, u_first: Tensor, u_blocks: Tensor) -> Spectral:
    """One power iteration per matrix and lane from the given left vectors (Miyato et al. 2018,
    algorithm 1).

    Args:
        weights: the discriminators of T lanes.
        u_first: (T, C, 1); u_blocks: (5, T, C, 1); unit vectors of the iteration before.
    """
    lanes = u_first.shape[0]
    flat = weights.blocks.view(BLOCKS * lanes, CHANNELS, CHANNELS)
    u1, v1, s1 = _power_step(weights.first, u_first)
    ub, vb, sb = _power_step(flat, u_blocks.view(BLOCKS * lanes, CHANNELS, 1))
    shape = (BLOCKS, lanes, CHANNELS, 1)
    last = weights.rows[_LAST].square().sum(-1).sqrt()
    return Spectral(u1, v1, ub.view(shape), vb.view(shape), s1, sb.view(BLOCKS, lanes), last)


def forward(weights: Weights, spectral: Spectral, crops: Tensor, into: Activations) -> Tensor:
    """Logits of n crops per lane; statistics are those of the single crop.

    Args:
        weights, spectral: the discriminators of T lanes.
        crops: (T, n, 3, m, m), values in [-1, 1].
        into: overwritten with what the backward passes need.

    Returns:
        (T, n, P) with P = (m - 6)^2. The probability of "real" is sigmoid(logits).
    """
    lanes = crops.shape[0]
    patches = windows(crops.transpose(1, 2), into.side - FIRST + 1)
    into.columns.view(patches.shape).copy_(patches)
    torch.bmm(weights.blocks[0], weights.first, out=into.fused)
    torch.bmm(into.fused, into.columns, out=_flat(into.centred[0]))
    for block in range(BLOCKS):
        if block:
            torch.bmm(
                weights.blocks[block],
                _flat(into.outputs[block - 1]),
                out=_flat(into.centred[block]),
            )
        _norm(weights, _epsilon(spectral, block), into, block)
    last = weights.rows[_LAST] / spectral.sigma_last[:, None]
    torch.bmm(last[:, None], _flat(into.outputs[-1]), out=into.bare.view(lanes, 1, -1))
    return into.bare + weights.rows[_BIAS, :, :1, None]


def backward_input(weights: Weights, spectral: Spectral, seen: Activations, grad: Tensor) -> Tensor:
    """Gradient of the crops from that of the logits; the weights are constants.

    Args:
        weights, spectral: as in the forward pass.
        seen: of the forward pass.
        grad: (T, n, P), dL/dlogits.

    Returns:
        (T, n, 3, m, m).
    """
    last = weights.rows[_LAST] / spectral.sigma_last[:, None]
    torch.mul(last[:, :, None, None], grad[:, None], out=seen.flow)
    for block in reversed(range(BLOCKS)):
        _norm_backward(weights, seen, block)
        if block:
            torch.bmm(weights.blocks[block].mT, _flat(seen.scratch), out=_flat(seen.flow))
    torch.bmm(seen.fused.mT, _flat(seen.scratch), out=seen.columns)
    reach = seen.side - FIRST + 1
    taps = seen.columns.view(grad.shape[0], 3, FIRST, FIRST, grad.shape[1], reach, reach)
    return overlap_add(taps).transpose(1, 2)


def backward_weights(
    weights: Weights, spectral: Spectral, seen: Activations, grad: Tensor, out: Weights
) -> None:
    """Gradients of all weights from that of the logits, through the spectral norms as well.

    Args:
        weights, spectral: as in the forward pass.
        seen: of the forward pass.
        grad: (T, n, P), dL/dlogits.
        out: shaped like `weights`, overwritten with dL/dW.
    """
    _last_backward(weights, spectral, seen, grad, out)
    grad_eps: list[Tensor] = []
    for block in reversed(range(BLOCKS)):
        beta, gamma, eps = _norm_backward(weights, seen, block)
        torch.sum(beta, (2, 3), out=out.rows[_BETA + block])
        torch.sum(gamma, (2, 3), out=out.rows[_GAMMA + block])
        grad_eps.insert(0, eps.sum((1, 2, 3)))
        flow = _flat(seen.scratch)
        if block:
            torch.bmm(flow, _flat(seen.outputs[block - 1]).mT, out=out.blocks[block])
            torch.bmm(weights.blocks[block].mT, flow, out=_flat(seen.flow))
    fused = torch.bmm(_flat(seen.scratch), seen.columns.mT)
    torch.bmm(weights.blocks[0].mT, fused, out=out.first)
    torch.bmm(fused, weights.first.mT, out=out.blocks[0])
    _spectral_backward(spectral, torch.stack(grad_eps), out)


def _uniform(rng: np.random.Generator, shape: tuple[int, ...], fan_in: int) -> np.ndarray:
    bound = np.float32(fan_in**-0.5)
    return (2 * rng.random(shape, dtype=np.float32) - 1) * bound


def _unit(vectors: np.ndarray) -> np.ndarray:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-2, keepdims=True), np.float32)


def _power_step(matrix: Tensor, u: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    v = torch.bmm(matrix.mT, u)
    v = v / v.square().sum(1, keepdim=True).sqrt_()
    u = torch.bmm(matrix, v)
    sigma = u.square().sum(1, keepdim=True).sqrt_()
    return u / sigma, v, sigma[:, 0, 0]


def _epsilon(spectral: Spectral, block: int) -> Tensor:
    """(T, 1, 1, 1): the normalisation's epsilon times the squared norm of everything since the
    block before.
    """
    sigma = spectral.sigma_blocks[block]
    # Nothing stands between the 7x7 convolution and the first block: one factor for both.
    if block == 0:
        sigma = sigma * spectral.sigma_first
    return (NORM_EPS * sigma.square())[:, None, None, None]


def _affine(weights: Weights, block: int) -> tuple[Tensor, Tensor]:
    gamma = weights.rows[_GAMMA + block][:, :, None, None]
    beta = weights.rows[_BETA + block][:, :, None, None]
    return gamma, beta


def _flat(tensor: Tensor) -> Tensor:
    """(T, C, n, P) as the matrices (T, C, n P)."""
    return tensor.view(*tensor.shape[:2], -1)


def _norm(weights: Weights, epsilon: Tensor, into: Activations, block: int) -> None:
    """Normalisation, affine map and ReLU of one block: `centred` holds the convolution's output,
    and loses its mean.
    """
    value, output = into.centred[block], into.outputs[block]
    count = value.shape[-1]
    value -= value.sum(-1, keepdim=True).div_(count)
    torch.mul(value, value, out=output)
    variance = output.sum(-1, keepdim=True).div_(count)
    scale = torch.sqrt(variance + epsilon).reciprocal_()
    into.scale[block].copy_(scale)
    gamma, beta = _affine(weights, block)
    torch.mul(value, gamma * scale, out=output).add_(beta).relu_()


def _norm_backward(
    weights: Weights, seen: Activations, block: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Through ReLU and normalisation: `flow` holds the gradient of the output, `scratch` gets that
    of the convolution.

    Returns:
        Gradients of beta, gamma and the epsilon, (T, C, n, 1) each.
    """
    centred, scale, flow, scratch = seen.centred[block], seen.scale[block], seen.flow, seen.scratch
    gamma, _ = _affine(weights, block)
    torch.ops.aten.threshold_backward.grad_input(flow, seen.outputs[block], 0.0, grad_input=flow)
    total = flow.sum(-1, keepdim=True)
    torch.mul(flow, centred, out=scratch)
    moment = scratch.sum(-1, keepdim=True)
    gain = gamma * scale
    drift = gain * scale * scale * moment
    flow.mul_(gain).sub_(gain * total / flow.shape[-1])
    torch.mul(centred, drift / -flow.shape[-1], out=scratch).add_(flow)
    return total, scale * moment, drift * -0.5


def _last_backward(
    weights: Weights, spectral: Spectral, seen: Activations, grad: Tensor, out: Weights
) -> None:
    """Through the last convolution: fills its gradients, leaves that of its input in `flow`."""
    lanes = grad.shape[0]
    direction = weights.rows[_LAST] / spectral.sigma_last[:, None]
    along = torch.bmm(_flat(seen.outputs[-1]), grad.reshape(lanes, -1, 1))[:, :, 0]
    radial = (seen.bare * grad).sum((1, 2))[:, None]
    out.rows[_LAST].copy_((along - direction * radial) / spectral.sigma_last[:, None])
    out.rows[_BIAS, :, 0].copy_(grad.sum((1, 2)))
    torch.mul(direction[:, :, None, None], grad[:, None], out=seen.flow)


def _spectral_backward(spectral: Spectral, grad_eps: Tensor, out: Weights) -> None:
    """Adds the gradient through sigma, d sigma / dW = u v^T, to all matrices but the last;
    `grad_eps` is (5, T).
    """
    grad_sigma = 2 * NORM_EPS * grad_eps * spectral.sigma_blocks
    joint = grad_sigma[0] * spectral.sigma_first
    slope = (joint * spectral.sigma_blocks[0])[:, None, None]
    out.first.baddbmm_(spectral.u_first * slope, spectral.v_first.mT)
    grad_sigma[0] = joint * spectral.sigma_first
    left = (spectral.u_blocks * grad_sigma[:, :, None, None]).flatten(0, 1)
    out.blocks.view(-1, CHANNELS, CHANNELS).baddbmm_(left, spectral.v_blocks.flatten(0, 1).mT)
