"""The recipe: what the user writes, complete with defaults."""

from __future__ import annotations

from math import isclose
from typing import Any, Literal, Self

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from pairmill.schemas.aligned import AlignedConfig
from pairmill.schemas.base import Frozen, Key
from pairmill.schemas.compression import CompressionConfig
from pairmill.schemas.curation import CurationConfig
from pairmill.schemas.degraders import DegraderConfig
from pairmill.schemas.degraders.realsr import RealSrConfig
from pairmill.schemas.groups import GroupsConfig
from pairmill.schemas.image import IngestConfig
from pairmill.schemas.kernel import (
    CameraKernelsConfig,
    KernelQualityConfig,
    KernelsConfig,
    SpectralKernelsConfig,
)
from pairmill.schemas.kmsr import KmsrConfig
from pairmill.schemas.noise import NoiseConfig
from pairmill.schemas.patterns import NamedPatterns
from pairmill.schemas.patterns import Patterns as Patterns
from pairmill.schemas.pdm import PdmConfig
from pairmill.schemas.realism import RealismConfig
from pairmill.schemas.redegnet import RedegnetConfig
from pairmill.schemas.shard import Encoding, LrMode
from pairmill.schemas.translation import (
    BulatConfig,
    CincganConfig,
    CyclesrConfig,
    DsganConfig,
    MaedaConfig,
)

Scale = Literal[2, 3, 4, 8]


class PairsConfig(Frozen):
    """Where pairs are: files of equal names, such as `a/lq/anna.png` and `b/hq/anna.jpg`, of equal
    sizes.
    """

    lq: Patterns
    """Real LQ images, usually faces, upscaled to the size of their counterparts."""
    hq: Patterns
    """What a restorer made of them."""


class AlignedImagesConfig(Frozen):
    """Where real pairs are: photographs of one scene, HR at the long focal length and LR at the
    short one, of equal names but for an ending such as `_HR`, `_LR2`, `_x1`.
    """

    lr: Patterns
    """LR photographs, of their own size or upscaled to HR's."""
    hr: Patterns
    """HR photographs."""


class ImagesConfig(Frozen):
    """Where the source images are: files, folders, globs or fsspec URLs; relative ones start at the
    recipe's folder.
    """

    real: NamedPatterns = ()
    """X: the real LR photos that the corpus imitates; kernels and noise come from these. A table of
    names and patterns says which were taken with one camera: `{phone: phone/*.jpg, compact: [a.jpg,
    b.jpg]}`; see `groups`."""
    clean: Patterns = ()
    """Y: optional clean HR photos, used as HR without clean-up."""
    attribution: Patterns = ()
    """Tables (CSV, YAML, JSON) that say who made which image and under which licence; files called
    `attribution.csv`, `.yaml` or `.json` in the image folders are found without it.
    """
    pairs: PairsConfig | None = None
    """Real LQ images and their restored counterparts; degrader redegnet learns from these."""
    aligned: AlignedImagesConfig | None = None
    """Real HR/LR pairs; degrader aligned takes these, and `kernels.from_pairs` their kernels."""

    def real_by_group(self) -> dict[str, tuple[str, ...]]:
        """The patterns of the real images by the name of their group; of no name where the recipe
        gives none.
        """
        if isinstance(self.real, dict):
            return self.real
        return {"": self.real} if self.real else {}

    def real_patterns(self) -> tuple[str, ...]:
        """All patterns of the real images, whatever group they are of."""
        return tuple(text for patterns in self.real_by_group().values() for text in patterns)


class CleanUpConfig(Frozen):
    """How clean HR is made of a real image: bicubic downscaling averages noise and compression
    away.
    """

    factor: int = Field(default=2, ge=1, le=8)
    """How many times smaller the sides become; larger is cleaner and smaller."""


