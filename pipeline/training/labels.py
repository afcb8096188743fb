"""What a network that is told the degradation learns from: labels of both splits, and the corpus'
kernels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pairmill.models.archs.kernel_code import Array
from pairmill.pipeline.corpora.labelled import Advice, Labeller, open_labels
from pairmill.pipeline.rng import stream
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.errors import UserError
from pairmill.schemas.labels import LabelConfig
from pairmill.schemas.networks.aware import LabelledBase
from pairmill.schemas.training import TrainConfig

MOST = 1024
"""Samples whose kernels a network gets to know before it is trained."""


@dataclass(frozen=True)
class SplitLabels:
    """Labels of the split that is trained on, and of the one that is looked at; none for a network
    that is not told, nor of the second for one that is blind when it is used.
    """

    train: Labeller | None = None
    validation: Labeller | None = None

    def kernels(self) -> Array | None:
        """(N, K, K): those of the samples of the training split, or of some drawn by lot, so that
        each degrader has its share; of a kernel that depends on the place that of the tile's
        middle.
        """
        if self.train is None:
            return None
        drawn = stream(0, "kernels").permutation(self.train.keys)[:MOST]
        found = [self.train.of_tile(key.decode()) for key in np.sort(drawn)]
        return np.asarray(found, np.float64)


def open_both(
    config: TrainConfig, storage: Storage, manifest: CorpusManifest, scale: int
) -> SplitLabels:
    """The labels that a recipe asks for.

    Raises:
        UserError: if nothing is known of some samples of a degrader that is trained on, or the
            kernels are wider than the network's.
    """
    if not config.labelled:
        return SplitLabels()
    layout, noise = LabelConfig(), True
    if isinstance(config.network, LabelledBase):
        layout = layout.with_(kernel=config.network.side(scale))
        noise = config.network.wants_noise
    named = {
        degrader.get("name") or degrader["kind"]
        for degrader in manifest.identity.recipe["degraders"]
    }
    without = named - _trained_on(config, named)
    try:
        return SplitLabels(
            *(
                open_labels(
                    storage, manifest, split, layout, without, advice_for(config), noise=noise
                )
                for split in ("train", config.validation.split)[: 1 if config.network.taught else 2]
            )
        )
    except UserError as error:
        raise UserError(
            f"{config.network.arch} learns from how each LR was made, and {error.what}",
            where=error.where,
            got=error.got,
            wanted=error.wanted,
            todo=error.todo,
        ) from error


def advice_for(config: TrainConfig) -> Advice:
    """What a training recipe can do; a taught network does not learn without labels."""
    leave = "leave {} out by `degraders:`"
    if not config.network.taught:
        leave += ", or say `labels: ignored` for a network that is never told"
    setting = "kernel_size"
    if isinstance(config.network, LabelledBase):
        setting = config.network.sized_by
    return Advice(
        f"network.{setting}", leave.format("these degraders"), leave.format("those of the widest")
    )


def _trained_on(config: TrainConfig, named: set[str]) -> set[str]:
    """Degraders with a weight in some phase."""
    phases = [config.at_step(step)[1] for step in (0, *(phase.at for phase in config.phases))]
    return {
        name
        for name in named
        if any(phase.degraders is None or phase.degraders.get(name) for phase in phases)
    }
