"""A sealed corpus version: identity that is hashed, provenance that is not, and reports on its
state.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    Field,
    model_validator,
)

from pairmill.schemas.aligned import PairTiles
from pairmill.schemas.base import Digest, Frozen, Grown, Key
from pairmill.schemas.curation import CurationConfig, Scores
from pairmill.schemas.groups import GroupRecord, RowGroups
from pairmill.schemas.image import Credit, Role
from pairmill.schemas.noise_levels import NoiseWay, RawNoise
from pairmill.schemas.provenance import Circumstance
from pairmill.schemas.translation import METHODS
from pairmill.schemas.work import FileRecord


class ShardRecord(Frozen):
    """One tar of a corpus."""

    split: str
    """Split that its samples are in."""
    samples: int
    """Number of samples."""
    bytes: int
    """Size of the tar, in bytes."""
    sha256: Digest
    """Digest of the tar."""
    pixel_sha256: Digest
    """Digest of the pixel digests of its samples: equal for equal pixels, whatever the encoder."""


POOL_ARRAYS = {
    "kernels": "kernel",
    "generated_kernels": "kernel",
    "noise": "patch",
    "noise_levels": "gain",
    "compression": "encoder",
    "noise_choice": "way",
    "pdm": "checkpoint",
    "redegnet": "checkpoint",
    "codes": "code",
    "aligned": "lr",
    **dict.fromkeys(METHODS, "checkpoint"),
}
"""All kinds of pools, and the name of the zarr array that holds the items of each."""


def _known_kind(kind: str) -> str:
    if kind not in POOL_ARRAYS:
        raise ValueError(f"must be one of {', '.join(POOL_ARRAYS)}")
    return kind


class PoolRef(Grown):
    """A pool that programs of the corpus refer to."""

    added: ClassVar[tuple[str, ...]] = ("groups", "pairs", "raw", "ways", "codec")
    kind: Annotated[str, AfterValidator(_known_kind)]
    """What the pool holds, one of `POOL_ARRAYS`."""
    digest: Digest
    """Digest of the pool's content."""
    count: int
    """Number of items."""
    side: int
    """Side of a kernel, a patch or a table, in pixels."""
    share: float = Field(default=1.0, gt=0, le=1)
    """Share of the real images that the items stand for; below 1 where only some real images are
    compressed."""
    groups: RowGroups | None = None
    """Which group of photographs each row comes from; none, and left out of the digest, where there
    is one group or rows come from all."""

    pairs: tuple[PairTiles, ...] | None = None
    """Where the tiles of a pool of real pairs come from; none, and left out of the digest, for all
    other pools."""
    raw: tuple[RawNoise, ...] | None = None
    """Noise on the sensor of each group; none, and left out of the digest, where no degrader draws
    noise in raw."""
    ways: tuple[NoiseWay, ...] | None = None
    """How the noise of each group is made; none, and left out of the digest, of all pools but
    `noise_choice`."""
    codec: bool = False
    """Whether what draws from it is to be compressed last as the real images were; left out of the
    digest of all pools but a `pdm` that started from what was measured."""


class CorpusIdentity(Grown):
    """All that determines a version; its digest is the corpus digest."""

    added: ClassVar[tuple[str, ...]] = ("credits",)
    format: Literal["pairmill-corpus/1"] = "pairmill-corpus/1"
    """Layout of the corpus on disk."""
    name: Key
    """Name of the corpus."""
    recipe: dict[str, Any]
    """The resolved recipe with every default, without the places of the images."""
    images: Digest
    """Digest of the accepted images: roles and pixel digests, in order."""
    credits: Digest | None = None
    """Digest of the licences and authors of the images; none, and left out of the digest, where
    nothing was said."""
    stages: dict[str, int]
    """Version of each stage that took part."""
    pools: tuple[PoolRef, ...]
    """Pools that the programs refer to."""
    samples: dict[str, int]
    """Samples per split."""
    degraders: dict[str, int]
    """Samples per degrader."""
    shards: tuple[ShardRecord, ...]
    """Shards in order."""


class CreditCount(Frozen):
    """One credit and how many images have it."""

    credit: Credit | None
    """Licence, author, source and title; none for images that no side file names."""
    images: int
    """Accepted images."""


