"""The realism card of a version: scores per degrader and per group of photographs, and cameras
against one another.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from pairmill.pipeline.assets import Assets
from pairmill.pipeline.corpora.samples import Pair, Row
from pairmill.pipeline.ops.apply import apply
from pairmill.pipeline.realism.card import Inception, Side, card_row, control_row
from pairmill.pipeline.realism.compare import Compared, Matched, matched, pool
from pairmill.pipeline.realism.cross import by_group, cross_camera
from pairmill.pipeline.realism.features import features
from pairmill.pipeline.realism.flat_noise import FlatNoise, flat_noise, known_noise
from pairmill.pipeline.realism.kid_feature import NAME
from pairmill.pipeline.realism.patches import Image, Patches
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.errors import PairmillError
from pairmill.schemas.groups import RowGroups
from pairmill.schemas.ops.learned import Pdm, Redegnet, Translate
from pairmill.schemas.ops.noise import NoiseOp
from pairmill.schemas.ops.pooled import Inject, InjectByLevel
from pairmill.schemas.program import Program
from pairmill.schemas.realism import RealismConfig
from pairmill.schemas.realism_card import CardRow, RealismCard

KNOWN = 96
"""Most tiles that are made again without their noise."""


@dataclass(frozen=True)
class Inceptions:
    """Inception's features, and the digest of its weights."""

    features: Inception
    digest: str


@dataclass
class CardMaker:
    """Collects the rows of a card, degrader by degrader."""

    manifest: CorpusManifest
    assets: Assets
    photographs: Mapping[str, Image]
    """Photographs by pixel digest."""
    patches: Patches
    """Their patches."""
    config: RealismConfig
    groups: Mapping[str, str] = field(default_factory=dict)
    """Name of the group by pixel digest; empty where there is one."""
    inception: Inceptions | None = None
    rows: list[CardRow] = field(default_factory=list)
    made: dict[str, list[Pair]] = field(default_factory=dict)
    """Samples of all degraders by the group that they were made after."""

    def __post_init__(self) -> None:
        self.patches = replace(self.patches, values=features(self.patches.pixels))
        images, sources = list(self.photographs.values()), list(self.photographs)
        noise = flat_noise(images, sources, self.config.seed, self.groups)
        self.real = Side(images, sources, self.patches, noise, self.groups)
        self.by_group = {
            name: self._photographs(patches)
            for name, patches in by_group(self.patches, self.groups).items()
        }

    def _photographs(self, patches: Patches) -> Side:
        sources = sorted(set(patches.sources.tolist()))
        images = [self.photographs[name] for name in sources]
        return Side(images, sources, patches, flat_noise(images, sources, self.config.seed))

    def add(self, name: str, pairs: Sequence[Pair], compared: Compared) -> None:
        """The row of a degrader, on the patches that the classifiers were asked about."""
        made = self._side(pairs, compared.synthetic)
        found = Matched(compared.real, compared.synthetic, {}, compared.result.problem)
        self._row(name, self.real, made, found)

    def add_groups(self, name: str, pairs: Mapping[str, Sequence[Pair]]) -> None:
        """The rows of a degrader by the group that its samples were made after."""
        for group, chosen in pairs.items():
            self.made.setdefault(group, []).extend(chosen)
            if group in self.by_group:
                real, made = self.by_group[group], self._side(chosen)
                found = matched(real.patches, made.patches, self.config)
                self._row(name, real, made, found, group=group)

    def add_control(self, name: str, images: list[tuple[str, Image]], compared: Compared) -> None:
        """The row of LR that is no degrader's."""
        shown, sources = [image for _, image in images], [source for source, _ in images]
        noise = flat_noise(shown, sources, self.config.seed)
        made = Side(shown, sources, compared.synthetic, noise)
        found = Matched(compared.real, compared.synthetic, {}, compared.result.problem)
        self._row(name, self.real, made, found, control=True)

    def _row(self, name: str, real: Side, made: Side, found: Matched, **more: object) -> None:
        asked = self.inception.features if self.inception else None
        self.rows.append(card_row(name, real, made, found, self.config.seed, asked, **more))

    def rank(self, names: Sequence[str]) -> None:
        """Put degraders in an order, each with its groups, and the controls after them."""
        place = {name: number for number, name in enumerate(names)}
        self.rows.sort(key=lambda row: (row.control, place.get(row.name, 0), row.group))

    def card(self, control: str) -> RealismCard:
        """The whole card, with the control of photographs against photographs and the matrix."""
        asked = self.inception.features if self.inception else None
        rows = [*self.rows, control_row(control, self.real, self.config, asked)]
        photographs = {name: side.patches for name, side in self.by_group.items()}
        return RealismCard(
            feature=NAME,
            inception=self.inception.digest if self.inception else "",
            rows=tuple(rows),
            cross=cross_camera(photographs, self._made_patches(), self.config),
        )

    def _made_patches(self) -> dict[str, Patches]:
        return {
            group: pool([p.lr for p in pairs], [p.row.image for p in pairs], self.config)
            for group, pairs in self.made.items()
        }

    def _side(self, pairs: Sequence[Pair], patches: Patches | None = None) -> Side:
        images, sources = [pair.lr for pair in pairs], [pair.row.image for pair in pairs]
        if patches is None:
            patches = pool(images, sources, self.config)
        known = self._known(pairs)
        noise = known or flat_noise(images, sources, self.config.seed)
        return Side(images, sources, patches, noise, known_noise=known is not None)

    def _known(self, pairs: Sequence[Pair]) -> FlatNoise | None:
        """The noise of LR from its programs; none where they do not tell."""
        chosen = spread_over_images(pairs, KNOWN)
        plain = [without_noise(pair.program) for pair in chosen]
        programs = [program for program in plain if program]
        if len(programs) < len(chosen) or not chosen:
            return None
        try:
            clean = [
                apply(program, pair.hr, self.assets)
                for program, pair in zip(programs, chosen, strict=True)
            ]
        except PairmillError:  # a codec that is not installed here, say
            return None
        return known_noise([pair.lr for pair in chosen], clean, [pair.row.image for pair in chosen])


