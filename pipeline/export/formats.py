"""The table of export formats."""

from __future__ import annotations

from pipeline.export.base import Exporter
from pipeline.export.basicsr_lmdb import BasicSrLmdb
from pipeline.export.croissant import Croissant
from pipeline.export.folders import Folder, Kair, RealEsrgan
from pipeline.export.litdata import LitData
from pipeline.export.mds import Mds
from pipeline.export.tables import HuggingFace, Parquet

FORMATS: dict[str, type[Exporter]] = {
    form.name: form for form in (Folder, BasicSrLmdb, RealEsrgan, Kair, HuggingFace, Parquet, Mds, LitData, Croissant)
}
