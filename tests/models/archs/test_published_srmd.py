"""Published SRMDs, whose files lack the components of kernels: the user gives them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pairmill.models.archs import build
from pairmill.models.archs.aware import KernelAware
from pairmill.models.archs.kernel_code import downscaled
from pairmill.models.archs.published_srmd import code_of
from pairmill.models.archs.weights import load_network, write_weights
from pairmill.models.functional.kernels import gaussian_kernel
from pairmill.schemas.errors import UserError
from pairmill.schemas.networks.srmd import SrmdConfig
from tests.support.networks import checkpoint, pictures

NAME = "srmd_x2.pth"
LARGE = SrmdConfig(features=8, depth=3)


def published(scale: int) -> bytes:
    """As a published file: weights alone."""
    state = build(LARGE, scale, 1).state_dict()
    return write_weights({key: state[key] for key in state if key.startswith("model.")}, "pth")


def pca() -> Any:
    """(15, 225): what KAIR's matrix is, for Gaussians of its own."""
    rng = np.random.default_rng(3)
    kernels = [
        gaussian_kernel(15, float(first), float(second), float(rng.uniform(0, np.pi)), 7).T.ravel()
        for first, second in np.sqrt(rng.uniform(0.1, 10, (200, 2)))
    ]
    return np.linalg.eigh(np.transpose(kernels) @ kernels)[1][:, ::-1][:, :15].T


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_code_is_p_times_the_kernel_before_downscaling(scale: int) -> None:
    side = 10 * scale + 1
    tensors, matrix = code_of(pca(), scale, side), pca()
    for width in (1e-3, 0.8, 2.5):
        blur = gaussian_kernel(15, max(width, 0.05), width + 0.05, 0.4, 7)
        kernel = downscaled(blur[None], scale, side)[0].ravel()
        found = tensors["code.basis"].double().numpy() @ kernel
        # Column by column, as MATLAB flattens.
        np.testing.assert_allclose(found, matrix @ blur.T.ravel(), atol=2e-4)


def test_a_published_file_with_its_components() -> None:
    network = load_network(published(2), NAME, pca=pca())
    assert isinstance(network, KernelAware)
    assert network.config == LARGE.with_(noise=True)
    with torch.no_grad():
        assert network(pictures(1, 5, 4)).shape == (1, 3, 10, 8)
    # Sealed: what is written from it needs nothing more.
    again = load_network(write_weights(network.state_dict()), "own.safetensors")
    assert torch.equal(again.state_dict()["code.basis"], network.code.basis)


def test_without_them_it_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"lacks the components(.|\n)*--pca FILE"):
        load_network(published(2), NAME)
    with pytest.raises(UserError, match="12 components"):
        load_network(published(2), NAME, pca=pca()[:12])
    with pytest.raises(UserError, match="15 x 200"):
        load_network(published(2), NAME, pca=pca()[:, :200])
    own = write_weights(build(LARGE, 2, 1).state_dict())
    with pytest.raises(UserError, match="already"):
        load_network(own, "own.safetensors", pca=pca())
    other = Path(checkpoint(tmp_path / "net.safetensors")).read_bytes()
    with pytest.raises(UserError, match="not told kernels"):
        load_network(other, "net.safetensors", pca=pca())
