"""What methods share that translate both ways: clean LR to real, and back (Zhu et al. 2017)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from torch import Tensor
from torch.nn.functional import l1_loss

from pairmill.models.pdm.degradation import eight_bits
from pairmill.models.translation.method import Method, Scene, joined
from pairmill.schemas.translation import CyclesrConfig, MaedaConfig

C = TypeVar("C", CyclesrConfig, MaedaConfig)
WeightedTerms = dict[str, tuple[float, Callable[[], Tensor]]]


class TwoWay(Method[C]):
    """Networks `to_real` and `to_clean`, judged by `judge_real` and `judge_clean`."""

    def both_ways(self, scene: Scene) -> tuple[WeightedTerms, Tensor, Tensor]:
        """The terms of both translators; leaves `noised` and `cleaned` for the judges.

        Returns:
            Terms for `weighted`, cleaned real LR, and clean LR that was degraded and cleaned again.
        """
        to_clean = self.networks["to_clean"]
        noised, same_real = self.degrade(joined(scene.clean, scene.real), scene).chunk(2)
        cleaned, same_clean, again = to_clean(joined(scene.real, scene.clean, noised)).chunk(3)
        back = self.degrade(cleaned, scene)
        made, weights = scene.made, self.config.weights
        made["noised"], made["cleaned"] = eight_bits(noised), eight_bits(cleaned)
        terms: WeightedTerms = {
            "adversarial": (
                weights.adversarial,
                lambda: self.adversary("judge_clean").fooled(made["cleaned"], scene.clean),
            ),
            "adversarial_real": (
                weights.adversarial_real,
                lambda: self.adversary("judge_real").fooled(made["noised"], scene.real),
            ),
            "identity": (
                weights.identity,
                lambda: l1_loss(same_real, scene.real) + l1_loss(same_clean, scene.clean),
            ),
            "cycle": (
                weights.cycle,
                lambda: l1_loss(back, scene.real) + l1_loss(again, scene.clean),
            ),
        }
        return terms, cleaned, again
