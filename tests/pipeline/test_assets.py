"""Pools on disk: written whole, read back bit for bit, checked against their digest."""

from __future__ import annotations

import errno
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from pairmill.pipeline.assets import (
    CHUNK_BYTES,
    columns_of,
    load_assets,
    pool_digest,
    read_assets,
    read_pool,
    write_pool,
)
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import PoolRef
from pairmill.schemas.errors import IntegrityError, StoreError
from pairmill.schemas.noise import NoisePatch
from tests.support.make import Tiny
from tests.support.pools import pools


@pytest.fixture(params=["local", "memory"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    return Storage(str(tmp_path) if request.param == "local" else f"memory://{uuid.uuid4().hex}")


KNOWN, ASSETS = pools(2)
KERNELS, NOISE = (ASSETS.pools[KNOWN[kind].digest] for kind in ("kernels", "noise"))
REF = PoolRef(kind="kernels", digest=pool_digest(KERNELS), count=5, side=17)


@pytest.mark.parametrize(("kind", "items"), [("kernels", KERNELS), ("noise", NOISE)])
def test_what_is_written_is_read(storage: Storage, kind: str, items: np.ndarray) -> None:
    write_pool(storage, "p.zarr", kind, items, {"weight": np.arange(len(items))})
    read = read_pool(storage, "p.zarr", kind)
    assert read.dtype == items.dtype
    np.testing.assert_array_equal(read, items)
    assert pool_digest(read) == pool_digest(items)
    group = zarr.open_group(storage.zarr_store("p.zarr"), mode="r", zarr_format=3)
    assert group["weight"][...].tolist() == list(range(len(items)))


def test_several_chunks(storage: Storage) -> None:
    items = np.random.default_rng(0).standard_normal((40, 128, 128, 3)).astype(np.float32)
    assert items.nbytes > CHUNK_BYTES
    write_pool(storage, "p.zarr", "noise", items, {})
    np.testing.assert_array_equal(read_pool(storage, "p.zarr", "noise"), items)


def test_rests_of_another_pool_do_not_stay(storage: Storage) -> None:
    write_pool(storage, "p.zarr", "kernels", np.concatenate([KERNELS] * 3), {"old": np.arange(15)})
    write_pool(storage, "p.zarr", "kernels", KERNELS, {})
    np.testing.assert_array_equal(read_pool(storage, "p.zarr", "kernels"), KERNELS)
    assert not any("old" in name for name in storage.files("p.zarr"))


def test_digest_sees_type_shape_and_content() -> None:
    variants = [
        KERNELS,
        KERNELS.astype(np.float32),
        KERNELS.reshape(5, 289),
        KERNELS[::-1],
        KERNELS[:4],
        KERNELS + 0.5,
    ]
    assert len({pool_digest(items) for items in variants}) == len(variants)
    assert pool_digest(np.asfortranarray(KERNELS)) == pool_digest(KERNELS)


def test_assets_are_checked(storage: Storage) -> None:
    write_pool(storage, "p.zarr", "kernels", KERNELS, {})
    assets = read_assets(storage, ((REF, "p.zarr"),))
    np.testing.assert_array_equal(assets.kernel(REF.digest, 2), KERNELS[2])
    with pytest.raises(IntegrityError, match="is not what its manifest says"):
        read_assets(storage, ((REF.with_(digest="0" * 64), "p.zarr"),))
    with pytest.raises(IntegrityError, match="a pool of this corpus is missing"):
        read_assets(storage, ((REF, "q.zarr"),))
    with pytest.raises(IntegrityError, match="cannot be read"):
        read_assets(storage, ((REF.with_(kind="noise"), "p.zarr"),))


def test_workers_load_once(storage: Storage) -> None:
    write_pool(storage, "p.zarr", "kernels", KERNELS, {})
    assert load_assets(storage.url, ((REF, "p.zarr"),)) is load_assets(
        storage.url, ((REF, "p.zarr"),)
    )


def test_a_full_disk_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(zarr.Group, "create_array", full)
    with pytest.raises(StoreError, match="No space left") as caught:
        write_pool(Storage(str(tmp_path)), "p.zarr", "kernels", KERNELS, {})
    assert "free some space" in caught.value.todo


def test_columns() -> None:
    patches = [
        NoisePatch.model_validate(
            dict.fromkeys(NoisePatch.model_fields, 0.5)
            | {"image": f"{n:064x}", "top": n, "left": 8}
        )
        for n in range(3)
    ]
    columns = columns_of(patches)
    assert set(columns) == set(NoisePatch.model_fields)
    assert columns["top"].tolist() == [0, 1, 2]
    assert columns["image"].shape == (3, 32)
    assert columns["image"][2].tobytes().hex() == f"{2:064x}"
    assert columns_of([]) == {}


def test_the_built_pools_are_what_the_manifest_says(tiny: Tiny) -> None:
    from pairmill.models.functional.blur import on_grid

    refs = {ref.kind: ref for ref in tiny.manifest.identity.pools}
    kernels = read_pool(
        tiny.storage, f"corpora/tiny/{tiny.manifest.version}/pools/kernels.zarr", "kernels"
    )
    noise = read_pool(
        tiny.storage, f"corpora/tiny/{tiny.manifest.version}/pools/noise.zarr", "noise"
    )
    assert kernels.shape == (refs["kernels"].count, refs["kernels"].side, refs["kernels"].side)
    assert all(on_grid(kernel) for kernel in kernels)
    assert noise.shape == (refs["noise"].count, refs["noise"].side, refs["noise"].side, 3)
    np.testing.assert_array_equal(noise.astype(np.float64).sum(axis=(1, 2)), 0)
