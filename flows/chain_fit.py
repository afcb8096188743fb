"""Fitting a chain to photographs, whoever keeps the history of the run."""

from __future__ import annotations

from pairmill.flows.engine import EngineChoice
from pairmill.flows.session import carrying
from pairmill.flows.tracker import Tracker
from pairmill.pipeline.fitted.run import FittedChain, fit_chain
from pairmill.pipeline.workspace.lock import POOLS, making
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.chain_fit import ChainFitConfig
from pairmill.schemas.recipe import Recipe


def fit_chain_of(
    recipe: Recipe,
    base: str,
    degrader: str,
    workspace: str,
    engine: EngineChoice,
    tracker: Tracker,
    config: ChainFitConfig,
) -> FittedChain:
    """Fit one degrader of a recipe; what is finished is found again.

    Raises:
        BusyError: if somebody else fits a chain of this recipe or collects garbage.
        PairmillError: what the fit raises.
    """
    storage = Storage(workspace)
    lock = making(storage, f"{recipe.name}-chain", POOLS)
    with lock, carrying(workspace, engine, tracker) as session:
        return fit_chain(recipe, base, degrader, session.run, storage, config)
