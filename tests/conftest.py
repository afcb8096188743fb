"""Fixtures for all tests, and how tests are chosen and shared out.

Fixtures:
    photo             one noisy photo, 37 x 31 pixels (session)
    photographs       a folder with `real` and `clean` photos of odd sizes, `lq` and `hq`
                      pairs, and a `benchmark` (session)
    tiny              a corpus made of them by the serial executor, with all that went into each
                      stage (session; never write there)
    tiny_copy         a copy of `tiny`'s workspace to damage (function)
    without_cache     every `load` decodes the file again (function)
    one_torch_thread  torch computes on one thread, whose results do not depend on the machine's
                      load (function)
    installation, core_installation
                      pairmill from its wheel with all extras, or none, next to a project that has
                      packages `models` and `pipeline` (function)

`tests.support` holds what several modules of tests use; tests/README.md is its map.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from pairmill.flows.prefect_support.environment import SETTINGS
from pairmill.pipeline.images import pixel_cache
from pairmill.pipeline.runner.execution import one_thread
from tests.support.make import Tiny, build_tiny, photograph, write_photographs
from tests.support.paths import ROOT
from tests.support.shared import once
from tests.support.wheel import (  # noqa: F401
    core_environment,
    core_installation,
    installation,
    wheel,
    whole_environment,
)

FAST = (
    "tests/conformance/test_degraders.py",
    "tests/conformance/test_ops.py",
    "tests/golden",
    "tests/models/fitting",
    "tests/models/functional",
    "tests/pipeline/degraders",
    "tests/pipeline/kernels",
    "tests/pipeline/noise",
    "tests/pipeline/ops",
    "tests/pipeline/recipe",
    "tests/pipeline/test_rng.py",
    "tests/schemas",
)
"""Folders and modules whose tests carry the marker `fast`: those that `make test-fast` runs."""
AT_LENGTH = {"slow", "gpu"}


OURS = [name for name in SETTINGS if name not in os.environ]
"""Settings that importing a flow leaves in the environment."""


def forget_settings() -> None:
    """Programs that tests start settle Prefect for themselves, as they do for users."""
    for name in OURS:
        os.environ.pop(name, None)


def pytest_collection_finish() -> None:
    """Modules of flows have been imported with those of the tests."""
    forget_settings()


@pytest.fixture(autouse=True)
def _settings() -> Iterator[None]:
    yield
    forget_settings()


def may_be_fast(path: Path) -> bool:
    return any(path.is_relative_to(ROOT / place) for place in FAST)


def is_fast(item: pytest.Item) -> bool:
    """In one of those places, neither marked as slow nor starting programs."""
    starts = isinstance(item, pytest.Function) and "subprocess" in item.function.__code__.co_names
    marked = AT_LENGTH & {mark.name for mark in item.iter_markers()}
    return may_be_fast(item.path) and not starts and not marked


def pytest_configure(config: pytest.Config) -> None:
    """Numpy, OpenCV and torch get one thread, here and in all programs that tests start: several
    that wait for each other on a busy machine take many times as long."""
    one_thread()
    threadpool_limits(1)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With `-m fast`, modules without such tests are not even imported."""
    module = collection_path.name.startswith("test_") and collection_path.suffix == ".py"
    left_out = module and config.option.markexpr == "fast" and not may_be_fast(collection_path)
    return True if left_out else None


def pytest_itemcollected(item: pytest.Item) -> None:
    if is_fast(item):
        item.add_marker("fast")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where processes share the tests, the longest modules come first."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: not item.path.is_relative_to(ROOT / "tests/e2e"))


@pytest.hookimpl(optionalhook=True)  # known with pytest-xdist alone
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from tests.support.scheduling import ByModule

    return ByModule(config, log)


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Decoded images are kept beside all else that tests make, for these and for the programs that
    they start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(pixel_cache.FOLDER, str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def without_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(pixel_cache.LIMIT, "0")


@pytest.fixture(scope="session")
def photo() -> NDArray[np.uint8]:
    return photograph(0)


@pytest.fixture(scope="session")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return once(tmp_path_factory, "photographs", write_photographs)


@pytest.fixture(scope="session")
def tiny(photographs: Path, tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    return once(
        tmp_path_factory, "tiny", lambda folder: build_tiny(photographs, folder / "workspace")
    )


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
