"""A program run step by step: timed, given up as soon as nobody waits for it, and begun where an
earlier program left the same image.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from pairmill.pipeline.assets import Assets
from pairmill.pipeline.degraders import Degrader
from pairmill.pipeline.ops.apply import Step, checked, run, steps_of
from pairmill.pipeline.ops.base import Image
from pairmill.schemas.errors import UserError
from pairmill.schemas.ops.resize import Resize
from pairmill.schemas.program import Program

MOST_PIXELS = 16_000_000
"""Largest image on the way, in pixels: half a gigabyte."""
KEPT = 256_000_000
"""Bytes of images that are kept between two programs."""


class StaleError(Exception):
    """A newer request makes this one needless."""


@dataclass(frozen=True)
class Timed:
    """One step of a program that was run."""

    step: Step
    seconds: float
    """Of the time when it was last carried out."""
    kept: bool
    """Whether its result was still there."""


@dataclass
class Bench:
    """Runs programs on HR tiles, one after the other, and keeps the images after the first steps of
    the last one: a setting of the last step then costs that step alone.
    """

    hr: NDArray[np.uint8] | None = None
    done: list[tuple[Timed, Image]] = field(default_factory=list)
    """Steps of the last program on that tile, with the image after each."""

    def apply(
        self,
        program: Program,
        hr: NDArray[np.uint8],
        assets: Assets,
        stale: Callable[[], bool] = lambda: False,
    ) -> tuple[NDArray[np.uint8], list[Timed]]:
        """What `apply` gives, and its steps.

        Args:
            program: Ops in order.
            hr: (H, W, 3) uint8; the same object means the same tile.
            assets: The pools that the program names.
            stale: Asked before every step.

        Raises:
            StaleError: if it was.
            UserError: if an image on the way is too large to be looked at.
        """
        check_sizes(program)
        steps = steps_of(program.ops)
        image, timed = self._begin(steps, hr)
        for step in steps[len(timed) :]:
            if stale():
                raise StaleError
            start = time.perf_counter()
            image = run([step], image, assets)
            timed.append(Timed(step, time.perf_counter() - start, kept=False))
            self._keep(timed, image)
        size = (hr.shape[0] // program.scale, hr.shape[1] // program.scale)
        return checked(program, image, size), timed

    def _begin(self, steps: list[Step], hr: NDArray[np.uint8]) -> tuple[Image, list[Timed]]:
        if hr is not self.hr:
            self.hr, self.done = hr, []
        same = 0
        while same < min(len(self.done), len(steps)) and self.done[same][0].step == steps[same]:
            same += 1
        del self.done[same:]
        image: Image = self.done[-1][1] if self.done else hr
        return image, [Timed(one.step, one.seconds, kept=True) for one, _ in self.done]

    def _keep(self, timed: list[Timed], image: Image) -> None:
        """Only a beginning without gaps is of use."""
        held = sum(one.nbytes for _, one in self.done)
        if len(self.done) == len(timed) - 1 and held + image.nbytes <= KEPT:
            self.done.append((timed[-1], image))


def draw(degrader: Degrader, rng: np.random.Generator, hr_shape: tuple[int, int]) -> Program:
    """One program of a degrader that can be applied here.

    Raises:
        UserError: if its settings allow what no op can be, or an image on the way is too large to
            be looked at.
    """
    try:
        program = degrader.draw(rng, hr_shape)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise UserError(
            "this draw leads to an op that cannot be",
            got=f"{error.title}, {'.'.join(map(str, first['loc']))}: {first['input']}",
            wanted=first["msg"],
            todo="narrow the ranges that lead there",
        ) from error
    check_sizes(program)
    return program


def check_sizes(program: Program) -> None:
    """Refuse a program before it fills the memory.

    Raises:
        UserError: if an image on the way is too large to be looked at.
    """
    for op in program.ops:
        if isinstance(op, Resize) and op.height * op.width > MOST_PIXELS:
            raise UserError(
                "this draw upscales to an image that is too large to be looked at",
                got=f"{op.width} x {op.height} pixels on the way",
                wanted=f"at most {MOST_PIXELS:,} pixels",
                todo="lower the factor by which a resize upscales",
            )
