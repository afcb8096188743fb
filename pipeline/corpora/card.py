"""The dataset card and the indexes for other people's readers."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from pairmill.pipeline.corpora.card_contents import contents
from pairmill.pipeline.shards.tar import ShardForm
from pairmill.schemas.corpus import CorpusManifest, CreditCount, ShardRecord
from pairmill.schemas.image import Credit

OWNERS = "The rights in the source images are their owners'."
CREDITS = 200
"""Most rows of the card's table of licences; `sources.json` names every image."""
PARQUET = "application/x-parquet"
ENCODED = {"png": "image/png", "webp": "image/webp"}
"""Media types of the files in shards."""
TEXTS = ("key", "split", "shard", "degrader", "image", "program", "hr_sha256", "lr_sha256")
NUMBERS = ("scale", "hr_height", "hr_width", "seed")
ROWS = dict.fromkeys(TEXTS, "sc:Text") | dict.fromkeys(NUMBERS, "sc:Integer")
"""Columns of `samples.parquet` that Croissant can name, and their types."""


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


def croissant(manifest: CorpusManifest) -> dict[str, Any]:
    """Croissant 1.0 description (JSON-LD): shards and table with their digests; record sets of
    rows, HR and LR pictures.

    Three record sets with a `key` each, because Croissant joins no more than two sources.
    `manifest.files` may hold the record of `samples.parquet`; without it, the rows are left out.
    """
    shards = [
        file_object(f"shards/{name}", shard.bytes, "application/x-tar", shard.sha256)
        for name, shard in _shards(manifest)
    ]
    tables = [
        file_object(record.name, record.bytes, PARQUET, record.sha256)
        for record in manifest.files
        if record.name == "samples.parquet"
    ]
    pictures = [
        {
            "@type": "cr:FileSet",
            "@id": f"{side}-files",
            "name": f"{side}-files",
            "encodingFormat": ENCODED[field.partition(".")[2]],
            "containedIn": [{"@id": shard["@id"]} for shard in shards],
            "includes": f"*.{field}",
        }
        for side, field in _sides(manifest).items()
    ]
    rows = [record_set("samples", {"fileObject": {"@id": table["@id"]}}, ROWS) for table in tables]
    return croissant_head(manifest) | {
        "distribution": [*shards, *tables, *pictures],
        "recordSet": [*rows, *(_picture_set(side) for side in _sides(manifest))],
    }


def _sides(manifest: CorpusManifest) -> dict[str, str]:
    """The pictures that its shards hold, and their fields."""
    form = ShardForm.of(manifest.identity.recipe)
    return {"hr": form.hr, "lr": form.lr} if form.lr_stored else {"hr": form.hr}


def croissant_head(manifest: CorpusManifest) -> dict[str, Any]:
    """What every Croissant description of a version begins with."""
    terms = (
        "citeAs",
        "column",
        "equivalentProperty",
        "extract",
        "field",
        "fileProperty",
        "fileObject",
        "fileSet",
        "format",
        "includes",
        "isLiveDataset",
        "jsonPath",
        "key",
        "md5",
        "parentField",
        "path",
        "recordSet",
        "references",
        "regex",
        "repeated",
        "replace",
        "samplingRate",
        "separator",
        "source",
        "subField",
        "transform",
    )
    return {
        "@context": {
            "@language": "en",
            "@vocab": "https://schema.org/",
            "sc": "https://schema.org/",
            "cr": "http://mlcommons.org/croissant/",
            "rai": "http://mlcommons.org/croissant/RAI/",
            "dct": "http://purl.org/dc/terms/",
            "conformsTo": "dct:conformsTo",
            "data": {"@id": "cr:data", "@type": "@json"},
            "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
            "examples": {"@id": "cr:examples", "@type": "@json"},
            **{term: f"cr:{term}" for term in terms},
        },
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": manifest.identity.name,
        "version": f"1.0.0+{manifest.version}",
        "description": _sentence(manifest),
        "datePublished": manifest.circumstance.finished[:10],
        "creator": {"@type": "sc:Organization", "name": "pairmill"},
        "url": f"urn:pairmill:{manifest.identity.name}:{manifest.version}",
        **rights(manifest),
        "citeAs": f"{manifest.identity.name}, version {manifest.version}, made with pairmill",
    }


def rights(manifest: CorpusManifest) -> dict[str, Any]:
    """Licences and authors of the source images, as far as they are known."""
    credits_ = [count.credit for count in manifest.credits]
    licences = sorted({credit.licence for credit in credits_ if credit and credit.licence})
    authors = sorted({credit.author for credit in credits_ if credit and credit.author})
    unknown = not licences or not all(credit and credit.licence for credit in credits_)
    if unknown:
        licences.append(OWNERS)
    found: dict[str, Any] = {"license": licences[0] if len(licences) == 1 else licences}
    if authors:
        found["creditText"] = "; ".join(authors)
    return found


def file_object(place: str, size: int, encoding: str, sha256: str) -> dict[str, Any]:
    """One file of a Croissant distribution; `place` is relative to the description."""
    name = place.rsplit("/", 1)[-1]
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": name,
        "contentUrl": place,
        "contentSize": f"{size} B",
        "encodingFormat": encoding,
        "sha256": sha256,
    }


def record_set(name: str, source: dict[str, Any], columns: dict[str, str]) -> dict[str, Any]:
    """Records whose fields are columns of a table, given with their types."""
    fields = [
        {
            "@type": "cr:Field",
            "@id": f"{name}/{column}",
            "name": column,
            "dataType": kind,
            "source": source | {"extract": {"column": column}},
        }
        for column, kind in columns.items()
    ]
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "key": {"@id": f"{name}/key"},
        "field": fields,
    }


def _picture_set(side: str) -> dict[str, Any]:
    source = {"fileSet": {"@id": f"{side}-files"}}
    key = source | {
        "extract": {"fileProperty": "filename"},
        "transform": {"regex": "^([^.]+)\\..*$"},
    }
    image = source | {"extract": {"fileProperty": "content"}}
    fields = [
        {
            "@type": "cr:Field",
            "@id": f"{side}/key",
            "name": "key",
            "dataType": "sc:Text",
            "source": key,
        },
        {
            "@type": "cr:Field",
            "@id": f"{side}/image",
            "name": "image",
            "dataType": "sc:ImageObject",
            "source": image,
        },
    ]
    return {
        "@type": "cr:RecordSet",
        "@id": side,
        "name": side,
        "key": {"@id": f"{side}/key"},
        "field": fields,
    }


def _sentence(manifest: CorpusManifest) -> str:
    identity = manifest.identity
    degraders = " and ".join(identity.degraders)
    return (
        f"{sum(identity.samples.values())} HR/LR pairs for x{identity.recipe['scale']} "
        "super-resolution, made from "
        f"{manifest.counts['images']} source images by {degraders}."
    )


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

{_sentence(manifest)}

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

{count} of {_sentence(manifest)} Columns `hr` and `lr` are images, HR exactly {manifest.identity.recipe["scale"]} times LR;
`program` is what made the LR from the HR. The LR side carries its noise already: do not inject noise again when training.
{sources(manifest)}
"""  # noqa: E501
