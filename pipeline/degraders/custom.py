"""A chain that the recipe writes itself: each parameter is drawn from its range when its op is
taken.
"""

from __future__ import annotations

from typing import cast

import numpy as np

from pairmill.pipeline.degraders.base import Pools
from pairmill.pipeline.degraders.program_builder import ProgramBuilder
from pairmill.pipeline.degraders.sampling import Random, chance, covariance, key, weighted_index
from pairmill.schemas.degraders.custom import CustomConfig
from pairmill.schemas.degraders.steps import OneOf, ResizeDraw, StepBase, draw_resize, make_op
from pairmill.schemas.ops import Op
from pairmill.schemas.ops.resize import BicubicDown, Subsample
from pairmill.schemas.program import Program


class Custom:
    """The recipe's ops in order."""

    def __init__(self, config: CustomConfig, scale: int, pools: Pools) -> None:  # noqa: ARG002
        self.config, self.scale = config, scale

    def draw(self, rng: np.random.Generator, hr_shape: tuple[int, int]) -> Program:
        """See `Degrader.draw`."""
        draft = ProgramBuilder(self.scale, hr_shape)
        for part in self.config.ops:
            if isinstance(part, OneOf):
                _add_branch(rng, draft, part)
            else:
                add_step(rng, draft, part)
        draft.to_lr(self.config.finish)
        return draft.program()


def _add_branch(rng: np.random.Generator, draft: ProgramBuilder, group: OneOf) -> None:
    if chance(rng, group.p):
        branch = group.one_of[weighted_index(rng, [branch.weight for branch in group.one_of])]
        for step in branch.ops:
            add_step(rng, draft, step)


def add_step(rng: np.random.Generator, draft: ProgramBuilder, step: StepBase) -> None:
    """Draw whether a step is taken, then its parameters, and append its op."""
    if not chance(rng, step.p):
        return
    if isinstance(step, ResizeDraw):
        factor, method = draw_resize(step, Random(rng))
        rows, columns = {"current": (draft.height, draft.width), "hr": draft.hr, "lr": draft.lr}[
            step.of
        ]
        draft.resize(round(rows * factor), round(columns * factor), method)
        return
    op = make_op(step, Random(rng), lambda: key(rng), lambda level: covariance(rng, level))
    if isinstance(op, Subsample):
        draft.subsample(op.scale)
    elif isinstance(op, BicubicDown):
        draft.reduce(op.scale, op.form)
    else:
        draft.add(cast("Op", op))
