"""What a version has too little of."""

from __future__ import annotations

import numpy as np
import pytest

from pairmill.pipeline.pools.thin import thin
from pairmill.pipeline.report.pool_rows import margin
from pairmill.schemas.report import KernelsSection


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({"images": 9, "kernels": 9, "noise_patches": 16, "noise_photographs": 3}, []),
        ({"images": 9}, []),  # draws from no pool
        ({"images": 9, "noise_patches": 4, "noise_photographs": 1}, ["4 patches of 1 photo,"]),
        ({"images": 9, "noise_patches": 64, "noise_photographs": 2}, ["64 patches of 2 photos,"]),
        ({"images": 9, "noise_patches": 0, "noise_photographs": 0}, ["made on the sensor"]),
        ({"images": 9, "kernels": 2, "kernels_rejected": 7}, ["2 kernels; 7 photos gave none"]),
        ({"images": 3, "kernels": 3}, ["3 kernels. Give", "pairs are of 3 images"]),
    ],
)
def test_thin_pools_are_named(counts: dict[str, int], said: list[str]) -> None:
    found = thin(counts)
    assert len(found) == len(said)
    assert all(part in text for part, text in zip(said, found, strict=True))


def test_what_cannot_be_seen_of_any_kernel_is_cropped() -> None:
    """Of 9 x 9: a peak of 1 in the middle, and 0.1 at two pixels from the border of the second."""
    kernels = np.zeros((2, 9, 9))
    kernels[:, 4, 4] = 1
    kernels[1, 6, 2] = -0.1
    kernels[0, 0, 0] = 0.01
    assert margin(kernels) == 2
    assert margin(np.ones((1, 5, 5))) == 0


def test_reports_of_before_show_kernels_whole() -> None:
    assert KernelsSection.model_fields["mean_side"].default == 0
