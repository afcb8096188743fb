"""One training: networks, means, optimisers and the number of steps made; `advance` makes the next
one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from pairmill.models.archs.aware import Degradation, KernelAware
from pairmill.models.archs.layers import MultiScale, Pyramid
from pairmill.models.archs.taught import Taught
from pairmill.models.functional.labels import Labels
from pairmill.models.training.ema import Mean
from pairmill.models.training.joint.partner import Lesson, Partner
from pairmill.models.training.objective import Objective
from pairmill.models.training.optim import optimiser_of, set_rate
from pairmill.models.training.precision import Precision
from pairmill.schemas.training import TrainConfig

Wrap = Callable[[nn.Module], nn.Module]
PARTNERS = "joint/"
"""What the names of a partner's terms begin with."""
JOINT = "joint-"
"""What the names of a partner's networks and optimisers begin with."""


class Levels(nn.Module):
    """The images of a network, smallest first: those of a pyramid, or SR alone. A module, for
    what wraps it sees its calls.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(
        self,
        lr: Tensor,
        scale: int | None = None,
        share: float = 1.0,
        kernel: Tensor | None = None,
        noise: Tensor | None = None,
    ) -> list[Tensor]:
        """(B, 3, h, w) to images that never shrink; the last is (B, 3, scale h, scale w).

        Args:
            lr: in [0, 1].
            scale: of a network of several; none is its own.
            share: of the steps that are made.
            kernel: (B, K, K) that a `KernelAware` network is told; none lets it assume its usual.
            noise: (B, 1, h, w), beside it.
        """
        network = self.network
        if isinstance(network, MultiScale) and scale is not None:
            network = network.at(scale, share)
        if isinstance(network, Pyramid):
            return network.pyramid(lr)
        if kernel is not None and noise is not None:
            return [network(lr, Degradation(kernel, noise))]
        return [network(lr)]


class Teaching(nn.Module):
    """The loss of a network's own, as a module, as `Levels`."""

    def __init__(self, network: Taught) -> None:
        super().__init__()
        self.network = network

    def forward(self, lr: Tensor, hr: Tensor, kernel: Tensor, noise: Tensor) -> dict[str, Tensor]:
        """See `Taught.lesson`."""
        return self.network.lesson(lr, hr, Degradation(kernel, noise))


