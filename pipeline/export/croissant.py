"""Croissant: parquet files and the JSON-LD that describes them, for `mlcroissant` and dataset
search.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pairmill.pipeline.corpora.croissant import PARQUET, croissant_head, file_object, record_set
from pairmill.pipeline.export.base import Part, Source
from pairmill.pipeline.export.files import digest_of, put
from pairmill.pipeline.export.tables import NUMBERS, TEXTS, Parquet


class Croissant(Parquet):
    """`croissant.json` and the files of `parquet`; one record set per split."""

    name = "croissant"

    def finish(self, parts: Sequence[tuple[Source, Part]]) -> None:
        """Write the description, with the digest of every file."""
        objects = [self._object(source, part) for source, part in parts]
        value = croissant_head(self.job.manifest) | {
            "distribution": [*objects, *(_files(split) for split in self.job.splits)],
            "recordSet": [_records(split) for split in self.job.splits],
        }
        put(
            self.job.out / "croissant.json",
            (json.dumps(value, indent=2) + "\n").encode(),
            durable=True,
        )

    def settle(self, source: Source, part: Part) -> Part:
        """Hash the file besides."""
        digest = digest_of(self.path(source))
        return super().settle(source, part) | {"sha256": digest}

    def _object(self, source: Source, part: Part) -> dict[str, Any]:
        place = self.path(source).relative_to(self.job.out).as_posix()
        return file_object(place, part["bytes"], PARQUET, part["sha256"])

    def how(self) -> str:
        """See `Exporter.how`."""
        place, split = self.job.out / "croissant.json", self.job.splits[0]
        return f'mlcroissant.Dataset("{place}").records("{split}")'


def _files(split: str) -> dict[str, Any]:
    """The files of a split, found beside the description."""
    name = f"{split}-files"
    return {
        "@type": "cr:FileSet",
        "@id": name,
        "name": name,
        "encodingFormat": PARQUET,
        "includes": f"{split}/*.parquet",
    }


def _records(split: str) -> dict[str, Any]:
    types = (
        dict.fromkeys(("hr", "lr"), "sc:ImageObject")
        | dict.fromkeys(TEXTS, "sc:Text")
        | dict.fromkeys(NUMBERS, "sc:Integer")
    )
    return record_set(split, {"fileSet": {"@id": f"{split}-files"}}, types)
