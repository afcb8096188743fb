"""TensorBoard's event files next to a run, where TensorBoard is installed and the workspace is a
local folder.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class Board:
    """Scalars and pictures by step; does nothing where it cannot.

    Args:
        folder: where the files go; none writes nothing.
        step: steps made; what a killed run wrote after it is hidden.
    """

    def __init__(self, folder: str = "", step: int = 0) -> None:
        if folder:
            self.writer: Any = _writer(folder, step)
        else:
            self.writer = None

    def scalars(self, line: dict[str, Any]) -> None:
        """The numbers of a line of the log."""
        if self.writer is not None:
            for name, value in line.items():
                if name != "step" and isinstance(value, int | float):
                    self.writer.add_scalar(name, value, line["step"])

    def picture(self, image: NDArray[np.uint8], step: int) -> None:
        """(H, W, 3)."""
        if self.writer is not None:
            self.writer.add_image("validation", image, step, dataformats="HWC")
            self.writer.flush()

    def close(self) -> None:
        """Write what is left."""
        if self.writer is not None:
            self.writer.close()


def _writer(folder: str, step: int) -> Any:
    try:
        from torch.utils.tensorboard.writer import SummaryWriter
    except ImportError:
        return None
    make: Any = SummaryWriter
    return make(folder, purge_step=step + 1 if step else None)