class Training:
    """What a run is made of.

    The step alone says what the next one does: the rates follow from it, nothing else is drawn, and
    the batches are given.

    Args:
        config: the training recipe.
        network: (B, 3, h, w) in [0, 1] to (B, 3, scale h, scale w).
        objective: what is minimised.
        discriminator: who judges, for loss gan.
        device: `cpu` or `cuda`.
        wrap: makes of a module one that shares its gradients with other processes.
        partner: who makes the LR in joint training, and learns along.
    """

    def __init__(
        self,
        config: TrainConfig,
        network: nn.Module,
        objective: Objective,
        discriminator: nn.Module | None = None,
        device: str = "cpu",
        wrap: Wrap = lambda module: module,
        partner: Partner | None = None,
    ) -> None:
        self.config, self.device, self.step, self.partner = config, device, 0, partner
        if config.channels_last:
            self.layout = torch.channels_last
        else:
            self.layout = torch.contiguous_format
        self.precision = Precision(device, config.precision)
        self.network = self._placed(network).train()
        self.objective = objective
        if isinstance(self.network, Taught):
            for part in self.network.held():
                part.requires_grad_(requires_grad=False)
            taught: nn.Module = Teaching(self.network)
        else:
            taught = Levels(self.network)
        self.mean = Mean(self.network, config.ema) if config.ema else None
        self.discriminator: nn.Module | None = None
        if discriminator is not None:
            self.discriminator = self._placed(discriminator).train()
        self.judging = config.discriminator_optimiser or config.optimiser
        self.optimisers = {"network": optimiser_of(config.optimiser, self.network.parameters())}
        if self.discriminator is not None:
            self.optimisers["discriminator"] = optimiser_of(
                self.judging, self.discriminator.parameters()
            )
        if partner is not None:
            self.optimisers |= {f"{JOINT}{name}": one for name, one in partner.moments().items()}
        if config.compile:
            self.forward = torch.compile(wrap(taught))
        else:
            self.forward = wrap(taught)
        self.judge: nn.Module | None = None
        if self.discriminator is not None:
            self.judge = wrap(self.discriminator)
        self.rate = 0.0

    @property
    def done(self) -> bool:
        """Whether all steps are made."""
        return self.step >= self.config.steps

    @property
    def result(self) -> nn.Module:
        """What is validated and saved: the EMA, or the network where none is kept."""
        if self.mean is not None:
            return self.mean.network
        return self.network

    def modules(self) -> dict[str, nn.Module]:
        """All that has weights, by name."""
        found: dict[str, nn.Module] = {"network": self.network}
        if self.mean is not None:
            found["mean"] = self.mean.network
        if self.discriminator is not None:
            found["discriminator"] = self.discriminator
        if self.partner is not None:
            found |= {f"{JOINT}{name}": one for name, one in self.partner.networks().items()}
        return found

    def advance(self, hr: Tensor, lr: Tensor, labels: Labels | None = None) -> dict[str, Tensor]:
        """One step.

        Args:
            hr: (B, 3, H, W) uint8; in joint training with the partner's margin.
            lr: (B, 3, H / scale, W / scale) uint8, of any scale of the network; in joint training
                the partner makes another.
            labels: how the LR was made, for a network that is told; none where it is not.

        Returns:
            The sum that was minimised as `loss`, and its terms by name, as numbers on the device.
        """
        lesson = self._lesson(hr, lr)
        shown, wanted = lesson.lr, lesson.hr
        judged = self.judge is not None and self.step >= self.config.discriminator_from
        self.rate = set_rate(
            self.optimisers["network"], self.config.optimiser, self.step, self.config.steps
        )
        with self.precision.context():
            sr, terms = self._terms(lesson, labels, self.discriminator if judged else None)
        loss = torch.stack(list(terms.values())).sum()
        self.precision.descend(
            loss, self.optimisers["network"], self.network, self.config.optimiser.clip
        )
        if judged:
            terms["discriminator"] = self._judge(sr, wanted)
        self.precision.scaler.update()
        self.step += 1
        if self.mean is not None:
            self.mean.update(self.step)
        learned = {
            f"{PARTNERS}{name}": shown.new_tensor(value) for name, value in lesson.terms.items()
        }
        found = {name: value.detach() for name, value in terms.items()}
        return {"loss": loss.detach()} | found | learned

    def _terms(
        self, lesson: Lesson, labels: Labels | None, judge: nn.Module | None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """SR without gradient, and what is minimised; of a network with a loss of its own, no SR,
        for nobody judges it.
        """
        told, (shown, wanted) = self._told(labels), (lesson.lr, lesson.hr)
        if isinstance(self.network, Taught):
            return wanted.new_empty(0), self.forward(shown, wanted, **told)
        levels = self.forward(shown, *self._scaled(wanted, shown), **told)
        terms = self.objective.network(levels, wanted, shown, judge, self._weights())
        return levels[-1].detach(), terms | self._unpaired(lesson)

    @property
    def share(self) -> float:
        """Share of the steps that are made."""
        return self.step / self.config.steps

    def _scaled(self, hr: Tensor, lr: Tensor) -> tuple[int, float] | tuple[()]:
        """What a network of several scales is told of a batch: its scale, and the time."""
        if isinstance(self.network, MultiScale):
            return hr.shape[-1] // lr.shape[-1], self.share
        return ()

    def _told(self, labels: Labels | None) -> dict[str, Tensor]:
        """What a network that takes the degradation, or learns to find it, is told of a batch."""
        if labels is None or not isinstance(self.network, KernelAware | Taught):
            return {}
        return {
            name: getattr(labels, name).to(self.device, non_blocking=True)
            for name in ("kernel", "noise")
        }

    def _weights(self) -> Sequence[float] | None:
        """What the losses of each image of the network are multiplied by."""
        if isinstance(self.network, Pyramid):
            return self.network.weights(self.share)
        return None

    def _lesson(self, hr: Tensor, lr: Tensor) -> Lesson:
        """LR and HR of the step; in joint training the partner's turn comes first."""
        if self.partner is None:
            return Lesson(self._picture(hr), self._picture(lr), {})
        lesson = self.partner.turn(self._picture(hr), self.step)
        return replace(
            lesson,
            hr=lesson.hr.contiguous(memory_format=self.layout),
            lr=lesson.lr.contiguous(memory_format=self.layout),
        )

    def _unpaired(self, lesson: Lesson) -> dict[str, Tensor]:
        """Terms of SR of real LR."""
        if self.partner is None or lesson.unpaired is None:
            return {}
        found = self.partner.judge_sr(self.forward(lesson.unpaired)[-1], lesson.unpaired)
        return {f"{PARTNERS}sr_{name}": value for name, value in found.items()}

    def _judge(self, sr: Tensor, hr: Tensor) -> Tensor:
        """The discriminator's step."""
        assert self.judge is not None
        assert self.discriminator is not None
        optimiser = self.optimisers["discriminator"]
        set_rate(optimiser, self.judging, self.step, self.config.steps)
        with self.precision.context():
            loss = self.objective.discriminator(self.judge, sr, hr)
        self.precision.descend(loss, optimiser, self.discriminator, self.judging.clip)
        return loss

    def _picture(self, image: Tensor) -> Tensor:
        moved = image.to(self.device, non_blocking=True).float() / 255
        return moved.contiguous(memory_format=self.layout)

    def _placed(self, module: nn.Module) -> nn.Module:
        placed: Any = module.to(self.device)
        return placed.to(memory_format=self.layout)  # type: ignore[no-any-return]