class TilesConfig(Frozen):
    """How HR images are cut, and which tiles teach nothing."""

    size: int = Field(default=256, ge=16, le=4096)
    """Side of an HR tile, in pixels; a multiple of the scale."""
    stride: int | None = Field(default=None, ge=8)
    """Distance between tiles, in HR pixels; without one it is `size` (no overlap)."""
    min_contrast: float = Field(default=3.0, ge=0)
    """Smallest standard deviation of intensity in a tile, in intensity levels; below it the tile is
    flat."""
    min_detail: float = Field(default=1.0, ge=0)
    """Smallest standard deviation of the grey Laplacian, in intensity levels; below it the tile is
    too blurred."""
    max_defocus: float | None = Field(default=None, gt=0, le=1)
    """Largest share of a tile's content that may be out of focus; without it none is left out for
    that."""
    keep: float = Field(default=1.0, gt=0, le=1)
    """Share of all these tiles that is used."""
    by: Literal["complexity", "random"] = "complexity"
    """Which ones, where `keep` is below 1: the most complex of all images, or any of them."""

    @model_serializer(mode="wrap")
    def _without_nothing(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Recipes that choose no tiles have the keys that they had before one could."""
        value: dict[str, Any] = handler(self)
        if self.max_defocus is None:
            value.pop("max_defocus", None)
        if self.keep == 1:
            value.pop("keep", None)
            value.pop("by", None)
        return value

    @property
    def step(self) -> int:
        """Distance between tiles, in HR pixels."""
        return self.stride or self.size

    @property
    def ranked(self) -> bool:
        """Whether the complexity of tiles decides."""
        return self.keep < 1 and self.by == "complexity"


class SplitsConfig(Frozen):
    """Shares of the source images per split; an image is in one split only.

    What is not said: `val` is 0 where `train` and `test` leave nothing of 1, else 0.1. Shares that
    do not sum to 1 are taken as proportions.
    """

    train: float = Field(default=0.9, gt=0)
    """Share of the images for training."""
    val: float = Field(default=0.1, ge=0)
    """Share of the images for validation; without it 0.1, or 0 where `train` and `test` sum to
    1."""
    test: float = Field(default=0.0, ge=0)
    """Share of the images for testing."""

    @model_validator(mode="before")
    @classmethod
    def _all_is_said(cls, said: Any) -> Any:
        """Whoever gives all away to others wants no validation."""
        if isinstance(said, dict) and "val" not in said and "train" in said:
            given = [said["train"], said.get("test", 0)]
            if all(isinstance(share, int | float) for share in given) and isclose(sum(given), 1):
                return {**said, "val": 0.0}
        return said

    def shares(self) -> dict[str, float]:
        """Splits with a share above zero, summing to 1, in the order train, val, test."""
        shares = {"train": self.train, "val": self.val, "test": self.test}
        total = sum(shares.values())
        return {name: share / total for name, share in shares.items() if share > 0}


class ShardsConfig(Frozen):
    """How samples are packed into tars."""

    samples: int = Field(default=512, ge=1, le=100_000)
    """Samples per shard on average: half to one and a half times as many; the last shard of a split
    has the rest."""
    encoding: Encoding = "fast"
    """How images are encoded, without loss: `fast` is PNG by fpng, `small` takes less room and more
    time, `opencv` is PNG as earlier versions of pairmill wrote it."""
    lr: LrMode = "stored"
    """`stored` writes LR beside HR; `replayed` stores HR once per tile and makes LR of it, its
    program and the pools when it is asked for."""


class Recipe(Frozen):
    """Everything that determines a corpus, given the images."""

    name: Key
    """Name of the corpus: lower-case letters, digits, dashes, underscores."""
    seed: int = Field(default=0, ge=0, lt=1 << 63)
    """Seed of all random choices."""
    scale: Scale = 2
    """HR side over LR side."""
    images: ImagesConfig
    """Where the source images are."""
    ingest: IngestConfig = IngestConfig()
    """What an image must be to take part."""
    curation: CurationConfig | None = None
    """What is done about near-duplicates, benchmark images and bad images; nothing without it,
    `curation: {}` for the defaults.
    """
    clean_up: CleanUpConfig = CleanUpConfig()
    """How clean HR is made of real images."""
    tiles: TilesConfig = TilesConfig()
    """How HR is cut."""
    groups: GroupsConfig = GroupsConfig()
    """Which real images share a camera."""
    kernels: KernelsConfig = CameraKernelsConfig()
    """How kernels are estimated."""
    kernel_quality: KernelQualityConfig = KernelQualityConfig()
    """Which kernel estimates are accepted."""
    kmsr: KmsrConfig = KmsrConfig()
    """How new kernels are made from the estimated ones, for degrader kmsr."""
    noise: NoiseConfig = NoiseConfig()
    """How noise is mined."""
    compression: CompressionConfig = CompressionConfig()
    """When real images count as compressed."""
    pdm: PdmConfig = PdmConfig()
    """How degrader pdm learns from the real images."""
    redegnet: RedegnetConfig = RedegnetConfig()
    """How degrader redegnet learns from `images.pairs`."""
    dsgan: DsganConfig = DsganConfig()
    """How degrader dsgan learns from the real images."""
    bulat: BulatConfig = BulatConfig()
    """How degrader bulat learns from the real images and HR."""
    cincgan: CincganConfig = CincganConfig()
    """How degrader cincgan learns from the real images and HR."""
    cyclesr: CyclesrConfig = CyclesrConfig()
    """How degrader cyclesr learns from the real images and HR."""
    maeda: MaedaConfig = MaedaConfig()
    """How degrader maeda learns from the real images and HR."""
    aligned: AlignedConfig = AlignedConfig()
    """Which pairs of `images.aligned` are good enough."""
    pools_from: str = ""
    """Version whose pools are drawn from instead of estimating new ones, as NAME@VERSION or
    NAME@TAG of the same workspace; old samples then keep their bytes however many images are added.
    """
    degraders: tuple[DegraderConfig, ...] = Field(default=(RealSrConfig(),), min_length=1)
    """Degraders to mix, by weight; each a list entry with its `kind`."""
    samples_per_tile: int = Field(default=1, ge=1, le=1000)
    """Draws per HR tile."""
    splits: SplitsConfig = SplitsConfig()
    """Shares of the images per split."""
    shards: ShardsConfig = ShardsConfig()
    """How samples are packed."""
    realism: RealismConfig = RealismConfig()
    """How the report measures realism; it changes no version."""
    train: str = ""
    """Training recipe that follows a build: a YAML file, relative to this one; it changes no
    version."""

    def draws_from(self, kind: str) -> bool:
        """Whether a degrader draws from pools of this kind; see `pairmill.pipeline.pools.POOLS`."""
        return any(kind in degrader.draws_from for degrader in self.degraders)

    def needs(self, kind: str) -> bool:
        """Whether a degrader cannot do without pools of this kind."""
        return any(kind in degrader.needs for degrader in self.degraders)

    @property
    def takes_pairs(self) -> bool:
        """Whether anything is made of the real pairs of `images.aligned`."""
        return self.draws_from("aligned") or (
            self.kernels.from_pairs and self.draws_from("kernels")
        )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        pairs_alone = all(degrader.own_hr for degrader in self.degraders)
        if not self.images.real and not self.images.clean and not pairs_alone:
            raise ValueError("images: give at least one of real and clean")
        if self.tiles.size % self.scale:
            raise ValueError(
                f"tiles.size must be a multiple of the scale {self.scale}, got {self.tiles.size}"
            )
        self._check_mixture()
        self._check_images()
        for section in (self.pdm, self.dsgan, self.bulat, self.cincgan, self.cyclesr, self.maeda):
            if problem := section.problem(self.scale):
                raise ValueError(problem)
        return self

    def _check_images(self) -> None:
        """Degraders whose pools are made from images have such images."""
        for degrader in self.degraders:
            if degrader.learns_from == "real" and not self.images.real:
                raise ValueError(
                    f"degrader {degrader.label} learns from images.real, which is empty"
                )
            if degrader.learns_from == "pairs" and self.images.pairs is None:
                raise ValueError(
                    f"degrader {degrader.label} learns from images.pairs, which is missing; give "
                    "`pairs: {lq: ..., hq: ...}`"
                )
            if degrader.learns_from == "aligned" and self.images.aligned is None:
                raise ValueError(
                    f"degrader {degrader.label} takes pairs from images.aligned, which is missing; "
                    "give `aligned: {lr: ..., hr: ...}`"
                )
        if self.kernels.from_pairs and self.images.aligned is None:
            raise ValueError(
                "kernels.from_pairs takes kernels from images.aligned, which is missing; give "
                "`aligned: {lr: ..., hr: ...}`"
            )

    def _check_mixture(self) -> None:
        """Every degrader has a label of its own and works at this scale, and every split has
        something to draw from.
        """
        labels = [degrader.label for degrader in self.degraders]
        if twice := sorted({label for label in labels if labels.count(label) > 1}):
            raise ValueError(
                f"degraders: {', '.join(twice)} stands twice; give each a `name:` of its own"
            )
        for degrader in self.degraders:
            if problem := degrader.problem(self.scale):
                raise ValueError(f"degrader {degrader.label}: {problem}")
        composed = not isinstance(self.kernels, SpectralKernelsConfig)
        if self.scale == 3 and composed and self.draws_from("kernels"):
            raise ValueError(
                f"kernels: method {self.kernels.method} composes x2 kernels and allows scales 2, 4 "
                "and 8, got 3; methods camera and spectral allow any"
            )
        channels = isinstance(self.kernels, CameraKernelsConfig) and self.kernels.channels
        if channels and self.draws_from("generated_kernels"):
            raise ValueError(
                "kernels: channels are not for degrader kmsr, whose generated kernels have one "
                "plane for all; leave channels out, or take degrader realsr"
            )
        for split in self.splits.shares():
            if not any(degrader.weight_in(split) for degrader in self.degraders):
                raise ValueError(
                    f"degraders: none has a weight above 0 in split {split}, which gets images "
                    f"(splits.{split})"
                )
