"""A plain training loop in the manner of BasicSR, fed by a corpus.

    python examples/basicsr_style_trainer.py CORPUS [--steps N] [--out net.pth]

CORPUS is a folder `data/corpora/NAME/VERSION`, or NAME in the workspace `data`. Everything but the
two functions that open the corpus is what such a trainer has already: batches are dictionaries of
`lq` and `gt`, (B, 3, h, w) and (B, 3, H, W) float32 in [0, 1], weights are saved under `params`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

import pairmill

Batch = dict[str, Tensor]
SEED = 1


def training_batches(corpus: pairmill.Corpus, crop: int, batch: int) -> Iterator[Batch]:
    """Batches without end: random crops, turned at random, a new order in every epoch."""
    loader = pairmill.Loader(corpus.training("train", crop=crop, seed=SEED), batch=batch)
    while True:
        for hr, lr in loader:
            yield {"lq": lr.float() / 255, "gt": hr.float() / 255}


def validation_pairs(corpus: pairmill.Corpus) -> Iterator[Batch]:
    """The tiles that were kept from training, whole."""
    for hr, lr, _ in corpus.pairs("val"):
        yield {"lq": tensor(lr), "gt": tensor(hr)}


def tensor(image: NDArray[np.uint8]) -> Tensor:
    """(H, W, 3) as a batch of one."""
    return torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float() / 255


class Residual(nn.Module):
    """Two convolutions beside a skip."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(features, features, 3, padding=1)
        self.conv2 = nn.Conv2d(features, features, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        change: Tensor = self.conv2(functional.relu(self.conv1(x)))
        return x + change


class Network(nn.Module):
    """Residual blocks, then sub-pixel upsampling, added to the bicubic upscaling."""

    def __init__(self, scale: int, features: int = 24, blocks: int = 6) -> None:
        super().__init__()
        self.scale = scale
        self.first = nn.Conv2d(3, features, 3, padding=1)
        self.body = nn.Sequential(*(Residual(features) for _ in range(blocks)))
        self.last = nn.Conv2d(features, 3 * scale**2, 3, padding=1)
        self.shuffle = nn.PixelShuffle(scale)

    def forward(self, lq: Tensor) -> Tensor:
        """(B, 3, h, w) to (B, 3, scale h, scale w)."""
        shape = [self.scale * side for side in lq.shape[-2:]]
        base = functional.interpolate(lq, shape, mode="bicubic", align_corners=False)
        detail: Tensor = self.shuffle(self.last(self.body(self.first(lq))))
        return base + detail


def psnr(made: Tensor, gt: Tensor) -> float:
    """Of 8-bit RGB, in dB, without the outermost four pixels."""
    error = (made.clamp(0, 1) * 255).round() - (gt * 255).round()
    return float(10 * torch.log10(255**2 / error[..., 4:-4, 4:-4].square().mean()))


@torch.no_grad()
def validate(model: Network, corpus: pairmill.Corpus) -> tuple[float, float]:
    """Mean PSNR of the network, and of bicubic upscaling."""
    scores = []
    for pair in validation_pairs(corpus):
        shape = list(pair["gt"].shape[-2:])
        bicubic = functional.interpolate(pair["lq"], shape, mode="bicubic", align_corners=False)
        scores.append((psnr(model(pair["lq"]), pair["gt"]), psnr(bicubic, pair["gt"])))
    network, baseline = np.mean(scores, axis=0)
    return float(network), float(baseline)


def main() -> None:
    """Train, validate, save."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("corpus")
    parser.add_argument("--workspace", default="data")
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--crop", type=int, default=48, help="HR pixels")
    parser.add_argument("--out", type=Path, default=Path("net.pth"))
    options = parser.parse_args()
    corpus = pairmill.open(options.corpus, options.workspace)
    torch.manual_seed(SEED)
    model = Network(corpus.scale)
    optimizer = torch.optim.Adam(model.parameters(), 5e-4)
    batches = training_batches(corpus, options.crop, options.batch)
    for step in range(1, options.steps + 1):
        batch = next(batches)
        loss = functional.l1_loss(model(batch["lq"]), batch["gt"])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 50 == 0 or step == options.steps:
            print(f"step {step}: l1 {loss.item():.4f}")
    torch.save({"params": model.state_dict()}, options.out)
    network, bicubic = validate(model, corpus)
    print(f"validation: {network:.2f} dB, bicubic {bicubic:.2f} dB; weights in {options.out}")


if __name__ == "__main__":
    main()
