"""Verify a version: every byte against the manifest, and where bytes differ, every sample against
the table.
"""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Callable, Iterator

from pairmill.pipeline.corpora.files import shard_names_of
from pairmill.pipeline.corpora.replay import corpus_assets, read_table
from pairmill.pipeline.images.decode import pixel_digest
from pairmill.pipeline.images.encode import decode_suspect
from pairmill.pipeline.shards.tar import RECORD, ShardForm, read_members
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest, Fault, Finding, ShardRecord, VerifyReport
from pairmill.schemas.errors import IntegrityError, StoreError, UnreachableError
from pairmill.schemas.sample import SampleRecord, SampleRow


def verify(
    storage: Storage, manifest: CorpusManifest, advanced: Callable[[int], None] = lambda _: None
) -> VerifyReport:
    """Check a version.

    Args:
        storage: The workspace.
        manifest: The version.
        advanced: Called with how many bytes were checked since its last call.
    """
    findings = [
        *_check_manifest(manifest),
        *_check_files(storage, manifest),
        *_check_pools(storage, manifest),
    ]
    names = shard_names_of(manifest.identity, manifest.version)
    for name, shard in zip(names, manifest.identity.shards, strict=True):
        findings += _check_shard(storage, manifest, name, shard)
        advanced(shard.bytes)
    samples = sum(manifest.identity.samples.values())
    return VerifyReport(
        version=manifest.version, shards=len(names), samples=samples, findings=tuple(findings)
    )


def _check_manifest(manifest: CorpusManifest) -> Iterator[Finding]:
    digest = manifest.identity.content_digest()
    if digest != manifest.digest or manifest.digest[:12] != manifest.version:
        yield Finding(
            fault=Fault.MANIFEST,
            where="manifest.json",
            detail=f"identity has digest {digest[:12]}, manifest says {manifest.digest[:12]}",
        )
    if manifest.shard_names != shard_names_of(manifest.identity, manifest.version):
        yield Finding(
            fault=Fault.MANIFEST,
            where="manifest.json",
            detail="the shard names are not those of the identity",
        )


def _check_files(storage: Storage, manifest: CorpusManifest) -> Iterator[Finding]:
    folder = layout.version_folder(manifest.identity.name, manifest.version)
    for record in manifest.files:
        try:
            found = hashlib.sha256(storage.read(f"{folder}/{record.name}")).hexdigest()
        except UnreachableError:
            raise
        except StoreError as error:
            yield Finding(fault=Fault.FILE, where=record.name, detail=error.got or error.what)
            continue
        if found != record.sha256:
            yield Finding(
                fault=Fault.FILE,
                where=record.name,
                detail=f"sha256 is {found[:12]}, sealed {record.sha256[:12]}",
            )


def _check_pools(storage: Storage, manifest: CorpusManifest) -> Iterator[Finding]:
    try:
        corpus_assets(storage, manifest)
    except IntegrityError as error:
        yield Finding(fault=Fault.POOL, where=error.where, detail=error.what)


def _check_shard(
    storage: Storage, manifest: CorpusManifest, name: str, shard: ShardRecord
) -> list[Finding]:
    path = layout.shard_path(manifest.identity.name, manifest.version, name)
    if not storage.exists(path):
        return [
            Finding(
                fault=Fault.SHARD_MISSING, where=name, detail=f"{shard.samples} samples are gone"
            )
        ]
    with storage.open(path) as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    if found == shard.sha256:
        return []
    size = storage.size(path)
    detail = (
        f"sha256 is {found[:12]}, sealed {shard.sha256[:12]}; {size} bytes, sealed {shard.bytes}"
    )
    if size < shard.bytes:
        fault = Fault.SHARD_TRUNCATED
    else:
        fault = Fault.SHARD_BYTES
    damaged = list(_check_samples(storage, manifest, name, path))
    if not damaged:
        detail += (
            "; every sample has the sealed pixels and record, so only padding or the "
            "encoding differs"
        )
    return [Finding(fault=fault, where=name, detail=detail), *damaged]


def _check_samples(
    storage: Storage, manifest: CorpusManifest, name: str, path: str
) -> Iterator[Finding]:
    form = ShardForm.of(manifest.identity.recipe)
    expected = _rows_of_shard(storage, manifest, name, form)
    if expected is None:
        yield Finding(
            fault=Fault.SAMPLE_RECORD,
            where=name,
            detail="the table is damaged too, so there is nothing to compare samples with",
        )
        return
    seen: set[str] = set()
    try:
        with storage.open(path) as file:
            for key, fields in read_members(file):
                seen.add(key)
                yield from _check_sample(name, key, fields, expected.get(key), form)
    except UnreachableError:
        raise
    except (tarfile.TarError, EOFError, StoreError, ValueError) as error:
        yield Finding(
            fault=Fault.SHARD_TRUNCATED,
            where=name,
            detail=f"the tar ends early: {str(error).splitlines()[0]}",
        )
    for key in expected:
        if key not in seen:
            yield Finding(
                fault=Fault.SAMPLE_MISSING, where=f"{name}: {key}", detail="not in the tar"
            )


def _rows_of_shard(
    storage: Storage, manifest: CorpusManifest, name: str, form: ShardForm
) -> dict[str, SampleRow] | None:
    """A row for every key of a shard, of a tile that of its last sample; none where the table is
    damaged, which has been said.
    """
    try:
        rows = read_table(storage, manifest)
        return {form.hr_key(row.key): row for row in rows if row.shard == name}
    except (IntegrityError, ValueError):
        return None


def _check_sample(
    name: str, key: str, fields: dict[str, bytes], row: SampleRow | None, form: ShardForm
) -> Iterator[Finding]:
    where = f"{name}: {key}"
    if row is None:
        yield Finding(
            fault=Fault.SAMPLE_RECORD, where=where, detail="the table knows no such sample"
        )
        return
    if sorted(fields) != sorted(form.fields):
        yield Finding(
            fault=Fault.SAMPLE_MISSING, where=where, detail=f"has {', '.join(sorted(fields))}"
        )
        return
    images = [(form.hr, row.hr_sha256)]
    if form.lr_stored:
        images.append((form.lr, row.lr_sha256))
        record = SampleRecord.model_validate(row.model_dump(exclude={"split", "shard"}))
        if fields[RECORD] != record.canonical_json().encode():
            yield Finding(
                fault=Fault.SAMPLE_RECORD, where=where, detail="the JSON differs from the table"
            )
    for field, digest in images:
        try:
            found = pixel_digest(decode_suspect(fields[field]))
        except ValueError as error:
            yield Finding(fault=Fault.SAMPLE_UNREADABLE, where=where, detail=f"{field}: {error}")
            continue
        if found != digest:
            detail = f"{field}: pixels have digest {found[:12]}, sealed {digest[:12]}"
            yield Finding(fault=Fault.SAMPLE_PIXELS, where=where, detail=detail)
