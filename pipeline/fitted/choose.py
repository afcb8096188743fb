"""Which degrader of a recipe is fitted."""

from __future__ import annotations

from pairmill.pipeline.chains.settings import FITTABLE, opened, settings
from pairmill.schemas.degraders import CONFIGS
from pairmill.schemas.degraders.base import DegraderBase
from pairmill.schemas.errors import UserError
from pairmill.schemas.recipe import Recipe


def chosen(recipe: Recipe, name: str) -> DegraderBase:
    """The degrader that a recipe calls `name`; of a kind that it does not have, the published
    chain.

    Raises:
        UserError: if there is none, if it cannot be fitted, or if nothing in it has a range.
    """
    own = {degrader.label: degrader for degrader in recipe.degraders}
    chain: DegraderBase | None = own.get(name)
    if chain is None and name in FITTABLE and name != "custom":
        chain = CONFIGS[name](kind=name)
    if chain is None and name not in CONFIGS:
        raise UserError(
            "the recipe has no such degrader",
            where="--degrader",
            got=name,
            wanted=f"one of the recipe's ({', '.join(own)}), or a kind: {', '.join(FITTABLE)}",
        )
    kind = chain.kind if chain is not None else name
    if chain is None or kind not in FITTABLE:
        raise _not_fittable(name, kind)
    if not settings(opened(chain, recipe.scale), recipe.scale):
        raise UserError(
            f"degrader {name} has nothing to fit: no range, no probability, no choice",
            where=f"degrader {name}",
            todo="write ranges that are too wide rather than too narrow, such as `sigma: [0, 3]`; "
            "the fit narrows them",
        )
    return chain


def _not_fittable(name: str, kind: str) -> UserError:
    why = {
        "custom": "the recipe does not have it, and a chain of your own has no published form",
        "bicubic": "bicubic downscaling has nothing to fit",
    }
    learnt = "it has no ranges to narrow: what it does is estimated from images, or fixed, already"
    return UserError(
        f"degrader {name} cannot be fitted",
        where="--degrader",
        got=f"{kind}: {why.get(kind, learnt)}",
        wanted=f"a chain of kind {', '.join(FITTABLE)}",
        todo="name one of these; the recipe need not have it, but for custom",
    )
