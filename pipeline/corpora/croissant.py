"""The Croissant description of a version, in JSON-LD, for `mlcroissant` and dataset search."""

from __future__ import annotations

from typing import Any

from pairmill.pipeline.corpora.card_contents import OWNERS, sentence
from pairmill.pipeline.shards.tar import ShardForm
from pairmill.schemas.corpus import CorpusManifest

PARQUET = "application/x-parquet"
ENCODED = {"png": "image/png", "webp": "image/webp"}
"""Media types of the files in shards."""
TEXTS = ("key", "split", "shard", "degrader", "image", "program", "hr_sha256", "lr_sha256")
NUMBERS = ("scale", "hr_height", "hr_width", "seed")
ROWS = dict.fromkeys(TEXTS, "sc:Text") | dict.fromkeys(NUMBERS, "sc:Integer")
"""Columns of `samples.parquet` that Croissant can name, and their types."""


def croissant(manifest: CorpusManifest) -> dict[str, Any]:
    """Croissant 1.1 description (JSON-LD): shards and table with their digests; record sets of
    rows, and of the HR and LR pictures of each shard.

    Record sets with a `key` each, because Croissant joins no more than two sources. A set of files
    is of one shard: mlcroissant 1.1 gives those of several once, and then none, without an error.
    `manifest.files` may hold the record of `samples.parquet`; without it, the rows are left out.
    """
    shards = [
        file_object(f"shards/{name}", shard.bytes, "application/x-tar", shard.sha256)
        for name, shard in zip(manifest.shard_names, manifest.identity.shards, strict=True)
    ]
    tables = [
        file_object(record.name, record.bytes, PARQUET, record.sha256)
        for record in manifest.files
        if record.name == "samples.parquet"
    ]
    sets = {
        f"{side}-{_place(name)}": (name, field)
        for name in manifest.shard_names
        for side, field in _sides(manifest).items()
    }
    pictures = [_picture_files(name, *held) for name, held in sets.items()]
    rows = [record_set("samples", {"fileObject": {"@id": table["@id"]}}, ROWS) for table in tables]
    return croissant_head(manifest) | {
        "distribution": [*shards, *tables, *pictures],
        "recordSet": [*rows, *map(_picture_set, sets)],
    }


def _place(shard: str) -> str:
    """Split and number of a shard, out of its name."""
    return "-".join(shard.removesuffix(".tar").rsplit("-", 2)[1:])


def _picture_files(name: str, shard: str, field: str) -> dict[str, Any]:
    """The pictures of one side in one shard."""
    return {
        "@type": "cr:FileSet",
        "@id": f"{name}-files",
        "name": f"{name}-files",
        "encodingFormat": ENCODED[field.partition(".")[2]],
        "containedIn": {"@id": shard},
        "includes": f"*.{field}",
    }


def _sides(manifest: CorpusManifest) -> dict[str, str]:
    """The pictures that its shards hold, and their fields."""
    form = ShardForm.of(manifest.identity.recipe)
    return {"hr": form.hr, "lr": form.lr} if form.lr_stored else {"hr": form.hr}


def croissant_head(manifest: CorpusManifest) -> dict[str, Any]:
    """What every Croissant description of a version begins with."""
    terms = (
        "arrayShape",
        "citeAs",
        "column",
        "containedIn",
        "equivalentProperty",
        "extract",
        "field",
        "fileProperty",
        "fileObject",
        "fileSet",
        "format",
        "includes",
        "isArray",
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
            "name": {"@container": "@language"},
            "description": {"@container": "@language"},
            "data": {"@id": "cr:data", "@type": "@json"},
            "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
            "examples": {"@id": "cr:examples", "@type": "@json"},
            **{term: f"cr:{term}" for term in terms},
        },
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "name": manifest.identity.name,
        "version": _number(manifest),
        "identifier": manifest.digest,
        "description": sentence(manifest),
        "datePublished": manifest.circumstance.finished[:10],
        "creator": {"@type": "sc:Organization", "name": "pairmill"},
        "url": f"urn:pairmill:{manifest.identity.name}:{manifest.version}",
        **rights(manifest),
        "citeAs": f"{manifest.identity.name}, version {manifest.version}, made with pairmill",
    }


def _number(manifest: CorpusManifest) -> str:
    """A version of three numbers: year, month and day of `datePublished`, beginning of the digest.

    Catalogues sort by it and take no more than x.y.z; the version of ours stands in `url`, its
    digest is `identifier`.
    """
    year, month, day = manifest.circumstance.finished[:10].split("-")
    return f"{year}.{int(month + day)}.{int(manifest.digest[:7], 16)}"


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
    return _set_of(
        name,
        [
            _field(name, column, kind, source | {"extract": {"column": column}})
            for column, kind in columns.items()
        ],
    )


def _picture_set(name: str) -> dict[str, Any]:
    source = {"fileSet": {"@id": f"{name}-files"}}
    key = source | {
        "extract": {"fileProperty": "filename"},
        "transform": {"regex": "^([^.]+)\\..*$"},
    }
    image = source | {"extract": {"fileProperty": "content"}}
    return _set_of(
        name,
        [
            _field(name, "key", "sc:Text", key),
            _field(name, "image", "sc:ImageObject", image),
        ],
    )


def _field(name: str, column: str, kind: str, source: dict[str, Any]) -> dict[str, Any]:
    """A column of the record set `name`."""
    return {
        "@type": "cr:Field",
        "@id": f"{name}/{column}",
        "name": column,
        "dataType": kind,
        "source": source,
    }


def _set_of(name: str, fields: list[dict[str, Any]]) -> dict[str, Any]:
    """A record set, whose column `key` tells records apart."""
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "key": {"@id": f"{name}/key"},
        "field": fields,
    }
