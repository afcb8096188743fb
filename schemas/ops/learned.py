"""Ops that a fitted network carries out."""

from __future__ import annotations

from typing import Literal

from schemas.base import Digest
from schemas.ops.base import Counts, OpBase, StreamKey


class Pdm(OpBase):
    """Blur, subsample and add noise as a fitted PDM draws them; the scale is the checkpoint's. It does not clip.

    Computed in float32 on one thread of a CPU: identical on processors of one kind, within a grey level elsewhere.
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
