"""Gaussian8: LR of eight known Gaussian blurs (Gu et al. 2019), and what networks make of it that
are told the true kernel, a wrong one, or nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from pairmill.models.metrics.psnr import psnr
from pairmill.pipeline.assets import Assets
from pairmill.pipeline.degraders.program_builder import ProgramBuilder
from pairmill.pipeline.evaluate.crops import Image
from pairmill.pipeline.evaluate.measure import IDENTICAL
from pairmill.pipeline.evaluate.networks import Array, Told, Upscaler
from pairmill.pipeline.evaluate.records import Records, digest_of_pair
from pairmill.pipeline.evaluate.sources import Case, Group
from pairmill.pipeline.ops.apply import apply
from pairmill.schemas.base import digest_of
from pairmill.schemas.errors import UserError
from pairmill.schemas.evaluation import (
    Gaussian8View,
    InferenceConfig,
    Measured,
    ToldRow,
    ToldView,
)
from pairmill.schemas.ops.blur import Blur, GaussianKernel

RANGES = {2: (0.8, 1.6), 3: (1.35, 2.4), 4: (1.8, 3.2)}
"""Least and greatest width by scale, in HR pixels (KXNet; IKC for x4)."""
COUNT, SIZE = 8, 21
"""Widths, and the side of the blur in HR pixels."""
PSNR = "psnr_y"
USUAL = "usual"
Scores = Mapping[str, float]
Step = Callable[[str], None]


def widths(scale: int) -> tuple[float, ...]:
    """The eight widths, evenly spaced.

    Raises:
        UserError: if the protocol has none for a scale.
    """
    if scale not in RANGES:
        raise UserError(
            "Gaussian8 is for scales 2, 3 and 4",
            where="--gaussian8",
            got=f"scale {scale}",
            todo="leave it out",
        )
    low, high = RANGES[scale]
    return tuple(round(float(width), 4) for width in np.linspace(low, high, COUNT))


def degraded(hr: Image, scale: int, width: float) -> Image:
    """(H, W, 3) to (H / scale, W / scale, 3) uint8: blurred with mirrored borders, downscaled by
    MATLAB's bicubic, rounded once. Sides are multiples of the scale.
    """
    draft = ProgramBuilder(scale, (hr.shape[0], hr.shape[1]))
    draft.add(Blur(kernel=GaussianKernel(size=SIZE, sigma_x=width, sigma_y=width, angle=0.0)))
    draft.reduce(scale)
    return apply(draft.program(), hr, Assets())


def kernel_of(width: float, scale: int, side: int) -> Array:
    """(side, side): blur and downscaling as one kernel."""
    from pairmill.models.archs.kernel_code import downscaled
    from pairmill.models.functional.kernels import gaussian_kernel

    blur = gaussian_kernel(SIZE, width, width, 0.0, SIZE // 2)
    return np.asarray(downscaled(blur[None], scale, side)[0])


class Gaussian8:
    """The protocol at work on some networks.

    Args:
        networks: bicubic first.
        config: how they are run.
        records: what was measured before.
        step: called before each LR, with its name.
    """

    def __init__(
        self,
        networks: Sequence[Upscaler],
        config: InferenceConfig,
        records: Records | None = None,
        step: Step = lambda _: None,
    ) -> None:
        self.networks, self.config, self.records, self.step = networks, config, records, step
        self.scale = networks[0].view.scale
        self.widths = widths(self.scale)

    def measured(self, images: Sequence[tuple[str, Callable[[], Image]]]) -> Gaussian8View:
        """All networks on all images: names, and what reads HR with sides that are multiples of the
        scale.
        """
        sums: dict[str, list[dict[str, Array]]] = {one.name: [] for one in self.networks}
        for name, read in images:
            hr = read()
            for column, width in enumerate(self.widths):
                self.step(f"{name}, blurred by {width:.2f}")
                lr = degraded(hr, self.scale, width)
                for one in self.networks:
                    if not column:
                        sums[one.name].append({})
                    for told, value in self._scores(one, hr, lr).items():
                        row = sums[one.name][-1].setdefault(told, np.full(COUNT, np.nan))
                        row[column] = value
        return Gaussian8View(
            widths=self.widths,
            images=len(images),
            networks=tuple(
                ToldView(network=one.name, rows=_rows(sums[one.name], self.widths))
                for one in self.networks
            ),
        )

    def _scores(self, one: Upscaler, hr: Image, lr: Image) -> Scores:
        """PSNR Y by what the network was told."""
        from pairmill.models.archs.aware import KernelAware

        network = one.network
        if hasattr(network, "estimates"):
            return self._kept(
                one, hr, lr, lambda: _iterations(network, hr, lr, self.scale, self.config)
            )
        if not isinstance(network, KernelAware):
            return {"nothing": self._kept(one, hr, lr)[PSNR]}
        side = network.code.side
        found = {}
        for width in self.widths:
            told = Told(kernel_of(width, self.scale, side), words=f"width {width:.2f}")
            found[_label(width)] = self._kept(one.telling(told), hr, lr)[PSNR]
        return found | {USUAL: self._kept(one.telling(Told()), hr, lr)[PSNR]}

    def _kept(
        self,
        one: Upscaler,
        hr: Image,
        lr: Image,
        work: Callable[[], dict[str, float]] | None = None,
    ) -> Scores:
        """Scores from an earlier run, or new ones."""
        digest = digest_of(["gaussian8", digest_of_pair(hr, lr)])
        name = self.records.name(one.view, digest) if self.records else ""
        known = self.records.read(name) if self.records else None
        if known is not None:
            return known.scores
        if work is not None:
            scores = work()
        else:
            scores = {PSNR: _psnr(one(lr, self.config), hr, self.scale)}
        if self.records:
            self.records.write(name, Measured(scores=scores, seconds=one.seconds))
        return scores


def check_possible(scale: int, groups: Sequence[Group]) -> None:
    """Make sure, before anything is measured, that the protocol can be followed.

    Raises:
        UserError: if it has no widths for the scale, or there is no HR.
    """
    widths(scale)
    if all(group.kind == "real" for group in groups):
        raise _needs_hr()


def _needs_hr() -> UserError:
    return UserError(
        "Gaussian8 needs HR",
        where="--gaussian8",
        got="real images without HR",
        todo="name HR: --hr FOLDER",
    )


def on_cases(protocol: Gaussian8, cases: Sequence[Case]) -> Gaussian8View:
    """The protocol on the HR of those cases that have one.

    Raises:
        UserError: if none has.
    """

    def reader(case: Case) -> Callable[[], Image]:
        def read() -> Image:
            hr = case.read(protocol.scale).hr
            assert hr is not None
            return hr

        return read

    having = [case for case in cases if case.has_hr]
    if not having:
        raise _needs_hr()
    return protocol.measured([(case.name, reader(case)) for case in having])


def _rows(images: Sequence[dict[str, Array]], known: Sequence[float]) -> tuple[ToldRow, ...]:
    """Means over images; where every width was told, the true ones first."""
    names = max((list(each) for each in images), key=len)
    whole = [_without_gaps(each, names) for each in images]
    means = {told: np.mean([each[told] for each in whole], axis=0) for told in names}
    rows = []
    if _label(known[0]) in means:
        true = tuple(float(means[_label(width)][at]) for at, width in enumerate(known))
        rows.append(ToldRow(told="the true kernel", kind="true", scores=true))
    for told, values in means.items():
        scores = tuple(float(value) for value in values)
        rows.append(ToldRow(told=told, kind=_kind(told), scores=scores))
    return tuple(rows)


def _without_gaps(image: dict[str, Array], names: Sequence[str]) -> dict[str, Array]:
    """Of a network that has stopped early, what it had then stands for what would have followed."""
    found, before = dict[str, Array](), np.full(COUNT, np.nan)
    for name in names:
        values = image.get(name, before)
        found[name] = before = np.where(np.isnan(values), before, values)
    return found


def _kind(told: str) -> str:
    if told in {USUAL, "nothing"}:
        return told
    return "iteration" if told.startswith("after") else "width"


def _label(width: float) -> str:
    return f"{width:.2f}"


def _iterations(
    network: Any, hr: Image, lr: Image, scale: int, config: InferenceConfig
) -> dict[str, float]:
    """PSNR Y after each correction of a network that finds the kernel by itself, from the whole
    image: each tile, flip or rotation would find its own.
    """
    import torch

    from pairmill.models.device import resolve_device
    from pairmill.models.inference.steps import Steps
    from pairmill.models.inference.tiled import evaluating, rounded

    place = torch.device(resolve_device(config.device))
    image = torch.from_numpy(np.ascontiguousarray(lr.transpose(2, 0, 1)))[None].float() / 255
    with evaluating(Steps(network), place, config.precision) as run:
        found = (255 * run(image)).permute(0, 2, 3, 1).cpu().numpy()
    return {f"after {number}": _psnr(rounded(each), hr, scale) for number, each in enumerate(found)}


def _psnr(sr: Image, hr: Image, scale: int) -> float:
    return min(float(psnr(sr, hr, scale, channel="y")), IDENTICAL)
