"""What all ops have in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pairmill.schemas.base import Frozen

StreamKey = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
"""Key of a random stream of its own, 128 bits in hexadecimal: a whole field of random numbers in
one word of the program."""

Counts = dict[str, int]
"""Items of each pool, by digest."""


class OpBase(Frozen):
    """One step of a program. Images are (H, W, 3), in intensity levels 0..255: uint8, or float64
    that may overshoot.
    """

    def words(self, counts: Counts) -> str:
        """The step in words, for people.

        Args:
            counts: Items of the pools at hand; a pool that is not among them is not counted.
        """
        raise NotImplementedError
