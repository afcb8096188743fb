"""What is known of how each LR was made, for networks that are told it: by a corpus, or since it is
made here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import TYPE_CHECKING

from pairmill.pipeline.labels.kernel import of_bicubic
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.base import digest_of
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.errors import UserError
from pairmill.schemas.labels import LabelConfig

if TYPE_CHECKING:
    from pairmill.models.archs.aware import Degradation
    from pairmill.models.archs.kernel_code import KernelCode
    from pairmill.pipeline.corpora.labelled import Labeller
    from pairmill.pipeline.evaluate.crops import Image
    from pairmill.pipeline.evaluate.networks import Upscaler


Known = Callable[["Image", "KernelCode"], "Degradation | None"]
"""From HR, and the side and scale of a network's kernels, to how the LR was made."""


class CorpusKernels:
    """The labels of a split of a corpus version, read when they are first asked for."""

    def __init__(self, storage: Storage, manifest: CorpusManifest, split: str) -> None:
        self.storage, self.manifest, self.split = storage, manifest, split
        self.opened = dict[int, "Labeller | None"]()

    def of(self, key: str, hr: Image, code: KernelCode) -> Degradation | None:
        """How the LR of a whole tile was made, its kernel (1, side, side); none if that is not
        known, or some kernels of the corpus are wider.
        """
        from pairmill.models.archs.aware import Degradation

        side = code.side
        if side not in self.opened:
            self.opened[side] = self._open(side)
        labels = self.opened[side]
        if labels is None:
            return None
        found = labels(key, hr, (0, 0), 0)
        if not bool(found.kernel.isfinite().all() and found.noise.isfinite().all()):
            return None
        return Degradation(found.kernel[None], found.noise[None])

    def _open(self, side: int) -> Labeller | None:
        from pairmill.pipeline.corpora.labelled import open_labels

        layout = LabelConfig(kernel=side, missing="nan")
        try:
            return open_labels(self.storage, self.manifest, self.split, layout)
        except UserError:
            return None


def by_bicubic(hr: Image, code: KernelCode) -> Degradation | None:
    """How LR of MATLAB's bicubic downscaling was made, its kernel (1, side, side), without noise;
    none if the network's kernels are too small for it.
    """
    import torch

    from pairmill.models.archs.aware import Degradation

    kernel, lost = of_bicubic(code.scale, code.side)
    if lost > LabelConfig().tolerance:
        return None
    noise = torch.zeros(1, 1, hr.shape[0] // code.scale, hr.shape[1] // code.scale)
    return Degradation(torch.from_numpy(kernel).float()[None], noise)


class Tally:
    """Which networks were told how LR was made, of how many images of each kind of set."""

    def __init__(self) -> None:
        self.told, self.assumed = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
        self.narrow = set[str]()

    def count(
        self, one: Upscaler, known: Degradation | None, kind: str, *, asked: bool = False
    ) -> None:
        """Take down what a network was told of an image of a set of a kind, see `Group.kind`, and
        whether it was `asked` how the LR was made.
        """
        from pairmill.models.archs.aware import KernelAware

        if one.told is None and isinstance(one.network, KernelAware):
            (self.assumed if known is None else self.told)[one.name, kind] += 1
            if known is None and asked and kind == "bicubic":
                self.narrow.add(one.name)

    def notes(self) -> Iterator[str]:
        """A sentence per network that takes kernels, and kind of set."""
        for (name, kind), count in self.told.items():
            if kind == "bicubic":
                yield (
                    f"{name} was told the kernel of the bicubic downscaling by which {count} LR "
                    "were made here; networks that are told nothing have it harder."
                )
            else:
                yield (
                    f"{name} was told the kernel and the noise of each of {count} LR, "
                    "which the corpus knows; networks that are told nothing have it harder."
                )
        for (name, kind), count in self.assumed.items():
            advice = ""
            if kind == "pairs":
                advice = " If bicubic downscaling made them, --kernel bicubic says so."
            elif kind == "bicubic" and name in self.narrow:
                advice = " Its kernels are too small for that of bicubic downscaling."
            yield (
                f"{name} was told nothing of {count} LR, and assumed its usual kernel and no "
                f"noise.{advice}"
            )


def known_of(one: Upscaler, kernel: Known | None, hr: Image | None) -> Degradation | None:
    """What a network is told of a case whose `kernel` this is; none if it takes nothing, was told
    something of all images, or nothing is known.
    """
    from pairmill.models.archs.aware import KernelAware

    network = one.network
    if one.told is not None or not isinstance(network, KernelAware):
        return None
    return None if kernel is None or hr is None else kernel(hr, network.code)


def digest_with(digest: str, told: Degradation | None) -> str:
    """Digest of images and of what a network is told of them."""
    if told is None:
        return digest
    values = (told.kernel, told.noise)
    return digest_of([digest, *(sha256(one.numpy().tobytes()).hexdigest() for one in values)])
