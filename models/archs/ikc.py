"""IKC: a predictor finds the kernel, a corrector mends it by what SR with it looks like (Gu et al.
2019).
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from pairmill.models.archs.aware import Degradation
from pairmill.models.archs.kernel_code import Array
from pairmill.models.archs.layers import Conv
from pairmill.models.archs.sftmd import SLOPE, Sftmd
from pairmill.models.archs.taught import Estimate, Taught
from pairmill.schemas.networks.ikc import IkcConfig

SIDE = 5
"""Side of the filters."""


class Predictor(nn.Module):
    """LR to a code: six convolutions, the mean over the picture.

    Differs from the published code: no activation after the last, by which codes below 0 would
    hardly be found.
    """

    def __init__(self, features: int, code: int) -> None:
        super().__init__()
        strides = (1, 1, 1, 2, 1)
        self.body = nn.Sequential(*_convolutions(3, features, strides), Conv(features, code, SIDE))

    def forward(self, lr: Tensor) -> Tensor:
        """(B, 3, h, w) to (B, code)."""
        found: Tensor = self.body(lr)
        return found.float().mean((2, 3)).to(lr.dtype)


class Corrector(nn.Module):
    """SR and the code it was made with to what the code lacks."""

    def __init__(self, features: int, code: int) -> None:
        super().__init__()
        self.picture = nn.Sequential(*_convolutions(3, features, (1, 2, 1, 2, 1, 1, 1)))
        self.code = nn.Sequential(
            Conv(code, features, 1, start="he"),
            nn.LeakyReLU(SLOPE),
            Conv(features, features, 1, start="he"),
        )
        self.both = nn.Sequential(
            Conv(2 * features, 2 * features, 1, start="he"),
            nn.LeakyReLU(SLOPE),
            Conv(2 * features, features, 1, start="he"),
            nn.LeakyReLU(SLOPE),
            Conv(features, code, 1),
        )

    def forward(self, sr: Tensor, code: Tensor) -> Tensor:
        """(B, 3, H, W) and (B, code) to (B, code)."""
        seen = self.picture(sr)
        known = self.code(code.to(sr.dtype)[:, :, None, None]).expand(-1, -1, *seen.shape[2:])
        found: Tensor = self.both(torch.cat([seen, known], 1))
        return found.float().mean((2, 3)).to(code.dtype)


class Ikc(Taught):
    """Blind: the kernel is found from the LR, then corrected from the SR, picture by picture.

    The published test renders no last correction and takes the best of seven pictures by the true
    HR; here the last one is rendered and is the result, and a picture whose code has settled is
    corrected no more.
    """

    def __init__(self, config: IkcConfig, scale: int, network: Sftmd) -> None:
        super().__init__(config, scale)
        self.iterations, self.corrections = config.iterations, config.corrections
        self.settled = config.settled
        self.network = network
        self.predictor = Predictor(config.features, network.code.count)
        self.corrector = Corrector(config.features, network.code.count)

    def reach(self) -> None:
        """See `Network.reach`: the kernel is that of all of the picture."""
        return

    def held(self) -> Iterable[nn.Module]:
        """See `Taught.held`: the network was trained before."""
        return (self.network,)

    def learn(self, kernels: Array) -> None:
        """See `Taught.learn`."""
        self.network.learn(kernels)

    def estimates(self, lr: Tensor, start: Degradation | None = None) -> list[Estimate]:
        """See `Taught.estimates`: with the predictor's code, and after each correction; fewer than
        all where every picture has settled.

        Args:
            lr: (B, 3, h, w) in [0, 1].
            start: what to begin with instead of what the predictor finds.
        """
        code = self.predictor(lr) if start is None else self.network.code.encode(start.kernel)
        found = [self._estimate(lr, code)]
        moving = code.new_ones(len(lr), 1, dtype=torch.bool)
        for _ in range(self.iterations):
            change = self.corrector(found[-1].sr, code)
            code = torch.where(moving, code + change, code)
            # The length per number of the code, so that longer codes settle alike.
            size = change.detach().square().mean(1, keepdim=True).sqrt()
            moving = moving & (size >= self.settled)
            found.append(self._estimate(lr, code))
            if not torch.compiler.is_compiling() and not bool(moving.any()):
                break
        return found

    def lesson(self, lr: Tensor, hr: Tensor, told: Degradation) -> dict[str, Tensor]:
        """See `Taught.lesson`: squared distances of codes, of the predictor and of every
        correction.

        The corrector sees its own successive codes, as published. Those of every second picture
        begin at the code of the next picture and not at the predictor's, so that it learns to mend
        what is far wrong too. Its steps are one of the optimiser, and not seven.
        """
        del hr
        wanted = self.network.code.encode(told.kernel).to(lr.dtype)
        guess = self.predictor(lr)
        terms = {"predictor": mse_loss(guess, wanted)}
        second = torch.arange(len(lr), device=lr.device)[:, None] % 2 == 1
        code, missed = torch.where(second, wanted.roll(1, 0), guess.detach()), []
        for _ in range(self.corrections):
            with torch.no_grad():
                sr = self.network.rendered(lr, code)
            corrected = code + self.corrector(sr, code)
            missed.append(mse_loss(corrected, wanted))
            code = corrected.detach()
        return terms | {"corrector": torch.stack(missed).mean()}

    def _estimate(self, lr: Tensor, code: Tensor) -> Estimate:
        return Estimate(self.network.rendered(lr, code), self.network.code.decode(code))


def _convolutions(inputs: int, features: int, strides: tuple[int, ...]) -> list[nn.Module]:
    parts: list[nn.Module] = []
    for stride in strides:
        parts += [Conv(inputs, features, SIDE, stride, start="he"), nn.LeakyReLU(SLOPE)]
        inputs = features
    return parts
