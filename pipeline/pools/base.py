"""What a kind of pool is: when it is needed, how it is made, sealed, counted and shown.

Everything that a build, a preview, a report or the command line does with pools asks the kinds in
`pairmill.pipeline.pools.POOLS`; none of them knows a kind by name, but for what only one kind can
show. A kind is a class with few duties (`make`, `ref`) and many courtesies, each with a default.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.pools.items import Placing, PoolItems
from pairmill.pipeline.pools.photographs import camera_groups
from pairmill.pipeline.runner.stage import Run, Sealed, Stage
from pairmill.pipeline.stages import clean_up
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.base import Frozen
from pairmill.schemas.corpus import PoolRef
from pairmill.schemas.groups import PhotographGroups, RowGroups
from pairmill.schemas.hr import CutConfig, HrSet
from pairmill.schemas.image import ImageSet
from pairmill.schemas.recipe import Recipe
from pairmill.schemas.redegnet import FacePair

M = TypeVar("M", bound=Frozen)
Image = NDArray[np.uint8]
Pools = tuple[tuple[PoolRef, str], ...]
"""Pools and the zarr groups that hold them."""


@dataclass(frozen=True, kw_only=True)
class PoolResults:
    """The sealed stages that a recipe's degraders draw from."""

    sealed: Mapping[str, Sealed[Any]] = field(default_factory=dict)
    """What made each kind of pool; see `PoolKind.of`."""
    pairs: tuple[FacePair, ...] = ()
    """Pairs that a degradation was learned from."""
    groups: PhotographGroups | None = None
    """Groups of the real images that rows of the pools come from; none if no row comes from one."""


@dataclass(kw_only=True)
class Making:
    """Makes pools for a recipe, each once, and remembers them."""

    recipe: Recipe
    images: ImageSet
    base: str
    """Folder that relative patterns of the recipe start at."""
    run: Run
    limit: int | None = None
    """Maximum number of images per role; none means all."""
    cut: HrSet | None = None
    """The HR images, where they are there already; see `hr`."""
    sealed: dict[str, Sealed[Any]] = field(default_factory=dict)
    """What has been made, by kind."""
    pairs: tuple[FacePair, ...] = ()
    """Pairs that a degradation was learned from."""

    def __post_init__(self) -> None:
        self.run = _Once(self.run)

    @property
    def hr(self) -> HrSet:
        """The HR images, cleaned up now if they were not."""
        if self.cut is None:
            config = CutConfig(clean_up=self.recipe.clean_up, tiles=self.recipe.tiles)
            self.cut = self.run(clean_up.STAGE, self.images, config).manifest
        return self.cut

    @cached_property
    def groups(self) -> PhotographGroups:
        """The real images by the camera that they share; whatever is made or drawn by camera asks
        this, so that all agree.
        """
        return camera_groups(self.recipe, self.images, self.run)

    def of(self, kind: PoolKind[M]) -> Sealed[M]:
        """The sealed stage of a kind, made now if it was not.

        Raises:
            PairmillError: what its stages raise.
        """
        if kind.name not in self.sealed:
            self.sealed[kind.name] = kind.make(self)
        return self.sealed[kind.name]

    def needed(self, kind: PoolKind[M]) -> Sealed[M] | None:
        """The same, but none if the recipe does not draw from it."""
        return self.of(kind) if self.recipe.draws_from(kind.name) else None


class _Once:
    """Runs a stage once for what it was given last: several kinds ask for the same measurements."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.last: dict[str, tuple[Any, Any, Sealed[Any]]] = {}

    def __call__(self, stage: Stage[Any, Any, Any, Any, M], inputs: Any, config: Any) -> Sealed[M]:
        known = self.last.get(stage.name)
        if known is None or known[0] != inputs or known[1] != config:
            known = self.last[stage.name] = (inputs, config, self.run(stage, inputs, config))
        return known[2]


@dataclass(frozen=True)
class PoolTable:
    """What is known of a pool, for a terminal."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    notes: Sequence[str] = ()
    """Lines below the table."""


@dataclass(frozen=True)
class Showing(Generic[M]):
    """What tables are made from."""

    making: Making
    storage: Storage
    sealed: Sealed[M] | None
    """None where some of it is left to do."""
    names: Mapping[str, str]
    """File names of the images by pixel digest."""

    def name(self, image: str) -> str:
        """What to call an image."""
        return self.names.get(image, image[:12])