class CorpusManifest(Frozen):
    """`manifest.json` of a version, written last."""

    version: str = Field(pattern=r"^[0-9a-f]{12}$")
    """First twelve digits of the digest."""
    digest: Digest
    """Digest of `identity`."""
    identity: CorpusIdentity
    """What determines the version."""
    shard_names: tuple[str, ...]
    """File names of the shards, in the order of `identity.shards`."""
    files: tuple[FileRecord, ...]
    """The other files of the version that must stay as they are: table, card and indexes."""
    counts: dict[str, int]
    """Images, tiles, kernels and patches: accepted, rejected and skipped."""
    credits: tuple[CreditCount, ...] = ()
    """Who the images are by, by licence; empty where nothing was said."""
    groups: tuple[GroupRecord, ...] = ()
    """Groups of photographs that share a camera, by the numbers that pools name them by; empty
    where no pool has rows of groups."""
    parents: tuple[str, ...]
    """Versions that this one followed in the log."""
    circumstance: Circumstance
    """Where and when it was made."""


class LogEntry(Frozen):
    """One line of a corpus' log."""

    version: str
    """The version."""
    parent: str
    """The version before it; empty for the first."""
    time: str
    """When it was sealed, ISO 8601, UTC."""
    samples: int
    """Samples in it."""
    tag: Literal[""] = ""
    """Always empty: tags are files next to the log, so that two that tag and build at once lose
    nothing."""
    collected: str = ""
    """When `gc` deleted the version, ISO 8601, UTC; empty while it is there."""


class Tag(Frozen):
    """A name that the user gave to a version."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=60)
    """The name."""
    version: str
    """The version."""
    time: str
    """When it was given, ISO 8601, UTC."""


class SourceImage(Frozen):
    """An image that a version was made of."""

    role: Role
    """`real` or `clean`."""
    pixel_sha256: Digest
    """Digest of the decoded image, which is its identity."""
    name: str
    """Name of the file, without its folder; in versions sealed by earlier builds of pairmill the
    whole path or URL."""
    credit: Credit | None = None
    """Licence and author; none if no side file names the image."""
    scores: Scores | None = None
    """Blockiness and blur; none if the recipe does not curate."""
    group: str = ""
    """Name of its group of photographs; empty where there is one group."""
    split_key: Digest | None = None
    """The image by whose draw this one fell into its split: near-duplicates share one; none for the
    image's own."""

    @model_validator(mode="before")
    @classmethod
    def _named_by_place(cls, value: Any) -> Any:
        """Earlier builds of pairmill wrote `url`."""
        if not isinstance(value, dict):
            return value
        return {"name" if key == "url" else key: item for key, item in value.items()}


class SourcePair(Frozen):
    """A pair that ReDegNet learned from, or a real pair of LR and HR."""

    name: str
    """Name of its two files, without folder and ending."""
    lq: Digest
    """Digest of the decoded LQ or LR image."""
    hq: Digest
    """Digest of its decoded counterpart."""


class VersionSources(Frozen):
    """`sources.json` of a version: what is needed to find, keep and make again what it was made of;
    told, not hashed.

    It names no folder and no machine, for it lies in the version, which may be published; see
    `VersionPlaces`.
    """

    images: tuple[SourceImage, ...]
    """The accepted images."""
    pairs: tuple[SourcePair, ...] = ()
    """The pairs of degraders redegnet and aligned; none if no degrader takes pairs."""
    stages: dict[str, tuple[Digest, ...]]
    """Keys of the sealed stages that it was made from, by stage."""
    device: str
    """`cpu` or `cuda`: where the fits ran."""
    curation: CurationConfig | None = None
    """How near-duplicates were found, less the places of benchmarks; the split keys hold for builds
    that do the same."""
    pools_from: str = ""
    """Version whose pools were used instead of estimating, as NAME@VERSION; empty if none."""


class VersionPlaces(Frozen):
    """Where the images of a version lie; kept next to the corpora of a workspace, not in them."""

    host: str
    """Name of the machine that built it last; empty if nobody said."""
    images: dict[Digest, str]
    """Absolute path or fsspec URL of every image and every image of a pair, by the digest of its
    pixels."""


class Fault(StrEnum):
    """What `verify` can find."""

    SHARD_MISSING = "shard-missing"
    SHARD_TRUNCATED = "shard-truncated"
    SHARD_BYTES = "shard-bytes-differ"
    SAMPLE_PIXELS = "sample-pixels-differ"
    SAMPLE_RECORD = "sample-record-differs"
    SAMPLE_MISSING = "sample-missing"
    SAMPLE_UNREADABLE = "sample-unreadable"
    MANIFEST = "manifest-digest-differs"
    FILE = "file-differs"
    POOL = "pool-differs"


class Finding(Frozen):
    """One thing that is not as the manifest says."""

    fault: Fault
    """Kind of fault."""
    where: str
    """File, and the sample if one is meant."""
    detail: str
    """What was found."""


class VerifyReport(Frozen):
    """What `verify` did and found."""

    version: str
    """The version that was checked."""
    shards: int
    """Shards that were read."""
    samples: int
    """Samples that were checked."""
    findings: tuple[Finding, ...]
    """Faults; none means that all checksums match."""

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.findings
