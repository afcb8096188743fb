"""What card and descriptions say of a version: what it is, what shards hold, how they are read."""

from __future__ import annotations

from pairmill.pipeline.shards.tar import ShardForm
from pairmill.schemas.corpus import CorpusManifest

OWNERS = "The rights in the source images are their owners'."
OTHERS = """`samples.parquet` has one row per pair, `recipe.json`
every setting, `pools/` the kernels and noise patches, `report/index.html` the pictures."""


def sentence(manifest: CorpusManifest) -> str:
    """How many pairs, for what, and what they are made of."""
    identity = manifest.identity
    degraders = " and ".join(identity.degraders)
    return (
        f"{sum(identity.samples.values())} HR/LR pairs for x{identity.recipe['scale']} "
        "super-resolution, made from "
        f"{manifest.counts['images']} source images by {degraders}."
    )


def contents(manifest: CorpusManifest) -> str:
    """A few lines of Markdown."""
    form = ShardForm.of(manifest.identity.recipe)
    return _with_lr(manifest, form) if form.lr_stored else _hr_alone(manifest, form)


def _with_lr(manifest: CorpusManifest, form: ShardForm) -> str:
    scale, shard = manifest.identity.recipe["scale"], manifest.shard_names[0]
    return f"""A sample is `KEY.{form.hr}`, `KEY.{form.lr}` and `KEY.json` in a tar of `shards/` (WebDataset). HR is exactly
{scale} times LR, 8-bit sRGB. The JSON holds the program that made the LR from the HR; {OTHERS}

```python
import webdataset as wds

shards = "shards/{shard}"
for hr, lr in wds.WebDataset(shards, shardshuffle=False).decode("rgb8").to_tuple("{form.hr}", "{form.lr}"):
    ...
```"""  # noqa: E501


def _hr_alone(manifest: CorpusManifest, form: ShardForm) -> str:
    name, scale = manifest.identity.name, manifest.identity.recipe["scale"]
    return f"""The shards hold HR alone: `TILE.{form.hr}` in a tar of `shards/` (WebDataset), 8-bit sRGB, exactly {scale} times as
large as LR. LR is made of HR, a program and the pools, always with the same pixels: a row of `samples.parquet` has the
program of one pair and the digest of its LR; its tile is its key without the last number. {OTHERS}

```python
import pairmill

corpus = pairmill.open("FOLDER")  # this one
for hr, lr in pairmill.Loader(corpus.training("train", crop=64), batch=16):
    ...
for hr, lr, record in corpus.pairs("train"):
    ...
```

`pairmill corpus materialise {name}` writes the version with LR in its shards."""  # noqa: E501
