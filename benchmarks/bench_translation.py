"""Cost of an iteration of the translators, against the plain formulation of their published code.

    python -m benchmarks.bench_translation [--quick]

Plain: every network is called once per image that it gets, gradients run into all networks also
where they are not wanted, and what a discriminator is shown is computed again for it. Once with the
same networks, which is what the formulation costs; once with the published networks (64 features, 8
or 16 blocks) and ours, both of two crops of 32, which is what the sizes cost. Processor time of one
thread, turn by turn, the best of each.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from pydantic import TypeAdapter
from torch import Tensor, nn

from pairmill.models.translation import system
from pairmill.models.translation.adversary import Adversary
from pairmill.models.translation.fit import Fit
from pairmill.models.translation.method import AnyMethod, Player, Scene, Terms
from pairmill.schemas.translation import METHODS, TranslationConfig

IMAGES = [np.random.default_rng(n).integers(0, 256, (300, 300, 3), np.uint8) for n in range(4)]
Remake = Callable[[AnyMethod, Scene], Tensor]
REMADE: dict[str, Remake] = {
    "judge_real": lambda method, scene: method.degrade(
        scene.hr if method.config.from_hr else scene.clean, scene
    ),
    "judge_clean": lambda method, scene: method.networks["to_clean"](scene.real),
    "judge_hr": lambda method, scene: method.networks["sr"](
        method.networks["to_clean"](scene.real)
    ),
}


def begin(method: str, **changes: Any) -> Fit:
    """A fit of this method."""
    value = {"method": method, **changes}
    return Fit(IMAGES, IMAGES, TypeAdapter(TranslationConfig).validate_python(value), 2, 0)


def plain(fit: Fit) -> Fit:
    """The same fit, computed as the published code does."""
    method = fit.system.method
    for network in method.networks.values():
        called = network.network if isinstance(network, Adversary) else network
        _one_by_one(called, fit.config.batch)
    method.players = tuple(
        replace(player, loss=_again(method, player)) if player.judges else player
        for player in method.players
    )
    return fit


def _one_by_one(network: nn.Module, batch: int) -> None:
    forward = network.forward

    def parts(image: Tensor, latent: Tensor | None = None) -> Tensor:
        more: Any = (
            [()] * len(image) if latent is None else [(z,) for z in torch.split(latent, batch)]
        )
        found = zip(torch.split(image, batch), more, strict=False)
        return torch.cat([forward(part, *numbers) for part, numbers in found])

    network.forward = parts


def _again(method: AnyMethod, player: Player) -> Callable[[Scene], Terms]:
    def loss(scene: Scene) -> Terms:
        REMADE[player.name](method, scene)
        return player.loss(scene)

    return loss


def compared(slow: Fit, quick: Fit, turns: int) -> tuple[float, float]:
    """Milliseconds of an iteration of each, the best of so many turns."""
    best = [float("inf"), float("inf")]
    for turn in range(turns + 1):
        for number, fit in enumerate((slow, quick)):
            start = time.process_time()
            if fit is slow:
                with patch.object(system, "frozen", lambda *_, **__: None):
                    list(fit.advance(fit.config.batch))
            else:
                list(fit.advance(fit.config.batch))
            if turn or turns == 1:
                best[number] = min(best[number], 1e3 * (time.process_time() - start))
    return best[0], best[1]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="few turns, no published networks")
    args = parser.parse_args()
    torch.set_num_threads(1)
    for method in METHODS:
        turns = 3 if args.quick else 8
        shown(method, "same", *compared(plain(begin(method)), begin(method), turns))
        if args.quick:
            continue
        small = {"batch": 2, "crop": 32}
        published = plain(begin(method, preset="published", **small))
        shown(method, "published", *compared(published, begin(method, **small), 1))


def shown(method: str, networks: str, slow: float, ours: float) -> None:
    """One row."""
    print(
        f"{method:8s} {networks:9s} networks: plain {slow:8.1f} ms, ours {ours:6.1f} ms:"
        f" {slow / ours:6.2f} x",
        flush=True,
    )


if __name__ == "__main__":
    main()
