"""Fixtures for all tests.

Contents:
    photo        one noisy photograph, 37 x 31 pixels (session)
    photographs  a folder with `real` and `clean` photographs of odd sizes, `lq` and `hq` pairs, and
    a `benchmark` (session) tiny         a corpus made of them by the serial executor, with all that
    went into each stage (session; never write there) tiny_copy    a copy of `tiny`'s workspace to
    damage (function) one_torch_thread    torch computes on one thread, whose results do not depend
    on the machine's load (function)

`tests.support.make` makes photographs and builds; `tests.support.alignment` measures shifts.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.support.make import Tiny, build_tiny, photograph, save


@pytest.fixture(scope="session")
def photo() -> NDArray[np.uint8]:
    return photograph(0)


@pytest.fixture(scope="session")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photographs")
    for seed, size in enumerate([(131, 113), (97, 121)]):
        save(photograph(seed, *size), folder / f"real/{seed}.png")
    with Image.open(
        folder / "real/1.png"
    ) as image:  # one of the two is a JPEG, so that some LR is compressed
        image.save(folder / "real/1.jpg", quality=88)
    (folder / "real/1.png").unlink()
    for seed, size in enumerate([(71, 67), (65, 83)], 10):
        save(photograph(seed, *size, noise=0), folder / f"clean/{seed}.png")
    (folder / "benchmark").mkdir()
    for seed in (10, 11):  # compared with, but never quite equal: the tiny recipe asks for 1.0
        with Image.open(folder / f"clean/{seed}.png") as image:
            image.save(folder / f"benchmark/{seed}.jpg", quality=70)
    for seed in range(2):
        hq = photograph(seed, 73, 67, noise=0)
        save(hq, folder / f"hq/{seed}.png")
        save(np.minimum(hq, 200 - 20 * seed), folder / f"lq/{seed}.png")
    return folder


@pytest.fixture(scope="session")
def tiny(photographs: Path, tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    return build_tiny(photographs, tmp_path_factory.mktemp("tiny") / "workspace")


@pytest.fixture
def tiny_copy(tiny: Tiny, tmp_path: Path) -> Tiny:
    """The workspace again, without links between stages and corpora."""
    return replace(tiny, workspace=Path(shutil.copytree(tiny.workspace, tmp_path / "workspace")))


@pytest.fixture
def one_torch_thread() -> Iterator[None]:
    import torch  # late, for most tests do without

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
