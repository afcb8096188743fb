"""A method at work: its optimisers, and one iteration after the other."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from pairmill.models.translation.discriminator import frozen
from pairmill.models.translation.method import AnyMethod, Player, Scene


class System:
    """The networks of a method and what is remembered of their gradients.

    Args:
        method: the method.
        device: `cpu` or `cuda`.
    """

    def __init__(self, method: AnyMethod, device: str = "cpu") -> None:
        self.method, self.device = method, device
        config = method.config
        for network in method.networks.values():
            network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimisers: dict[str, torch.optim.Optimizer] = {
            player.name: torch.optim.Adam(
                [p for name in player.learns for p in method.networks[name].parameters()],
                self._rate(player),
                config.betas,
            )
            for player in method.players
        }

    def _rate(self, player: Player) -> float:
        config = self.method.config
        rate: float = config.discriminator_rate if player.judges else config.learning_rate
        return rate

    def networks(self) -> Mapping[str, nn.Module]:
        """All networks by name."""
        return self.method.networks

    def set_rates(self, factor: float) -> None:
        """Step sizes, as a factor of the first ones."""
        for player in self.method.players:
            self.optimisers[player.name].param_groups[0]["lr"] = factor * self._rate(player)

    def step(self, scene: Scene) -> dict[str, float]:
        """Every player's turn; the terms by name, those that were only shown without `_`."""
        found: dict[str, float] = {}
        for player in self.method.players:
            self._turn(player, scene, found)
        return found

    def _turn(self, player: Player, scene: Scene, found: dict[str, float]) -> None:
        others = [net for name, net in self.networks().items() if name not in player.learns]
        frozen(others, still=True)
        terms = player.loss(scene)
        total = torch.stack([value for name, value in terms.items() if name[0] != "_"]).sum()
        optimiser = self.optimisers[player.name]
        optimiser.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        frozen(others, still=False)
        if not player.judges:
            learning = [p for name in player.learns for p in self.networks()[name].parameters()]
            nn.utils.clip_grad_norm_(learning, self.method.config.clip)
        optimiser.step()
        found |= {name.lstrip("_"): float(value.detach()) for name, value in terms.items()}
