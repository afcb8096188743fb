"""What a method is: networks, and who of them learns from what, in which order.

One iteration is a turn of every player. A player's loss may leave images for the next player in
`Scene.made`, so that nothing is computed twice.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from pairmill.models.archs import build
from pairmill.models.translation.adversary import Adversary
from pairmill.models.translation.generator import Generator, draw_latent
from pairmill.schemas.network import AnyNetworkConfig
from pairmill.schemas.translation import TranslationBase

C = TypeVar("C", bound=TranslationBase)
TO_REAL = "to_real"
"""Name of the network that degrades."""


@dataclass(frozen=True)
class Scene:
    """What one iteration sees; images are (B, 3, h, w) in [0, 1]."""

    real: Tensor
    """Real LR."""
    hr: Tensor
    """(B, 3, s h, s w), unrelated to it."""
    clean: Tensor
    """Its bicubic LR, of 8 bits."""
    rng: np.random.Generator
    """Stream of all that is drawn."""
    number: int
    """Of the iteration."""
    progress: float
    """Share of the samples seen, 0 to 1."""
    made: dict[str, Tensor] = field(default_factory=dict)
    """What players leave for one another."""


Terms = dict[str, Tensor]


@dataclass(frozen=True)
class Player:
    """Networks that learn together, by one optimiser."""

    name: str
    """Name of the optimiser."""
    learns: tuple[str, ...]
    """Networks."""
    loss: Callable[[Scene], Terms]
    """Terms that are summed and minimised, weights included; names that begin with `_` are only
    shown."""
    judges: bool = False
    """Whether these are discriminators."""


class Method(ABC, Generic[C]):
    """Base of all methods.

    Args:
        config: settings.
        scale: HR side over LR side.
        rng: stream of the initial weights.
    """

    columns: ClassVar[tuple[str, ...]]
    """Names of all terms that a turn may have."""
    watched = "judge_real"
    """The discriminator whose accuracy is taken down."""

    def __init__(self, config: C, scale: int, rng: np.random.Generator) -> None:
        self.config, self.scale = config, scale
        self.networks: dict[str, nn.Module] = {}
        self.add_networks(rng)
        self.players = self.all_players()

    @abstractmethod
    def add_networks(self, rng: np.random.Generator) -> None:
        """Fill `networks`, in an order that never changes."""

    @abstractmethod
    def all_players(self) -> tuple[Player, ...]:
        """Who learns, in the order of their turns."""

    @property
    def degrader(self) -> Generator:
        """The network that degrades."""
        found = self.networks[TO_REAL]
        assert isinstance(found, Generator)
        return found

    def add_adversary(self, name: str, rng: np.random.Generator, *, hr: bool = False) -> None:
        """A discriminator of LR, or of HR."""
        side = self.config.crop * (self.scale if hr else 1)
        self.networks[name] = Adversary(self.config, side, rng)

    def add_sr(self, config: AnyNetworkConfig, rng: np.random.Generator) -> None:
        """The SR network."""
        self.networks["sr"] = build(config, self.scale, int(rng.integers(1 << 62)))

    def degrade(self, image: Tensor, scene: Scene) -> Tensor:
        """`to_real` with numbers of its own."""
        generator = self.degrader
        height, width = (side // generator.scale for side in image.shape[2:])
        latent = draw_latent(scene.rng, generator, len(image), height, width)
        return generator(image, None if latent is None else latent.to(image))  # type: ignore[no-any-return]

    def adversary(self, name: str) -> Adversary:
        """A discriminator by name."""
        found = self.networks[name]
        assert isinstance(found, Adversary)
        return found

    def judging(self, name: str, real: Callable[[Scene], Tensor], fake: str, term: str) -> Player:
        """The player that is a discriminator.

        Args:
            name: of its network.
            real: what is real to it.
            fake: key of `Scene.made`.
            term: name of its loss; its accuracy is `_accuracy` where it is the one that is
                watched.
        """

        def loss(scene: Scene) -> Terms:
            found, right = self.adversary(name).judged(
                real(scene), scene.made[fake].detach(), scene.rng, scene.number
            )
            if right is None or name != self.watched:
                return {term: found}
            return {term: found, "_accuracy": right}

        return Player(name, (name,), loss, judges=True)


def real_lr(scene: Scene) -> Tensor:
    """What is real to `judge_real`."""
    return scene.real


def clean_lr(scene: Scene) -> Tensor:
    """What is real to `judge_clean`."""
    return scene.clean


def hr(scene: Scene) -> Tensor:
    """What is real to `judge_hr`."""
    return scene.hr


def weighted(terms: Mapping[str, tuple[float, Callable[[], Tensor]]]) -> Terms:
    """Each term times its weight; those of weight 0 are not computed."""
    return {name: weight * value() for name, (weight, value) in terms.items() if weight}


def joined(*images: Tensor) -> Tensor:
    """Several batches as one, for a network that is quicker with one."""
    return torch.cat(images)


AnyMethod = Method[Any]