class PoolKind(ABC, Generic[M]):
    """One kind of pool, with the manifest `M` of the stage that seals it."""

    name: ClassVar[str]
    """The kind, as in `PoolRef.kind`."""
    stage: Stage[Any, Any, Any, Any, M]
    """The stage that seals it."""
    group: ClassVar[str] = "pool"
    """Name of its zarr group among those of the stage."""
    origin: ClassVar[str] = "Mined from"
    """How it comes from the real images: `the real images` continues after it."""
    required: ClassVar[bool] = True
    """Whether a recipe that draws from it cannot do without; if not, it may be sealed and empty."""
    fitted: ClassVar[bool] = False
    """Whether it comes of a fit, which may end in other bits on another machine."""
    repeatable: ClassVar[bool] = True
    """Whether a sealed version says enough to make it again."""
    by_share: ClassVar[bool] = False
    """Whether an item is drawn only as often as photographs have one, such as compression."""
    companions: ClassVar[tuple[str, ...]] = ()
    """Kinds that are made next, where a recipe draws from them, for they come from this one."""

    @abstractmethod
    def make(self, making: Making) -> Sealed[M]:
        """Run its stages; what it needs of other kinds it asks `making` for.

        Raises:
            PairmillError: what the stages raise.
        """

    @abstractmethod
    def ref(self, manifest: M) -> PoolRef | None:
        """The pool as versions refer to it; none if it is empty."""

    def photographs(self, manifest: M) -> tuple[str, ...]:  # noqa: ARG002
        """The photograph that each row comes from, by pixel digest; none if rows come from all. Of
        several, any one: they are of one group.
        """
        return ()

    def of(self, results: PoolResults) -> Sealed[M] | None:
        """What was made of this kind; none if no degrader draws from it."""
        return results.sealed.get(self.name)

    def pools(self, sealed: Sealed[M], groups: PhotographGroups | None = None) -> Pools:
        """The pool, unless it is empty, with the zarr group that holds it.

        Args:
            sealed: What made it.
            groups: Groups of the real images. With several, the pool says which its rows are of.
        """
        ref = self.ref(sealed.manifest)
        if ref is None:
            return ()
        if groups is not None and groups.several:
            ref = ref.with_(groups=self.row_groups(sealed.manifest, groups))
        return ((ref, layout.pool_group(self.stage.name, sealed.key, self.group)),)

    def row_groups(self, manifest: M, groups: PhotographGroups) -> RowGroups | None:
        """Which group each row comes from; none if rows come from all."""
        photographs = self.photographs(manifest)
        if not photographs:
            return None
        rows = tuple(groups.number_of[photograph] for photograph in photographs)
        counts = tuple(len(group.photographs) for group in groups.groups)
        having = Counter(groups.number_of[photograph] for photograph in set(photographs))
        shares = tuple(round(having[group] / count, 6) for group, count in enumerate(counts))
        return RowGroups(rows=rows, photographs=counts, shares=shares if self.by_share else ())

    def place(self, storage: Storage, sealed: Sealed[M]) -> str:
        """Where the pool lies, for people."""
        return storage.path(layout.pool_group(self.stage.name, sealed.key, self.group))

    def check(self, recipe: Recipe, manifest: M) -> None:
        """Say that it may be drawn from.

        Raises:
            UserError: if not.
        """

    def counts(self, manifest: M) -> dict[str, int]:  # noqa: ARG002
        """How many items there are, for the manifest of a version."""
        return {}

    def tables(self, showing: Showing[M]) -> list[PoolTable]:  # noqa: ARG002
        """What is known of it; nothing if nothing is."""
        return []

    def placeholder(self, placing: Placing) -> PoolItems | None:  # noqa: ARG002
        """Items for a preview, made in a moment; none if that cannot be."""
        return None

    def picture(self, item: NDArray[Any]) -> Image | None:  # noqa: ARG002
        """An image of one item; none if it is nothing to look at."""
        return None

    def facts(self, columns: Mapping[str, Any]) -> Iterator[tuple[str, str]]:  # noqa: ARG002
        """What the columns of the pool say of one item: terms and values."""
        return iter(())
