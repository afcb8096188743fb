"""What joint training begins with besides a corpus: real photographs, and a sealed pool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from pairmill.models.fitting.streams import Image
from pairmill.models.pdm.start import Codec
from pairmill.models.training.joint import build
from pairmill.models.training.joint.partner import Opening, Partner, Sight
from pairmill.pipeline.corpora.replay import corpus_assets
from pairmill.pipeline.images.decode import OpenedImage, open_image
from pairmill.pipeline.images.find import find_files
from pairmill.pipeline.rng import stream_key
from pairmill.pipeline.stages.learned_fit import centre, spread
from pairmill.pipeline.stages.pdm_start import codec_of
from pairmill.pipeline.training.data import Source
from pairmill.pipeline.training.validation import sheet
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.base import digest_of
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.errors import IntegrityError, UserError
from pairmill.schemas.image import IngestConfig, RejectedImage, Role
from pairmill.schemas.joint import JointConfig
from pairmill.schemas.training import TrainConfig, TrainingRun

KEY = "joint.real"
LOOKED, SHOWN = 128, 6
"""Crops that a validation looks at, and shows."""
LEAST = 8
"""Smallest side of an LR crop, in pixels."""


@dataclass(frozen=True)
class Joint:
    """What a partner is made of, besides the SR network."""

    reals: Sequence[Image]
    digest: str
    """Of the pixels of all photographs."""
    seed: int
    checkpoint: bytes = b""
    """The sealed degradation to begin with; empty for a new one."""
    codec: Codec | None = None
    """What compresses its LR last."""

    def partner(self, config: TrainConfig, scale: int, network: nn.Module, device: str) -> Partner:
        """The partner at step 0.

        Raises:
            ValueError: if the pool is of other networks.
        """
        opening = Opening(
            self.reals,
            scale,
            self.seed,
            config.steps,
            config.crop // scale,
            network,
            device,
            self.checkpoint,
            self.codec,
            mixed=config.precision == "bf16",
        )
        return build(config.joint, opening)


def read_joint(
    config: TrainConfig, base: str, storage: Storage, manifest: CorpusManifest, scale: int
) -> Joint | None:
    """All that a partner needs; none without joint training.

    Args:
        config: the training recipe.
        base: folder that relative patterns start at.
        storage: the workspace.
        manifest: the corpus version.
        scale: HR side over LR side.

    Raises:
        UserError: if a pattern matches nothing, no photograph can be used, or the corpus has no
            pool to start from.
    """
    if config.joint is None:
        return None
    reals, digests = _photographs(config.joint, base, config.crop // scale)
    seed = stream_key(config.seed, "joint", *digests)
    joint = Joint(reals, digest_of(list(digests)), seed)
    if config.joint.start_from == "nothing":
        return joint
    checkpoint, codec = _pool(config.joint.kind, storage, manifest)
    return replace(joint, checkpoint=checkpoint, codec=codec)


def check_reals(known: TrainingRun, joint: Joint | None) -> None:
    """Make sure that a run continues on the photographs that it was started with.

    Raises:
        IntegrityError: if not.
    """
    if joint is not None and known.real != joint.digest:
        raise IntegrityError(
            "the real photographs are not those that this run was started with",
            where=KEY,
            got=f"digest {joint.digest[:12]}",
            wanted=(known.real or "none")[:12],
            todo="put the photographs back, or give this run another `name:`",
        )


def hr_crops(partner: Partner, source: Source, crop: int) -> Tensor:
    """HR of at most `LOOKED` places of some tiles, side by side in each, with the partner's margin;
    (N, 3, n, n) in [0, 1].
    """
    side = crop + 2 * partner.margin
    found: list[Image] = []
    for number in range(len(source.index)):
        hr, _ = source.index.pair(number)
        found += [
            hr[top : top + side, left : left + side]
            for top in range(0, hr.shape[0] - side + 1, crop)
            for left in range(0, hr.shape[1] - side + 1, crop)
        ]
    chosen = np.stack(spread(found, LOOKED))
    return torch.from_numpy(chosen).permute(0, 3, 1, 2).contiguous().float() / 255


def real_above_fake(sight: Sight) -> Image:
    """A sheet of some real LR, and of LR that was made, which need not show the same scenes."""
    rows = [
        tuple((255 * image[:SHOWN]).round().byte().permute(0, 2, 3, 1).numpy())
        for image in (sight.real, sight.fake)
    ]
    return sheet(rows, ("real LR above, made LR below", *[""] * (len(rows[0]) - 1)))


def _photographs(config: JointConfig, base: str, side: int) -> tuple[list[Image], tuple[str, ...]]:
    """Photographs and the digests of their pixels, each picture once, in the order of digests."""
    _check_side(side, config.window)
    wanted = IngestConfig(min_side=max(16, side))
    opened: dict[str, OpenedImage] = {}
    rejected: list[RejectedImage] = []
    for file in spread(find_files(config.real, base, KEY), config.images):
        found = open_image(file, Role.REAL, wanted)
        if isinstance(found, RejectedImage):
            rejected.append(found)
        else:
            opened[found.record.pixel_sha256] = found
    if not opened:
        raise UserError(
            "no real photograph can be used",
            where=KEY,
            got="; ".join(f"{one.url}: {one.detail or one.reason}" for one in rejected[:3]),
            wanted=f"photographs of at least {wanted.min_side} x {wanted.min_side} pixels",
            todo="name other files, or a smaller crop",
        )
    digests = tuple(sorted(opened))
    return [centre(opened[digest].pixels, config.window) for digest in digests], digests


def _check_side(side: int, window: int) -> None:
    """LR crops are large enough to tell where they lie, and no larger than what they come from.

    Raises:
        UserError: if not.
    """
    if side < LEAST:
        raise UserError(
            "crops are too small for joint training",
            where="crop",
            got=f"{side} LR pixels",
            wanted=f"at least {LEAST}",
            todo="take a larger crop",
        )
    if window < side:
        raise UserError(
            "the middles of photographs that crops come from are smaller than a crop",
            where="joint.window",
            got=f"{window} pixels",
            wanted=f"at least {side}, an LR crop",
            todo="raise `joint.window`, or take a smaller crop",
        )


def _pool(kind: str, storage: Storage, manifest: CorpusManifest) -> tuple[bytes, Codec | None]:
    """The checkpoint of the corpus' pool of a kind, and what compresses its LR last."""
    pools = {pool.kind: pool for pool in manifest.identity.pools}
    if kind not in pools:
        raise UserError(
            f"the corpus has no {kind} pool to start from",
            where=f"joint.start_from, {manifest.identity.name}@{manifest.version}",
            got=", ".join(sorted(pools)) or "no pools",
            wanted=f"a corpus with degrader {kind}",
            todo="leave `start_from` out, or build a corpus with that degrader",
        )
    assets = corpus_assets(storage, manifest)
    codecs = pools.get("compression") if pools[kind].codec else None
    codec = None if codecs is None else codec_of(assets.items(codecs.digest), codecs.share)
    return assets.checkpoint(pools[kind].digest), codec
