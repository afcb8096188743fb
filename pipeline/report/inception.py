"""Inception's features from a file that the user names."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.report.realism_card_rows import Inceptions
from pairmill.schemas.errors import UserError

WANTED = (
    "pt_inception-2015-12-05-6726825d.pth, the weights that FID is defined with, or a safetensors "
    "file of the same tensors"
)
BATCH = 32


def read_inception(path: str) -> Inceptions:
    """Inception-v3 with weights of a local file; see `pairmill.models.metrics.inception`.

    Raises:
        UserError: if the file cannot be read, or holds other weights.
    """
    import torch  # late: it takes seconds

    from pairmill.models.losses.vgg import read_state_dict
    from pairmill.models.metrics.inception import Inception

    try:
        data = Path(path).expanduser().read_bytes()
        network = Inception(read_state_dict(data)).eval()
    except OSError as error:
        raise UserError(
            "the Inception weights cannot be read",
            where=path,
            got=error.strerror or str(error),
            wanted=WANTED,
            todo="name the file, or leave out --inception: FID is then not measured",
        ) from error
    except (ValueError, RuntimeError) as error:
        raise UserError(
            "these are not the Inception weights of FID",
            where=path,
            got=str(error),
            wanted=WANTED,
            todo="name that file, or leave out --inception: FID is then not measured",
        ) from error

    def features(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
        images = torch.from_numpy(pixels).permute(0, 3, 1, 2)
        with torch.no_grad():
            found = [network(part.float() / 255) for part in torch.split(images, BATCH)]
        return np.asarray(torch.cat(found).double().numpy())

    return Inceptions(features, hashlib.sha256(data).hexdigest())
