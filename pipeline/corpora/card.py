"""The dataset card and the indexes for other people's readers."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from pairmill.pipeline.corpora.card_contents import OWNERS, contents, sentence
from pairmill.pipeline.corpora.croissant import croissant
from pairmill.schemas.corpus import CorpusManifest, CreditCount, ShardRecord
from pairmill.schemas.image import Credit

CREDITS = 200
"""Most rows of the card's table of licences; `sources.json` names every image."""


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
    """Index of shards for `wids` and readers that want the number of samples
    (wids-shard-index-v1).
    """
    shards = [
        {
            "url": f"shards/{name}",
            "nsamples": shard.samples,
            "filesize": shard.bytes,
            "split": shard.split,
        }
        for name, shard in _shards(manifest)
    ]
    return {
        "__kind__": "wids-shard-index-v1",
        "wids_version": 1,
        "name": manifest.identity.name,
        "shardlist": shards,
    }


HUB_LICENCE = re.compile(
    r"cc0-1\.0|cc-by(-nc)?(-sa|-nd)?-[234]\.0|mit|apache-2\.0|pddl|odc-by|odbl"
)


def readme(manifest: CorpusManifest) -> str:
    """The dataset card, with the header that Hugging Face `datasets` reads."""
    identity = manifest.identity
    splits = "\n".join(
        f"      - split: {_hub_split(split)}\n        path: "
        f'"shards/{identity.name}-{manifest.version[:8]}-{split}-*.tar"'
        for split in identity.samples
    )
    rows = "\n".join(f"| {split} | {count} |" for split, count in identity.samples.items())
    shares = "\n".join(f"| {kind} | {count} |" for kind, count in identity.degraders.items())
    pools = "\n".join(
        f"| {pool.kind} | {pool.count} | `{pool.digest[:16]}` |" for pool in identity.pools
    )
    return f"""{_header(manifest, splits)}
# {identity.name}, version {manifest.version}

{sentence(manifest)}

{contents(manifest)}

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
Digest of this version: `{manifest.digest}`. {sources(manifest)}
"""


def sources(manifest: CorpusManifest) -> str:
    """Who the source images are by: a sentence, or a section with a table."""
    if not manifest.credits:
        return OWNERS
    known = sum(count.images for count in manifest.credits if count.credit and count.credit.licence)
    total = sum(count.images for count in manifest.credits)
    shown = manifest.credits[:CREDITS]
    left = len(manifest.credits) - CREDITS
    more = ""
    if left > 0:
        more = f"\n\nAnd {left} more; `sources.json` names every image."
    if known == total:
        unknown = ""
    else:
        unknown = f" For the other {total - known}, none was named: {OWNERS[0].lower()}{OWNERS[1:]}"
    return f"""

## Source images

Licences are known for {known} of {total} source images.{unknown} The pictures of a corpus are derived from its source images;
keep to their licences when you share it. `sources.json` has the licence of every image.

| licence | author | title | source | images |
|---|---|---|---|---|
{chr(10).join(_credit_row(count) for count in shown)}{more}
"""  # noqa: E501


def _credit_row(count: CreditCount) -> str:
    said = count.credit or Credit(licence="unknown")
    cells = (said.licence or "unknown", said.author, said.title, said.source, str(count.images))
    return "| " + " | ".join(" ".join(cell.replace("|", "\\|").split()) for cell in cells) + " |"


def _header(manifest: CorpusManifest, files: str) -> str:
    """The header of a Hub card; `files` says which lie in which split."""
    return f"""---
pretty_name: {manifest.identity.name}
{_licence_header(manifest)}task_categories:
- image-to-image
tags:
- super-resolution
- image-restoration
configs:
  - config_name: default
    data_files:
{files}
---
"""


def _licence_header(manifest: CorpusManifest) -> str:
    """The line of a Hub card's header: the licence if it is one that the Hub knows by its SPDX
    name, else `other`.
    """
    said = {count.credit.licence if count.credit else "" for count in manifest.credits}
    if not said:
        return ""
    name = said.pop().lower()
    if said or not HUB_LICENCE.fullmatch(name):
        name = "other"
    return f"license: {name}\n"


def _hub_split(split: str) -> str:
    return {"val": "validation"}.get(split, split)


def hub_card(manifest: CorpusManifest, splits: Sequence[str]) -> str:
    """The card of a folder of parquet files, one folder per split, for Hugging Face `datasets`."""
    files = "\n".join(
        f'      - split: {_hub_split(split)}\n        path: "{split}/*.parquet"' for split in splits
    )
    count = sum(manifest.identity.samples[split] for split in splits)
    return f"""{_header(manifest, files)}
# {manifest.identity.name}, version {manifest.version}

{count} of {sentence(manifest)} Columns `hr` and `lr` are images, HR exactly {manifest.identity.recipe["scale"]} times LR;
`program` is what made the LR from the HR. `hr_file_sha256` and `lr_file_sha256` are the SHA-256 of the PNG files,
`hr_sha256` and `lr_sha256` of "rgb8", height and width (64 bits each, little-endian) and the RGB bytes by rows. The LR side carries its noise already: do not inject noise again when training.
{sources(manifest)}
"""  # noqa: E501
