"""Ops that a fitted network carries out."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pairmill.schemas.base import Digest
from pairmill.schemas.ops.base import Counts, OpBase, StreamKey


class Pdm(OpBase):
    """Blur, subsample and add noise as a fitted PDM draws them; the scale is the checkpoint's. It
    does not clip.

    Computed in float32 on one thread of a CPU: identical on processors of one kind, within an
    intensity level elsewhere.
    """

    op: Literal["pdm"] = "pdm"
    """Name of the op."""
    pool: Digest
    """Digest of the checkpoint."""
    key: StreamKey
    """Stream that the random numbers of the kernel, then those of the noise, are drawn from."""

    def words(self, counts: Counts) -> str:  # noqa: ARG002
        """See `OpBase.words`."""
        return f"learned blur and noise (PDM {self.pool[:8]}, draw {self.key[:8]})"


class Translate(OpBase):
    """Downscale as a fitted translator does, by the scale of its checkpoint; it does not clip.

    Computed in float32 on one thread of a CPU: identical on processors of one kind, within an
    intensity level elsewhere.
    """

    op: Literal["translate"] = "translate"
    """Name of the op."""
    pool: Digest
    """Digest of the checkpoint."""
    key: StreamKey
    """Stream that its random numbers are drawn from."""

    def words(self, counts: Counts) -> str:  # noqa: ARG002
        """See `OpBase.words`."""
        return f"learned degradation (translator {self.pool[:8]}, draw {self.key[:8]})"


class Redegnet(OpBase):
    """Put a degradation of a pool on the image, by a fitted SynNet; the size stays.

    Computed in float32 on one thread of a CPU: identical on processors of one kind, within an
    intensity level elsewhere.
    """

    op: Literal["redegnet"] = "redegnet"
    """Name of the op."""
    checkpoint: Digest
    """Digest of SynNet's checkpoint."""
    pool: Digest
    """Digest of the pool of representations."""
    index: int = Field(ge=0)
    """Row in the pool."""

    def words(self, counts: Counts) -> str:
        """See `OpBase.words`."""
        of = ""
        if self.pool in counts:
            of = f" of {counts[self.pool]}"
        return f"learned degradation #{self.index}{of} (ReDegNet {self.checkpoint[:8]})"
