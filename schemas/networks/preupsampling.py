"""What the settings of networks share that work at the size of the HR."""

from __future__ import annotations

from pairmill.schemas.networks.luma import LumaBase


class PreUpsamplingBase(LumaBase):
    """Settings of a network whose convolutions all follow the bicubic upscaling: the same weights
    serve every scale.
    """

    def heads_at(self, scale: int) -> tuple[int, ...]:  # noqa: ARG002
        """See `NetworkBase`."""
        return self.scales