def spread_over_images(pairs: Sequence[Pair], most: int) -> Sequence[Pair]:
    """At most `most` pairs, evenly over their order, which is that of shards."""
    if len(pairs) <= most:
        return pairs
    return [pairs[int(place)] for place in np.linspace(0, len(pairs) - 1, most)]


def without_noise(program: Program) -> Program | None:
    """A program without the ops that add noise; none if it has none, or if noise is in what it
    learned.
    """
    if any(isinstance(op, Pdm | Redegnet | Translate) for op in program.ops):
        return None
    left = tuple(op for op in program.ops if not isinstance(op, NoiseOp | Inject | InjectByLevel))
    return program.with_(ops=left) if 0 < len(left) < len(program.ops) else None


def groups_of_rows(rows: Sequence[Row], manifest: CorpusManifest) -> dict[str, list[Row]]:
    """Samples by the group of photographs that their program draws from; those that draw from none,
    or from several, are left out.
    """
    known = {ref.digest: ref.groups for ref in manifest.identity.pools if ref.groups is not None}
    found: dict[str, list[Row]] = {}
    for row in rows:
        numbers = _groups(json.loads(row.program)["ops"], known)
        if len(numbers) == 1:
            found.setdefault(manifest.groups[numbers.pop()].name, []).append(row)
    return dict(sorted(found.items()))


def _groups(ops: Sequence[Mapping[str, object]], known: Mapping[str, RowGroups]) -> set[int]:
    numbers = set[int]()
    for op in ops:
        pool_groups = known.get(str(op.get("pool", "")))
        if pool_groups is not None:
            numbers |= {pool_groups.rows[index] for index in _indices(op)}
    return numbers


def _indices(op: Mapping[str, object]) -> list[int]:
    """Rows of its pool that an op names."""
    places = op.get("placements")
    if isinstance(places, list):
        return [int(place["index"]) for place in places]
    index = op.get("index")
    return [index] if isinstance(index, int) else []
