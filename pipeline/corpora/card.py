"""The dataset card and the indexes for other people's readers."""

from __future__ import annotations

import json
from typing import Any

from schemas.corpus import CorpusManifest, ShardRecord


def files(manifest: CorpusManifest) -> dict[str, str]:
    """Names and texts of the files that stand beside the shards."""
    return {
        "README.md": readme(manifest),
        "wids.json": _json(wids(manifest)),
        "croissant.json": _json(croissant(manifest)),
        "recipe.json": _json(manifest.identity.recipe),
    }


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _shards(manifest: CorpusManifest) -> list[tuple[str, ShardRecord]]:
    return list(zip(manifest.shard_names, manifest.identity.shards, strict=True))


def wids(manifest: CorpusManifest) -> dict[str, Any]:
    """Index of shards for `wids` and readers that want the number of samples (wids-shard-index-v1)."""
    shards = [
        {"url": f"shards/{name}", "nsamples": shard.samples, "filesize": shard.bytes, "split": shard.split}
        for name, shard in _shards(manifest)
    ]
    return {"__kind__": "wids-shard-index-v1", "wids_version": 1, "name": manifest.identity.name, "shardlist": shards}


def croissant(manifest: CorpusManifest) -> dict[str, Any]:
    """Croissant 1.0 description (JSON-LD): one file object per shard, with its digest."""
    shards = [
        {
            "@type": "cr:FileObject", "@id": name, "name": name, "contentUrl": f"shards/{name}",
            "contentSize": f"{shard.bytes} B", "encodingFormat": "application/x-tar", "sha256": shard.sha256,
        }
        for name, shard in _shards(manifest)
    ]  # fmt: skip
    return {
        "@context": {
            "@language": "en", "@vocab": "https://schema.org/", "sc": "https://schema.org/",
            "cr": "http://mlcommons.org/croissant/", "dct": "http://purl.org/dc/terms/", "conformsTo": "dct:conformsTo",
            "sha256": "cr:sha256",
        },
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": manifest.identity.name,
        "version": f"1.0.0+{manifest.version}",
        "description": _sentence(manifest),
        "datePublished": manifest.circumstance.finished[:10],
        "distribution": shards,
    }  # fmt: skip


def _sentence(manifest: CorpusManifest) -> str:
    identity = manifest.identity
    degraders = " and ".join(identity.degraders)
    return (
        f"{sum(identity.samples.values())} HR/LR pairs for x{identity.recipe['scale']} super-resolution, made from "
        f"{manifest.counts['images']} source images by {degraders}."
    )


def readme(manifest: CorpusManifest) -> str:
    """The dataset card, with the header that Hugging Face `datasets` reads."""
    identity = manifest.identity
    splits = "\n".join(
        f'      - split: {_hub_split(split)}\n        path: "shards/{identity.name}-{manifest.version[:8]}-{split}-*.tar"'
        for split in identity.samples
    )
    rows = "\n".join(f"| {split} | {count} |" for split, count in identity.samples.items())
    shares = "\n".join(f"| {kind} | {count} |" for kind, count in identity.degraders.items())
    pools = "\n".join(f"| {pool.kind} | {pool.count} | `{pool.digest[:16]}` |" for pool in identity.pools)
    return f"""---
pretty_name: {identity.name}
task_categories:
- image-to-image
tags:
- super-resolution
- image-restoration
configs:
  - config_name: default
    data_files:
{splits}
---

# {identity.name}, version {manifest.version}

{_sentence(manifest)}

A sample is `KEY.hr.png`, `KEY.lr.png` and `KEY.json` in a tar of `shards/` (WebDataset). HR is exactly
{identity.recipe["scale"]} times LR, 8-bit sRGB. The JSON holds the program that made the LR from the HR; `samples.parquet`
has one row per pair, `recipe.json` every setting, `pools/` the kernels and noise patches, `report/index.html` the pictures.

```python
import webdataset as wds

shards = "shards/{manifest.shard_names[0]}"
for hr, lr in wds.WebDataset(shards, shardshuffle=False).decode("rgb8").to_tuple("hr.png", "lr.png"):
    ...
```

| split | pairs |
|---|---|
{rows}

| degrader | pairs |
|---|---|
{shares}

| pool | items | digest |
|---|---|---|
{pools}

The LR side carries its noise already: do not inject noise again when training.
Digest of this version: `{manifest.digest}`. The rights in the source images are their owners'.
"""


def _hub_split(split: str) -> str:
    return {"val": "validation"}.get(split, split)
