"""What the settings of all degraders have in common."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from pairmill.schemas.base import Frozen, Key

Split = Literal["train", "val", "test"]


def _weight_form(value: Any) -> str:
    if isinstance(value, dict):
        return "per split"
    return "one number"


Weight = Annotated[
    Annotated[float, Field(gt=0), Tag("one number")]
    | Annotated[dict[Split, Annotated[float, Field(ge=0)]], Tag("per split")],
    Discriminator(_weight_form),
]


class DegraderBase(Frozen):
    """Settings of one degrader of a recipe."""

    kind: str
    """Which degrader."""
    weight: Weight = 1.0
    """Share of the samples, relative to the other degraders: one number, or one per split, `{train:
    3, val: 0}`; a split that is not named gets none."""
    name: Key | None = None
    """What samples and statistics call it; without one, its kind. With names a kind may stand
    twice, with different ranges."""

    learns_from: ClassVar[Literal["", "real", "pairs", "aligned"]] = ""
    """Which of the recipe's images its pools are made from: the recipe must have such images."""
    own_hr: ClassVar[bool] = False
    """Whether its LR belongs to HR of its own, which lies in its pool: it is drawn for no other HR,
    and no other degrader for that."""

    @property
    def draws_from(self) -> tuple[str, ...]:
        """Kinds of pools that it draws from with these settings; see `pairmill.pipeline.pools`."""
        return ()

    @property
    def needs(self) -> tuple[str, ...]:
        """Those of them that it cannot do without, if they have to be there at all; see
        `pairmill.pipeline.pools.base.PoolKind.required`.
        """
        return self.draws_from

    @property
    def label(self) -> str:
        """What samples and statistics call it."""
        return self.name or self.kind

    def weight_in(self, split: str) -> float:
        """Its share in a split, relative to the other degraders."""
        if isinstance(self.weight, float):
            return self.weight
        return {str(k): w for k, w in self.weight.items()}.get(split, 0.0)

    def filled(self, s: int) -> Self:  # noqa: ARG002
        """The same with the published value in place of every none, for the scale `s` at hand; of a
        none without one, the same.
        """
        return self

    def problem(self, scale: int) -> str | None:  # noqa: ARG002
        """Why it cannot work at this scale; none if it can."""
        return None

    @model_validator(mode="after")
    def _drawn_at_all(self) -> Self:
        if isinstance(self.weight, dict) and not any(self.weight.values()):
            raise ValueError("weight: at least one split needs a weight above 0")
        return self
