"""`pairmill fit fkp`: the flow that knows what kernels look like, fitted once for a workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from pairmill.flows import terminal
from pairmill.schemas.errors import UserError
from pairmill.schemas.fkp import FlowConfig, FlowScale

if TYPE_CHECKING:
    from pairmill.models.fkp.prior import KernelPrior


def flow_of(scale: int, workspace: str) -> tuple[KernelPrior, str]:
    """The flow of a scale, and the SHA-256 of its checkpoint: found in the workspace, or fitted
    now, in a minute or two.

    Raises:
        UserError: if there is none for this scale.
        IntegrityError: if its checkpoint has changed.
    """
    if scale not in get_args(FlowScale):
        raise UserError(
            "no flow is fitted for this scale",
            where="--scale",
            got=str(scale),
            wanted=", ".join(map(str, get_args(FlowScale))),
        )

    from pairmill.pipeline.runner.execution import local_profile, runner
    from pairmill.pipeline.stages import fit_fkp
    from pairmill.pipeline.workspace.lock import check_room
    from pairmill.pipeline.workspace.storage import Storage

    storage = Storage(workspace)
    check_room(storage)
    config = FlowConfig.model_validate({"scale": scale})
    with terminal.Bars() as bars:
        run = runner(local_profile(workspace, workers=1), listener=bars)
        ref = run(fit_fkp.STAGE, None, config).manifest
    return fit_fkp.read_prior(storage, ref), ref.sha256


def run_flow_fit(scale: int, workspace: str) -> None:
    """Fit, or find, and say which it is.

    Raises:
        UserError: see `flow_of`.
    """
    prior, sha256 = flow_of(scale, workspace)
    side = prior.codec.side
    terminal.line(f"[green]✓[/] flow {sha256[:12]} of x{scale} kernels, {side} x {side}")
