"""Fit FKP: a flow that knows what Gaussian kernels of a scale look like; needs no image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from pairmill.pipeline.rng import stream
from pairmill.pipeline.runner.stage import Context, Stage, Unit
from pairmill.pipeline.stages.checkpoint import read_checkpoint
from pairmill.pipeline.stages.learned_fit import leave_checkpoint
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.fkp import FittedFlow, FlowConfig, FlowRef
from pairmill.schemas.work import Payload

if TYPE_CHECKING:
    from pairmill.models.fkp.prior import KernelPrior


class FlowPayload(Payload):
    """A scale."""

    scale: int
    """That kernels are for."""

    @property
    def label(self) -> str:
        """See `Payload.label`."""
        return f"flow of x{self.scale} kernels"


def plan(inputs: None, config: FlowConfig) -> list[FlowPayload]:
    """One unit."""
    return [FlowPayload(scale=config.scale)]


def work(
    units: Sequence[Unit[FlowPayload]], config: FlowConfig, context: Context
) -> Iterator[FittedFlow]:
    """Fit on one thread; write the checkpoint."""
    from pairmill.models.fitting.threads import one_thread
    from pairmill.models.fkp.checkpoint import checkpoint_bytes
    from pairmill.models.fkp.fit import fit_prior

    for unit in units:
        with one_thread():
            prior, likelihood = fit_prior(
                config,
                partial(stream, config.seed, "fkp", config.scale),
                lambda done: context.report(0.99 * done / config.fit.iterations),
            )
        sha256 = leave_checkpoint(unit, context, checkpoint_bytes(prior))
        yield FittedFlow(sha256=sha256, likelihood=likelihood)


def seal(
    units: Sequence[Unit[FlowPayload]],
    records: Sequence[FittedFlow],
    config: FlowConfig,
    context: Context,
    key: str,
) -> FlowRef:
    """Name the checkpoint."""
    return FlowRef(key=units[0].key, sha256=records[0].sha256, scale=config.scale)


def read_prior(storage: Storage, ref: FlowRef) -> KernelPrior:
    """The flow of a workspace.

    Raises:
        IntegrityError: if its checkpoint has changed.
    """
    from pairmill.models.fkp.checkpoint import read_checkpoint as parsed

    return parsed(read_checkpoint(storage, STAGE.name, ref.key, ref.sha256)[0].tobytes())


STAGE: Stage[None, FlowConfig, FlowPayload, FittedFlow, FlowRef] = Stage(
    name="fit_fkp",
    version=1,
    title="fit the prior of kernels",
    noun="flows",
    record=FittedFlow,
    manifest=FlowRef,
    plan=plan,
    work=work,
    seal=seal,
)
