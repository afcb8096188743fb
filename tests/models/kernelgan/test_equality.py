"""The fast formulation equals KernelGAN run layer by layer, in float64, over whole trajectories."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from types import ModuleType

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from pairmill.models.kernelgan import discriminator, generator, losses
from pairmill.models.kernelgan.fit import Trainer, draw_lanes
from pairmill.schemas.kernel import KernelGanConfig
from tests.support.paths import ROOT


def _layered() -> ModuleType:
    path = ROOT / "tests/support/layered_kernelgan.py"
    spec = importlib.util.spec_from_file_location("layered_kernelgan", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


layered = _layered()


def photograph(seed: int, height: int = 93, width: int = 121) -> np.ndarray:
    """Noise at three scales, as smooth and as rough as photos are."""
    rng = np.random.default_rng(seed)
    layers = (
        gaussian_filter(rng.normal(0, 60 * s, (height, width, 3)), (s, s, 0)) for s in (0.7, 2, 6)
    )
    return np.clip(sum(layers) + 128, 0, 255).astype(np.uint8)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_trajectories_are_those_of_the_layered_networks() -> None:
    config = KernelGanConfig(
        iterations=50,
        crop=40,
        learning_rate=1.5e-3,
        decay_at=(0.5,),
        sum_weight=0.5,
        bicubic_until=(0.6, 0.7, 0.8),
        bicubic_weights=(5.0, 5e-2, 5e-4, 5e-6),
        sparse_after=0.88,
    )
    # Training is chaotic: from some initial weights, the layered networks alone turn a relative
    # change of 1e-16 into
    # 1e-3 within 15 iterations. These are initial weights from which they do not.
    lanes = draw_lanes([photograph(1)], [5], config, [(0, 0)])
    trainer = Trainer(lanes, config, device="cpu", dtype=torch.float64)
    kernels, records = [], []
    with torch.no_grad():
        start = trainer.kernel[0].numpy().copy()
        for iteration in range(config.iterations):
            records.append(trainer.step(iteration)[0].numpy())
            kernels.append(trainer.kernel[0].numpy().copy())
    history = layered.train_lane(lanes[0], config)
    middle = len(kernels) // 2
    assert np.abs(history.kernels[-1]).max() > 1000 * np.abs(start).max(), (
        "the kernel never left its initial value"
    )
    assert np.abs(history.kernels[-1] - history.kernels[middle]).max() > 3e-4, (
        "the kernel stopped moving"
    )
    assert np.ptp(np.array(history.losses), axis=0).min() > 1e-3, "a loss stayed where it was"
    np.testing.assert_allclose(kernels, history.kernels, rtol=0, atol=1e-8)
    np.testing.assert_allclose(records, history.losses, rtol=0, atol=1e-8)


def test_published_schedule_differs_so_the_comparison_can_fail() -> None:
    schedule = {"bicubic_weights": (5.0, 0.05, 5e-4), "bicubic_until": (0.8, 0.9), "decay_at": ()}
    config = KernelGanConfig(iterations=10, crop=40, learning_rate=2e-3, **schedule)
    lane = draw_lanes([photograph(3)], [5], config, [(0, 0)])[0]
    right = layered.train_lane(lane, config).kernels[-1]
    summed = layered.train_lane(lane, config, layered.Defects(summed_channels=True)).kernels[-1]
    assert np.abs(right - summed).max() > 100 * 1e-8


def test_collapsed_kernel_is_the_response_of_the_layers() -> None:
    arrays = generator.draw_weights(np.random.default_rng(0))
    weights = generator.Weights(*(torch.from_numpy(a).double()[None] for a in arrays))
    layers = layered.Generator(arrays, torch.float64)
    kernel = generator.collapse(weights).kernel[0]
    torch.testing.assert_close(kernel, layers.kernel().detach(), rtol=1e-12, atol=0)
    crop = torch.rand(1, 3, 40, 40, dtype=torch.float64)
    downscaler = generator.Downscaler(1, 40, kernel)
    downscaler.load(crop)
    torch.testing.assert_close(
        downscaler.apply(kernel[None])[0], layers(crop[0]).detach(), rtol=1e-9, atol=1e-18
    )


def test_gradients_are_those_of_autograd() -> None:
    rng = np.random.default_rng(1)
    arrays = generator.draw_weights(rng)
    layers = layered.Generator(arrays, torch.float64)
    direction = torch.from_numpy(rng.normal(size=(13, 13)))
    (layers.kernel() * direction).sum().backward()
    weights = generator.Weights(*(torch.from_numpy(a).double()[None] for a in arrays))
    grads = generator.Weights(*map(torch.empty_like, weights))
    generator.collapse_backward(weights, generator.collapse(weights), direction[None], grads)
    for ours, layer in zip(grads, layers.layers, strict=True):
        torch.testing.assert_close(ours.flatten(), layer.grad.flatten(), rtol=1e-10, atol=1e-18)


def test_discriminator_gradients_are_those_of_autograd() -> None:
    rng = np.random.default_rng(2)
    arrays = discriminator.draw_weights(rng)
    nets = layered.Discriminator(arrays, torch.float64)
    stacked = [torch.from_numpy(a).double() for a in arrays]
    weights = discriminator.Weights(stacked[0][None], stacked[1][:, None], stacked[2][:, None])
    spectral = discriminator.power_iteration(weights, stacked[3][None], stacked[4][:, None])
    nets.power_iteration()
    crops = torch.from_numpy(rng.uniform(-1, 1, (2, 3, 14, 14))).requires_grad_()
    probability = torch.cat([nets(crop) for crop in crops])
    (probability[0].mean() + (1 - probability[1]).mean()).backward()
    seen = discriminator.Activations(1, 2, 14, stacked[0])
    logits = discriminator.forward(weights, spectral, crops.detach()[None], seen)
    torch.testing.assert_close(
        torch.sigmoid(logits[0]), probability.detach().flatten(1), rtol=1e-10, atol=0
    )
    slope = torch.cat(
        [losses.adversarial(logits[:, :1], 0.0)[1], losses.adversarial(logits[:, 1:], 1.0)[1]], 1
    )
    grads = discriminator.Weights(*map(torch.zeros_like, weights))
    discriminator.backward_weights(weights, spectral, seen, slope, grads)
    for place, conv in enumerate(nets.convs[1:6]):
        torch.testing.assert_close(
            grads.blocks[place, 0].flatten(), conv.grad.flatten(), rtol=1e-8, atol=1e-12
        )
    torch.testing.assert_close(
        grads.first[0].flatten(), nets.convs[0].grad.flatten(), rtol=1e-8, atol=1e-12
    )
    torch.testing.assert_close(
        grads.rows[10, 0], nets.convs[6].grad.flatten(), rtol=1e-8, atol=1e-12
    )
    torch.testing.assert_close(grads.rows[11, 0, 0], nets.biases[6].grad[0], rtol=1e-8, atol=1e-12)
    for place in range(5):
        torch.testing.assert_close(
            grads.rows[place, 0], nets.gammas[place].grad, rtol=1e-8, atol=1e-12
        )
        torch.testing.assert_close(
            grads.rows[5 + place, 0], nets.betas[place].grad, rtol=1e-8, atol=1e-12
        )
    grad_crops = discriminator.backward_input(weights, spectral, seen, slope)[0]
    torch.testing.assert_close(grad_crops, crops.grad, rtol=1e-8, atol=1e-12)
