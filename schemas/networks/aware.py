"""What the settings of networks that are told the degradation, or learn to find it, share."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from pairmill.schemas.labels import WIDEST
from pairmill.schemas.networks.base import NetworkBase

KernelSide = Annotated[int, Field(ge=5, le=WIDEST, json_schema_extra={"not": {"multipleOf": 2}})]


class LabelledBase(NetworkBase):
    """Settings of a network that learns from how each LR was made."""

    labelled: ClassVar[bool] = True
    """See `NetworkBase.labelled`."""
    sized_by: ClassVar[str] = "kernel_size"
    """Setting that `side` follows."""

    def side(self, scale: int) -> int:
        """Side of the kernels at a scale, in HR pixels."""
        raise NotImplementedError

    @property
    def wants_noise(self) -> bool:
        """Whether it looks at the noise; of one that does not, no map of it is made."""
        return True


class KernelSizeBase(LabelledBase):
    """Settings of a network that says how large the kernels are."""

    kernel_size: KernelSide | None = None
    """Side of the kernels, in HR pixels, odd; those on another grid are cut or padded. None takes
    10 scale + 1, which holds the published blurs and what downscaling adds."""

    def side(self, scale: int) -> int:
        """See `LabelledBase`."""
        return self.kernel_size or 10 * scale + 1

    @model_validator(mode="after")
    def _odd(self) -> Self:
        if self.kernel_size is not None and self.kernel_size % 2 == 0:
            raise ValueError(f"kernel_size must be odd, got {self.kernel_size}")
        return self


class KernelAwareBase(KernelSizeBase):
    """Settings of a network that is told the kernel, and maybe the noise, of each LR."""
