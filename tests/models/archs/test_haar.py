"""The Haar transform, by numbers."""

from __future__ import annotations

import torch

from pairmill.models.archs.haar import haar, unhaar
from tests.support.networks import pictures


def test_four_pixels() -> None:
    """1 2 above 3 4: the sum is twice 5 / 2, rows differ by 2, columns by 1, diagonals not."""
    block = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    assert haar(block).flatten().tolist() == [5.0, 1.0, 2.0, 0.0]


def test_bands_are_grouped() -> None:
    bands = haar(pictures(1, 6, 4))
    assert bands.shape == (1, 12, 3, 2)
    torch.testing.assert_close(
        bands[:, :3], 2 * torch.nn.functional.avg_pool2d(pictures(1, 6, 4), 2)
    )


def test_the_inverse_is_exact_and_the_energy_stays() -> None:
    image = pictures(2, 38, 30).double()
    bands = haar(image)
    torch.testing.assert_close(unhaar(bands), image, rtol=0, atol=1e-12)
    torch.testing.assert_close(bands.square().sum(), image.square().sum(), rtol=1e-12, atol=0)


def test_a_mirrored_image_changes_the_sign_of_what_differs_by_columns() -> None:
    image = pictures(1, 6, 8).double()
    signs = torch.tensor([1.0, -1.0, 1.0, -1.0]).double().repeat_interleave(3)[:, None, None]
    torch.testing.assert_close(haar(image.flip(3)), haar(image).flip(3) * signs)
