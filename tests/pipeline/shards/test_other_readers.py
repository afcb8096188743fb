"""A version read by plain webdataset, Hugging Face datasets and Pillow, in processes that know no
code of ours."""

from __future__ import annotations

import io
import json
import re
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pairmill.pipeline.corpora.replay import read_table
from tests.support.isolated import isolated
from tests.support.make import Tiny


def test_the_snippet_of_the_card_works(tiny: Tiny, tmp_path: Path) -> None:
    snippet = re.search(r"```python\n(.*?)```", (tiny.version / "README.md").read_text(), re.DOTALL)
    assert snippet is not None
    code = (
        "seen = []\n"
        + snippet[1].replace("    ...", "    seen.append((hr.shape, lr.shape, str(hr.dtype)))")
        + "\nprint(seen)"
    )
    seen = eval(isolated(code, tiny.version, tmp_path))  # noqa: S307
    assert seen == [((32, 32, 3), (16, 16, 3), "uint8")] * tiny.manifest.identity.shards[0].samples


def test_hugging_face_datasets_reads_the_folder(tiny: Tiny, tmp_path: Path) -> None:
    code = f"""
import json
from datasets import load_dataset
data = load_dataset({str(tiny.version)!r})
print(json.dumps({{
    split: dict(
        features={{name: type(feature).__name__ for name, feature in rows.features.items()}},
        keys=rows["__key__"], sizes=[(row["hr.png"].size, row["lr.png"].size, row["hr.png"].mode) for row in rows],
        records=rows["json"],
    ) for split, rows in data.items()
}}, default=list))
"""  # noqa: E501
    found: dict[str, Any] = json.loads(isolated(code, tmp_path, tmp_path).splitlines()[-1])
    rows = {row.key: row for row in read_table(tiny.storage, tiny.manifest)}
    assert set(found) == {"train", "validation"}
    for split, data in found.items():
        assert {name: data["features"][name] for name in ("hr.png", "lr.png")} == {
            "hr.png": "Image",
            "lr.png": "Image",
        }
        assert data["keys"] == [
            key for key, row in rows.items() if row.split == {"validation": "val"}.get(split, split)
        ]
        assert data["sizes"] == [[[32, 32], [16, 16], "RGB"]] * len(data["keys"])
        for record in data["records"]:
            value = json.loads(record) if isinstance(record, str) else record
            assert value == rows[value["key"]].model_dump(exclude={"split", "shard"})


def test_every_pair_is_plain_rgb_of_exact_size(tiny: Tiny) -> None:
    for name in tiny.manifest.shard_names:
        with tarfile.open(tiny.version / "shards" / name) as tar:
            images = {
                member.name: Image.open(
                    io.BytesIO((tar.extractfile(member) or io.BytesIO()).read())
                )
                for member in tar.getmembers()
                if member.name.endswith("png")
            }
        for place, image in images.items():
            assert image.mode == "RGB"
            assert image.format == "PNG"
            assert image.info == {}, "no ICC profile, no EXIF, no text"
            assert not image.getexif()
            key = place.partition(".")[0]
            hr, lr = (np.asarray(images[f"{key}.{side}.png"]) for side in ("hr", "lr"))
            assert hr.shape[:2] == tuple(2 * side for side in lr.shape[:2])


def test_keys_are_safe_and_unique(tiny: Tiny) -> None:
    keys = [row.key for row in read_table(tiny.storage, tiny.manifest)]
    assert len(set(keys)) == len(keys)
    assert all(re.fullmatch(r"[a-z0-9_-]+", key) for key in keys)


def test_records_have_the_same_fields_and_no_nulls(tiny: Tiny) -> None:
    kinds = set()
    for name in tiny.manifest.shard_names:
        with tarfile.open(tiny.version / "shards" / name) as tar:
            for member in tar.getmembers():
                if member.name.endswith("json"):
                    value = json.loads((tar.extractfile(member) or io.BytesIO()).read())
                    kinds.add(
                        tuple((key, type(part).__name__) for key, part in sorted(value.items()))
                    )
    assert len(kinds) == 1
    assert "NoneType" not in str(kinds)
