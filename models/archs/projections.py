"""What goes up and down again, as DBPN and SRFBN do: filters, and an activation of one slope."""

from __future__ import annotations

from torch import Tensor, nn

from pairmill.models.archs.layers import Conv, Deconv

SIDES = {2: (6, 2), 3: (7, 2), 4: (8, 2), 8: (12, 2)}
"""Side and padding of the filters that upscale and downscale, by scale: 2, 4 and 8 as DBPN has
them, 3 between them; SRFBN has the same."""


class Active(nn.Module):
    """A convolution, or a transposed one (as weak at first as published, 1 / stride), and PReLU
    with one slope.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        side: int,
        stride: int = 1,
        padding: int = 0,
        *,
        up: bool = False,
        slope: float = 0.25,
    ) -> None:
        super().__init__()
        kind = Deconv if up else Conv
        gain = 1 / stride if up else 1.0
        self.add_module(
            "deconv" if up else "conv",
            kind(inputs, outputs, side, stride, padding, start="he", gain=gain),
        )
        self.act = nn.PReLU(init=slope)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, h, w) to (B, outputs, ...)."""
        values = next(self.children())(x)
        return self.act(values)  # type: ignore[no-any-return]
