"""Every path of a workspace is made here."""

from __future__ import annotations


def unit_folder(stage: str, key: str) -> str:
    """Folder of a finished unit."""
    return f"stages/{stage}/units/{key[:2]}/{key}"


def unit_marker(stage: str, key: str) -> str:
    """The file that says that a unit is finished; written last."""
    return f"{unit_folder(stage, key)}/result.json"


def fit_picture(samples: int) -> str:
    """File name of the image of a check of a fit, in its unit's folder."""
    return f"grid-{samples:09d}.png"


def stage_folder(stage: str, key: str) -> str:
    """Folder of a sealed stage."""
    return f"stages/{stage}/sealed/{key}"


def stage_manifest(stage: str, key: str) -> str:
    """Manifest of a sealed stage; written last."""
    return f"{stage_folder(stage, key)}/manifest.json"


def pool_group(stage: str, key: str, name: str = "pool") -> str:
    """Zarr group of a sealed pool; stages that seal two name the second."""
    return f"{stage_folder(stage, key)}/{name}.zarr"


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


def version_sources(name: str, version: str) -> str:
    """What a version was made of: images by digest and file name, sealed stages; told, not
    hashed.
    """
    return f"{version_folder(name, version)}/sources.json"


def places_folder(name: str, version: str) -> str:
    """Folder of what only this workspace knows of a version; not below `corpora/`, which may be
    published as it is.
    """
    return f"places/{name}/{version}"


def version_places(name: str, version: str) -> str:
    """Where the images of a version lie, and on which machine it was built."""
    return f"{places_folder(name, version)}/images.json"


def corpus_sources(name: str) -> str:
    """The same for the last finished build of a corpus, whether or not it made a new version."""
    return f"corpora/{name}/sources.json"


def tag_folder(name: str) -> str:
    """Tags of a corpus, one small file each."""
    return f"corpora/{name}/tags"


def tag_file(name: str, tag: str) -> str:
    """The file that says which version a tag means."""
    return f"{tag_folder(name)}/{tag}.json"


def lock_folder() -> str:
    """Locks of all that is at work in the workspace."""
    return "locks"


def lock_file(lock: str) -> str:
    """One lock: who holds it."""
    return f"{lock_folder()}/{lock}.json"


def beat_file(token: str) -> str:
    """Sign of life of the holder of a lock."""
    return f"{lock_folder()}/beats/{token}"


def stages_folder(stage: str = "") -> str:
    """Folder of one stage, or of all of them."""
    return f"stages/{stage}".rstrip("/")


def sealed_folder(stage: str) -> str:
    """Folder of the sealed results of a stage."""
    return f"stages/{stage}/sealed"


def units_folder(stage: str) -> str:
    """Folder of the finished units of a stage, by the first two digits of their keys."""
    return f"stages/{stage}/units"


def stage_units(stage: str, key: str) -> str:
    """Keys of the units of a sealed stage, 32 bytes each."""
    return f"{stage_folder(stage, key)}/units.bin"


def corpus_manifest(name: str, version: str) -> str:
    """Manifest of a version; written last."""
    return f"{version_folder(name, version)}/manifest.json"


def shard_name(name: str, version: str, split: str, number: int) -> str:
    """File name of a shard; the version keeps basenames of different versions apart in readers'
    caches.
    """
    return f"{name}-{version[:8]}-{split}-{number:06d}.tar"


def shard_path(name: str, version: str, shard: str) -> str:
    """Path of a shard of a version."""
    return f"{version_folder(name, version)}/shards/{shard}"


def preview_folder(recipe: str) -> str:
    """Folder of the page that previews a recipe; each preview replaces the one before."""
    return f"runs/preview/{recipe}"


def check_folder(name: str) -> str:
    """Folder of the page that shows copies, leaks and scores of images; each check replaces the one
    before.
    """
    return f"runs/images/{name}"


def explain_folder(name: str, version: str, key: str) -> str:
    """Folder of the page that explains a sample; outside the version, which is immutable."""
    return f"runs/explain/{name}/{version}/{key}"


def nightly_report(date: str) -> str:
    """What the nightly check of a day found."""
    return f"runs/nightly/{date}.json"


def training_folder(run: str) -> str:
    """Folder of a training run."""
    return f"runs/train/{run}"


def training_file(run: str, file: str) -> str:
    """A file of a training run: `run.json`, `state.safetensors`, `metrics.jsonl`."""
    return f"{training_folder(run)}/{file}"


def training_checkpoint(run: str, which: str) -> str:
    """Weights for other tools: `last`, `best` or `step-000500`; a JSON lies next to them."""
    return f"{training_folder(run)}/checkpoints/{which}.safetensors"


def training_degradation(run: str, which: str) -> str:
    """The degradation that joint training has learned beside checkpoint `last` or `best`."""
    return f"{training_folder(run)}/degradations/{which}.safetensors"


def training_picture(run: str, step: int) -> str:
    """What a validation looked like."""
    return f"{training_folder(run)}/pictures/{step:07d}.png"


def evaluation_folder(name: str) -> str:
    """Folder of the page of an evaluation; one of the same name replaces it."""
    return f"runs/evaluate/{name}"
