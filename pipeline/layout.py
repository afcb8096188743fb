"""Every path of a workspace is made here."""

from __future__ import annotations


def unit_folder(stage: str, key: str) -> str:
    """Folder of a finished unit."""
    return f"stages/{stage}/units/{key[:2]}/{key}"


def unit_marker(stage: str, key: str) -> str:
    """The file that says that a unit is finished; written last."""
    return f"{unit_folder(stage, key)}/result.json"


def stage_folder(stage: str, key: str) -> str:
    """Folder of a sealed stage."""
    return f"stages/{stage}/sealed/{key}"


def stage_manifest(stage: str, key: str) -> str:
    """Manifest of a sealed stage; written last."""
    return f"{stage_folder(stage, key)}/manifest.json"


def pool_group(stage: str, key: str) -> str:
    """Zarr group of a sealed pool."""
    return f"{stage_folder(stage, key)}/pool.zarr"


def corpus_pool(name: str, version: str, kind: str) -> str:
    """Zarr group of a pool inside a version, which makes the version complete in itself."""
    return f"{version_folder(name, version)}/pools/{kind}.zarr"


def corpus_folder(name: str = "") -> str:
    """Folder of one corpus, or of all of them."""
    return f"corpora/{name}".rstrip("/")


def corpus_log(name: str) -> str:
    """Versions of a corpus, oldest first."""
    return f"corpora/{name}/log.jsonl"


def version_folder(name: str, version: str) -> str:
    """Folder of one sealed version."""
    return f"corpora/{name}/{version}"


def corpus_manifest(name: str, version: str) -> str:
    """Manifest of a version; written last."""
    return f"{version_folder(name, version)}/manifest.json"


def shard_name(name: str, version: str, split: str, number: int) -> str:
    """File name of a shard; the version keeps basenames of different versions apart in readers' caches."""
    return f"{name}-{version[:8]}-{split}-{number:06d}.tar"


def shard_path(name: str, version: str, shard: str) -> str:
    """Path of a shard of a version."""
    return f"{version_folder(name, version)}/shards/{shard}"


def preview_folder(recipe: str) -> str:
    """Folder of the page that previews a recipe; each preview replaces the one before."""
    return f"runs/preview/{recipe}"


def explain_folder(name: str, version: str, key: str) -> str:
    """Folder of the page that explains a sample; outside the version, which is immutable."""
    return f"runs/explain/{name}/{version}/{key}"
