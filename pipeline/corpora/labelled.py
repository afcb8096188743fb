"""Labels of a version's samples: what their programs say of their kernels, noise and codecs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray

from pairmill.models.functional.labels import Labels, turn, turned_kernel
from pairmill.models.functional.linear_row import least_grid, on_grid
from pairmill.pipeline.assets import Assets
from pairmill.pipeline.corpora.replay import corpus_assets
from pairmill.pipeline.corpora.replayed import Texts
from pairmill.pipeline.labels.codec import quality_of
from pairmill.pipeline.labels.crop import CropLabels, gains_of, middle_of
from pairmill.pipeline.labels.kernel import Shape, is_uniform, linear_ops, unknown, walk
from pairmill.pipeline.labels.noise import constant
from pairmill.pipeline.shards.table import opened_table
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.errors import UserError
from pairmill.schemas.labels import WIDEST, LabelConfig
from pairmill.schemas.program import Program

Kernels = NDArray[np.float32]
Gains = dict[int, float]
BY_PLACE, UNKNOWN = -1, -2
"""In place of the number of a kernel: it depends on the place, or nothing is known of it."""


@dataclass(frozen=True)
class Advice:
    """What to do about an error, in the words of who asks."""

    kernel: str = "kernel"
    """Setting of the grid's side."""
    unknown: str = "leave these degraders out, or take missing: nan and mask their samples"
    """Where no kernel is known."""
    wide: str = "leave the degraders with the widest ones out"
    """Where no grid holds all kernels."""


