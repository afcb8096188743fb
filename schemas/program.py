"""A program: the short list of typed ops that turns one HR tile into its LR tile."""

from __future__ import annotations

from pydantic import Field

from pairmill.schemas.base import Frozen
from pairmill.schemas.ops import Op, PooledOp
from pairmill.schemas.ops.learned import Redegnet


class Program(Frozen):
    """Ops in order, from 8-bit HR to 8-bit LR; with the pools it names it determines the LR bit for
    bit.
    """

    scale: int = Field(ge=1, le=8)
    """HR side over LR side."""
    ops: tuple[Op, ...] = Field(min_length=1)
    """What is done, in order."""

    def pools(self) -> tuple[str, ...]:
        """Digests of the pools that the program draws on, sorted, each once."""
        named = {op.pool for op in self.ops if isinstance(op, PooledOp)}
        return tuple(sorted(named | {op.checkpoint for op in self.ops if isinstance(op, Redegnet)}))

    def words(self, counts: dict[str, int]) -> tuple[str, ...]:
        """One phrase per op; `counts` holds the items of each pool, by digest."""
        return tuple(op.words(counts) for op in self.ops)
