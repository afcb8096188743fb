"""What a network that is told the degradation learns from: labels of both splits, and the corpus'
kernels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pairmill.models.archs.kernel_code import Array
from pairmill.pipeline.corpora.labelled import Kernels, Labeller, open_labels
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.errors import UserError
from pairmill.schemas.labels import LabelConfig
from pairmill.schemas.networks.aware import LabelledBase
from pairmill.schemas.training import TrainConfig

MOST, SAMPLES = 1024, 64
"""Kernels that a network gets to know before it is trained; and samples that they are taken from
where each has as many as it has places."""


@dataclass(frozen=True)
class SplitLabels:
    """Labels of the split that is trained on, and of the one that is looked at; none for a network
    that is not told, nor of the second for one that is blind when it is used.
    """

    train: Labeller | None = None
    validation: Labeller | None = None

    def kernels(self) -> Array | None:
        """(N, K, K): the kernels of the training split, or an even choice of them."""
        if self.train is None:
            return None
        known = self.train.kernels if len(self.train.kernels) else _of_middles(self.train)
        chosen = np.arange(min(len(known), MOST)) * len(known) // min(len(known), MOST)
        return np.asarray(known[chosen], np.float64)


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
    layout = LabelConfig()
    if isinstance(config.network, LabelledBase):
        layout = layout.with_(kernel=config.network.side(scale))
    named = {
        degrader.get("name") or degrader["kind"]
        for degrader in manifest.identity.recipe["degraders"]
    }
    without = named - _trained_on(config, named)
    try:
        return SplitLabels(
            *(
                open_labels(storage, manifest, split, layout, without)
                for split in ("train", config.validation.split)[: 1 if config.network.taught else 2]
            )
        )
    except UserError as error:
        raise UserError(
            f"{config.network.arch} learns from how each LR was made, and {error.what}",
            where=error.where,
            got=error.got,
            wanted=error.wanted,
            todo=f"{error.todo}; in a training recipe, `degraders:` leaves some out, "
            "`network.kernel_size:` is that `kernel`, and `labels: ignored` asks for none",
        ) from error


def _trained_on(config: TrainConfig, named: set[str]) -> set[str]:
    """Degraders with a weight in some phase."""
    phases = [config.at_step(step)[1] for step in (0, *(phase.at for phase in config.phases))]
    return {
        name
        for name in named
        if any(phase.degraders is None or phase.degraders.get(name) for phase in phases)
    }


def _of_middles(labels: Labeller) -> Kernels:
    """(N, K, K): of corpora where every place has its own, those in the middle of some tiles."""
    count = len(labels.keys)
    chosen = sorted({place * count // SAMPLES for place in range(SAMPLES)})
    found = []
    for place in chosen:
        height, width = labels.shapes[labels.rows[place]].tolist()
        # The kernel does not depend on what the tile shows.
        blank = np.zeros((height, width, 3), np.uint8)
        found.append(labels(labels.keys[place].decode(), blank, (0, 0), 0).kernel.numpy())
    return np.asarray(found)