@dataclass(frozen=True, eq=False)
class Labeller:
    """Gives the labels of crops; processes that were forked share its arrays."""

    config: LabelConfig
    scale: int
    """HR side over LR side."""
    keys: NDArray[np.bytes_]
    """(N,) keys of the samples, sorted."""
    rows: NDArray[np.int64]
    """(N,) number of each sample in what follows."""
    shapes: NDArray[np.int32]
    """(N, 2) rows and columns of HR tiles."""
    kernel: NDArray[np.int32]
    """(N,) which of the kernels; `BY_PLACE` or `UNKNOWN` if it is none of them."""
    noise: NDArray[np.float32]
    """(N,) standard deviation in [0, 1]; not-a-number if it depends on the place."""
    quality: torch.Tensor
    """(N,) of the last codec, 0 to 100; not-a-number if there is none."""
    programs: Texts
    """(N,) programs of samples of which something depends on the place; of others nothing."""
    gains: Sequence[Gains | None]
    """(N,) see `Walked`; none of samples whose noise is known."""
    kernels: Kernels
    """(kernels, K, K)."""
    assets: Assets
    """The version's pools."""

    def __call__(
        self, key: str, hr: NDArray[np.uint8], place: tuple[int, int], position: int
    ) -> Labels:
        """Labels of a crop of HR whose LR begins at `place`, for images turned to `position`.

        Raises:
            KeyError: if the version has no such sample, or it was left out.
        """
        number = self._number(key)
        if self.kernel[number] == UNKNOWN:
            return self._unknown(number, hr)
        kernel, noise = self._kernel(number), self._noise(number)
        if kernel is None or noise is None:
            crop = self._crop(number, hr, place)
            kernel = crop.kernel(self.config) if kernel is None else kernel
            noise = crop.noise() if noise is None else noise
        size = hr.shape[0] // self.scale, hr.shape[1] // self.scale
        turned = turn(np.broadcast_to(noise, size), position)
        return Labels(
            torch.from_numpy(turned_kernel(kernel, position, self.scale)),
            torch.from_numpy(turned.copy())[None],
            self.quality[number],
        )

    def of_tile(self, key: str) -> Kernels:
        """The kernel of a sample in the middle of its tile, (K, K); not-a-number where unknown."""
        number, side = self._number(key), self.config.kernel
        if self.kernel[number] == UNKNOWN:
            return np.full((side, side), np.nan, np.float32)
        known = self._kernel(number)
        if known is None:
            # The kernel does not depend on what the tile shows.
            blank = np.zeros((*self.shapes[number].tolist(), 3), np.uint8)
            known = self._crop(number, blank, (0, 0)).kernel(self.config)
        return known

    def _number(self, key: str) -> int:
        found = int(np.searchsorted(self.keys, key.encode()))
        if found == len(self.keys) or self.keys[found] != key.encode():
            raise KeyError(key)
        return int(self.rows[found])

    def _unknown(self, number: int, hr: NDArray[np.uint8]) -> Labels:
        size, side = (hr.shape[0] // self.scale, hr.shape[1] // self.scale), self.config.kernel
        kernel, noise = torch.full((side, side), torch.nan), torch.full((1, *size), torch.nan)
        return Labels(kernel, noise, self.quality[number])

    def _kernel(self, number: int) -> Kernels | None:
        known = int(self.kernel[number])
        return self.kernels[known] if known >= 0 else None

    def _noise(self, number: int) -> Kernels | None:
        known = self.noise[number]
        return None if np.isnan(known) else np.asarray(known)

    def _crop(self, number: int, hr: NDArray[np.uint8], place: Shape) -> CropLabels:
        rows, columns = self.shapes[number].tolist()
        program = Program.model_validate_json(self.programs[number])
        gains = self.gains[number] or {}
        return CropLabels(program, self.assets, (rows, columns), gains, hr, place)


def open_labels(
    storage: Storage,
    manifest: CorpusManifest,
    split: str,
    config: LabelConfig,
    without: Collection[str] = (),
    advice: Advice | None = None,
    *,
    noise: bool = True,
) -> Labeller:
    """Gives the labels of a split's crops. All of its programs are read and checked now.

    Args:
        storage: The workspace.
        manifest: The version.
        split: Which split.
        config: How labels are laid out.
        without: Degraders whose samples are not asked for.
        advice: What errors say is to be done.
        noise: Whether the noise is wanted; without it its map is 0, and takes no time.

    Raises:
        UserError: if no kernel is known of some samples, or the grid is too small for some.
        IntegrityError: if a pool is missing or not as it was sealed.
    """
    assets = corpus_assets(storage, manifest)
    where = f"{manifest.identity.name}@{manifest.version}, split {split}"
    scale = int(manifest.identity.recipe["scale"])
    reading = Reading(config, scale, assets, where, advice or Advice(), noise=noise)
    groups = [n for n, shard in enumerate(manifest.identity.shards) if shard.split == split]
    with opened_table(storage, manifest) as table:
        programs = Texts.of(
            reading.add(row)
            for group in groups
            for row in _rows(table, group)
            if row["degrader"] not in without
        )
    return reading.labeller(programs)


def _rows(table: pq.ParquetFile, group: int) -> list[dict[str, Any]]:
    columns = ["key", "degrader", "program", "hr_height", "hr_width"]
    return list(table.read_row_group(group, columns=columns).to_pylist())


class Reading:
    """Collects what is known of samples before they are read."""

    def __init__(
        self,
        config: LabelConfig,
        scale: int,
        assets: Assets,
        where: str,
        advice: Advice,
        *,
        noise: bool = True,
    ) -> None:
        self.config, self.scale, self.assets = config, scale, assets
        self.where, self.advice, self.noisy = where, advice, noise
        self.keys, self.shapes = list[str](), list[Shape]()
        self.kernel, self.noise, self.quality = list[int](), list[float](), list[float]()
        self.kernels, self.numbers = list[Kernels](), dict[Any, int]()
        self.gains = list[Gains | None]()
        self.unknown, self.too_large = Counter[str](), list[tuple[int, float]]()

    def add(self, row: Mapping[str, Any]) -> str:
        """Take a row of the table; returns its program if it is needed again."""
        program = Program.model_validate_json(row["program"])
        hr: Shape = row["hr_height"], row["hr_width"]
        self.keys.append(row["key"])
        self.shapes.append(hr)
        quality = quality_of(program, self.assets)
        self.quality.append(np.nan if quality is None else quality)
        op = unknown(program)
        if op:
            self.unknown[f"{row['degrader']} ({op})"] += 1
            self.kernel.append(UNKNOWN)
            self.noise.append(np.nan)
            self.gains.append(None)
            return ""
        self.kernel.append(self._kernel(program, hr))
        gains = gains_of(program, self.assets, hr) if self.noisy else {}
        noise = constant(program, gains) if self.noisy else 0.0
        self.noise.append(np.nan if noise is None else noise)
        self.gains.append(gains if noise is None else None)
        return row["program"] if self.kernel[-1] < 0 or noise is None else ""

    def _kernel(self, program: Program, hr: Shape) -> int:
        key = (*linear_ops(program), hr)
        if key not in self.numbers:
            at = middle_of(hr, program.scale)
            row = walk(program, self.assets, hr, at).row
            kernel, lost = on_grid(row, at, self.config.kernel, program.scale)
            if lost > self.config.tolerance:
                side = least_grid(row, at, program.scale, self.config.tolerance)
                self.too_large.append((side, lost))
            self.numbers[key] = BY_PLACE
            if self.config.place == "tile" or is_uniform(program, hr):
                self.numbers[key] = len(self.kernels)
                self.kernels.append(kernel.astype(np.float32))
        return self.numbers[key]

    def labeller(self, programs: Texts) -> Labeller:
        """What was collected, if it is as it should be.

        Raises:
            UserError: if it is not.
        """
        self._check()
        keys, side = np.array(self.keys, np.bytes_), self.config.kernel
        rows = np.argsort(keys, kind="stable")
        return Labeller(
            self.config,
            self.scale,
            keys[rows],
            rows,
            np.array(self.shapes, np.int32).reshape(-1, 2),
            np.array(self.kernel, np.int32),
            np.array(self.noise, np.float32),
            torch.tensor(self.quality, dtype=torch.float32),
            programs,
            self.gains,
            np.array(self.kernels, np.float32).reshape(-1, side, side),
            self.assets,
        )

    def _check(self) -> None:
        if self.unknown and self.config.missing == "refuse":
            raise UserError(
                "no kernel is known of how some LR were made",
                where=self.where,
                got=", ".join(f"{count} by {name}" for name, count in self.unknown.items()),
                wanted="blurs and resizes that stand in the program",
                todo=self.advice.unknown,
            )
        if self.too_large:
            side, lost = (max(one) for one in zip(*self.too_large, strict=True))
            if side <= WIDEST:
                todo = f"{self.advice.kernel}: {side} holds all of them"
            else:
                todo = f"no grid of up to {WIDEST} holds all of them; {self.advice.wide}"
            raise UserError(
                "the grid is too small for the kernels of this corpus",
                where=self.where,
                got=f"kernel: {self.config.kernel}, beyond which {len(self.too_large)} of "
                f"{len(self.numbers)} kernels have up to {100 * lost:.1f} % of their weight",
                wanted=f"at most {100 * self.config.tolerance:.1f} % (tolerance)",
                todo=todo,
            )
