"""The table of export formats."""

from __future__ import annotations

from pairmill.pipeline.export.base import Exporter
from pairmill.pipeline.export.basicsr_lmdb import BasicSrLmdb
from pairmill.pipeline.export.croissant import Croissant
from pairmill.pipeline.export.folders import Folder, Kair, RealEsrgan
from pairmill.pipeline.export.litdata import LitData
from pairmill.pipeline.export.mds import Mds
from pairmill.pipeline.export.tables import HuggingFace, Parquet

FORMATS: dict[str, type[Exporter]] = {
    form.name: form
    for form in (
        Folder,
        BasicSrLmdb,
        RealEsrgan,
        Kair,
        HuggingFace,
        Parquet,
        Mds,
        LitData,
        Croissant,
    )
}
