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

    known: dict[bytes, NDArray[np.float64]] = {}  # patches of photographs are in every row

    def features(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
        keys = [patch.tobytes() for patch in pixels]
        new = [place for place, key in enumerate(keys) if key not in known]
        for start in range(0, len(new), BATCH):
            places = new[start : start + BATCH]
            images = torch.from_numpy(pixels[places]).permute(0, 3, 1, 2).float() / 255
            with torch.no_grad():
                found = network(images).double().numpy()
            known.update(zip((keys[place] for place in places), found, strict=True))
        return np.stack([known[key] for key in keys])

    return Inceptions(features, hashlib.sha256(data).hexdigest())
