"""Sealed pools: each written whole by one seal, read by every worker."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, cast

import numpy as np
import zarr
from numpy.typing import NDArray

from pairmill.models.functional.blur import Blocks, block_matrix
from pairmill.pipeline.noise.inject import Gains
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.base import Frozen
from pairmill.schemas.corpus import POOL_ARRAYS, PoolRef
from pairmill.schemas.errors import IntegrityError

CHUNK_BYTES = 4 << 20
ON_DISK = frozenset({"aligned"})
"""Kinds whose items stay where they lie and are read one by one: they are as large as the images
that they come from."""


def pool_digest(items: NDArray[Any]) -> str:
    """SHA-256 over the type, shape and bytes of a pool's items; it names the pool in programs."""
    state = hashlib.sha256(f"{items.dtype.str}|{items.shape}|".encode())
    state.update(np.ascontiguousarray(items).data)
    return state.hexdigest()


def _or_nan(value: Any) -> Any:
    return np.nan if value is None else value


class PoolDigest:
    """`pool_digest` of items that come one by one."""

    def __init__(self, dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
        self.state = hashlib.sha256(f"{dtype.str}|{shape}|".encode())

    def add(self, items: NDArray[Any]) -> None:
        """The next items."""
        self.state.update(np.ascontiguousarray(items).data)

    def hexdigest(self) -> str:
        """Of all items."""
        return self.state.hexdigest()


def columns_of(records: Sequence[Frozen]) -> dict[str, NDArray[Any]]:
    """One column per field of the records that is a number or a digest in the first of them; a
    digest becomes 32 bytes, and no number in a later one becomes not-a-number.
    """
    rows = [record.model_dump(mode="json") for record in records]
    columns: dict[str, NDArray[Any]] = {}
    for name, first in rows[0].items() if rows else ():
        if isinstance(first, bool | int | float):
            columns[name] = np.asarray([_or_nan(row[name]) for row in rows])
        elif isinstance(first, str) and len(first) == 64:
            columns[name] = np.stack(
                [np.frombuffer(bytes.fromhex(row[name]), np.uint8) for row in rows]
            )
    return columns


def write_pool(
    storage: Storage, name: str, kind: str, items: NDArray[Any], columns: dict[str, NDArray[Any]]
) -> None:
    """Write a pool as one zarr v3 group, from this process alone: parallel writes to one chunk lose
    data silently.
    """
    rows = max(1, min(len(items), CHUNK_BYTES // (math.prod(items.shape[1:]) * items.itemsize)))
    chunks = (rows, *items.shape[1:])
    with storage.new_zarr(name) as store:
        group = zarr.open_group(store, mode="w", zarr_format=3)
        group.create_array(POOL_ARRAYS[kind], shape=items.shape, chunks=chunks, dtype=items.dtype)[
            ...
        ] = items
        for column, values in columns.items():
            group.create_array(column, shape=values.shape, chunks=values.shape, dtype=values.dtype)[
                ...
            ] = values


def write_pairs(
    storage: Storage,
    name: str,
    shapes: Mapping[str, tuple[int, ...]],
    parts: Iterable[Mapping[str, NDArray[np.uint8]]],
    columns: dict[str, NDArray[Any]],
) -> None:
    """Write a pool of several arrays of one length, uint8, part by part, so that never all of it is
    in memory.

    Args:
        storage: The workspace.
        name: The zarr group.
        shapes: Of each array.
        parts: The next rows of each array.
        columns: What is known of each row.
    """
    with storage.new_zarr(name) as store:
        group = zarr.open_group(store, mode="w", zarr_format=3)
        for array, shape in shapes.items():
            rows = max(1, min(shape[0], CHUNK_BYTES // math.prod(shape[1:])))
            group.create_array(array, shape=shape, chunks=(rows, *shape[1:]), dtype=np.uint8)
        start = 0
        for part in parts:
            count = len(next(iter(part.values())))
            for array, items in part.items():
                group[array][start : start + count] = items
            start += count
        for column, values in columns.items():
            group.create_array(column, shape=values.shape, chunks=values.shape, dtype=values.dtype)[
                ...
            ] = values


class ItemsOnDisk:
    """An array of a pool that reads what it is asked for; of an array in memory it has what
    `Assets` needs.
    """

    def __init__(self, storage: Storage, name: str, array: str) -> None:
        """Open it.

        Raises:
            KeyError: if the pool has no such array.
        """
        self.storage, self.name = storage, name

        def opened() -> Any:
            return zarr.open_group(storage.zarr_store(name), mode="r", zarr_format=3)[array]

        self.array = storage.again("read", name, opened)
        self.shape: tuple[int, ...] = self.array.shape
        self.dtype: np.dtype[Any] = self.array.dtype
        self.ndim = len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: int | slice) -> NDArray[Any]:
        """A row, or some."""
        return self.storage.again("read", self.name, lambda: np.asarray(self.array[rows]))


def read_pool(storage: Storage, name: str, kind: str) -> NDArray[Any]:
    """All items of a pool.

    Kernels (N, k, k) or (N, 3, k, k) float64, patches (N, h, w, 3) float32, gains (N, 3, 257)
    float32, encoders (N, 3, 64) uint16, representations (N, n) float32, a file (1, bytes) uint8, or
    LR tiles (N, h, w, 3) uint8; of kinds that are `ON_DISK` an array that reads what it is asked
    for.
    """
    if kind in ON_DISK:
        return cast("NDArray[Any]", ItemsOnDisk(storage, name, POOL_ARRAYS[kind]))

    def read() -> NDArray[Any]:
        group = zarr.open_group(storage.zarr_store(name), mode="r", zarr_format=3)
        return np.asarray(group[POOL_ARRAYS[kind]][...])

    return storage.again("read", name, read)


@dataclass(frozen=True, eq=False)
class Assets:
    """What programs refer to: pools of all kinds, in memory."""

    pools: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    """Items by the digest of the pool."""

    def item(self, pool: str, index: int) -> NDArray[Any]:
        """One item of a pool of any kind.

        Raises:
            IntegrityError: if there is no such pool or row.
        """
        return _item(self.pools, pool, index)

    def items(self, pool: str) -> NDArray[Any]:
        """All items of a pool of any kind; see `item`."""
        _item(self.pools, pool, 0)
        return self.pools[pool]

    def kernel(self, pool: str, index: int) -> NDArray[np.float64]:
        """One kernel, (k, k), or (3, k, k) of R, G and B; see `item`."""
        return self._of(np.float64, (2, 3), pool, index)

    def patch(self, pool: str, index: int) -> NDArray[np.float32]:
        """One noise patch, (h, w, 3), in intensity levels; see `item`."""
        return self._of(np.float32, (3,), pool, index)

    def gain(self, pool: str, index: int) -> NDArray[np.float32]:
        """What a noise patch is multiplied by at levels 0 to 255, and at last the level that it was
        mined at, of R, G and B, (3, 257); see `item`.
        """
        return self._of(np.float32, (2,), pool, index)

    def gains(self, pool: str, index: int) -> Gains:
        """The same made ready; those used last are kept."""
        return _gains(self, pool, index)

    def encoder(self, pool: str, index: int) -> NDArray[np.uint16]:
        """One JPEG encoder, (3, 64): see `pairmill.pipeline.compression.tables.Encoder.row`."""
        return self._of(np.uint16, (2,), pool, index)

    def checkpoint(self, pool: str) -> bytes:
        """The safetensors file of a fitted PDM or SynNet; see `item`."""
        return self._of(np.uint8, (1,), pool, 0).tobytes()

    def code(self, pool: str, index: int) -> NDArray[np.float32]:
        """One representation of a degradation, (n,); see `item`."""
        return self._of(np.float32, (1,), pool, index)

    def photograph(self, pool: str, index: int) -> NDArray[np.uint8]:
        """The LR tile of a real pair, (h, w, 3); see `item`."""
        return np.asarray(self._of(np.uint8, (3,), pool, index))

    def blocks(self, pool: str, index: int, scale: int) -> Blocks:
        """One kernel of a single plane made ready for `correlate`; those used last are kept."""
        return _blocks(self, pool, index, scale)

    def _of(
        self, dtype: type[np.generic], axes: tuple[int, ...], pool: str, index: int
    ) -> NDArray[Any]:
        """An item of a type, so that no op takes an item of another kind."""
        items = self.pools.get(pool)
        if items is None or items.dtype != dtype or items.ndim - 1 not in axes:
            alike = {
                name: other
                for name, other in self.pools.items()
                if other.dtype == dtype and other.ndim - 1 in axes
            }
            return _item(alike, pool, index)
        return _item(self.pools, pool, index)


def _item(pools: Mapping[str, NDArray[Any]], pool: str, index: int) -> NDArray[Any]:
    if pool not in pools:
        raise IntegrityError(
            "a program names a pool that is not here",
            where=f"pool {pool[:12]}",
            got=f"pools {', '.join(name[:12] for name in pools) or 'none'}",
            todo="restore the workspace's stages folder, or build the corpus again",
        )
    if index >= len(pools[pool]):
        raise IntegrityError(
            "a program names an item beyond the end of its pool",
            where=f"pool {pool[:12]}",
            got=f"index {index}",
            wanted=f"below {len(pools[pool])}",
            todo="check the corpus with `pairmill corpus verify`",
        )
    item: NDArray[Any] = pools[pool][index]
    return item


@lru_cache(maxsize=64)
def _blocks(assets: Assets, pool: str, index: int, scale: int) -> Blocks:
    return block_matrix(assets.kernel(pool, index), scale)


@lru_cache(maxsize=4096)
def _gains(assets: Assets, pool: str, index: int) -> Gains:
    return Gains.of(assets.gain(pool, index))


@lru_cache(maxsize=4)
def load_assets(workspace: str, pools: tuple[tuple[PoolRef, str], ...]) -> Assets:
    """`read_assets`, once per process."""
    return read_assets(Storage(workspace), pools)


def read_assets(storage: Storage, pools: tuple[tuple[PoolRef, str], ...]) -> Assets:
    """Pools in memory, read and checked now; each is a reference and the name of its zarr group.

    Raises:
        IntegrityError: if a pool is missing or its content is not what its digest says.
    """
    return Assets({ref.digest: _checked(storage, ref, name) for ref, name in pools})


def _checked(storage: Storage, ref: PoolRef, name: str) -> NDArray[Any]:
    if not storage.exists(f"{name}/zarr.json"):
        raise IntegrityError(
            "a pool of this corpus is missing",
            where=storage.path(name),
            todo="restore it from a copy, or delete the version and build it again",
        )
    try:
        items = read_pool(storage, name, ref.kind)
    except (ValueError, KeyError, RuntimeError) as error:
        raise IntegrityError(
            "a pool cannot be read", where=storage.path(name), got=str(error)
        ) from error
    found = _digest_by_chunk(items)
    if found != ref.digest:
        raise IntegrityError(
            "a pool is not what its manifest says",
            where=storage.path(name),
            got=found[:12],
            wanted=ref.digest[:12],
            todo="restore it from a copy, or delete the folder and run `pairmill build` with the "
            "recipe again",
        )
    return items


def _digest_by_chunk(items: NDArray[Any]) -> str:
    """`pool_digest` of items that need not be in memory."""
    digest = PoolDigest(items.dtype, items.shape)
    step = max(1, CHUNK_BYTES // max(1, math.prod(items.shape[1:]) * items.dtype.itemsize))
    for start in range(0, len(items), step):
        digest.add(items[start : start + step])
    return digest.hexdigest()
