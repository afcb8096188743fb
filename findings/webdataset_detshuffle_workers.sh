#!/usr/bin/env bash
# webdataset 1.0.2, torch 2.13.0: `detshuffle` gives a new order in every epoch, but in a DataLoader with workers, whose
# default ends them with each epoch, it gives the first one again and again: the count of epochs ends with the worker.
# With `persistent_workers=True`, or without workers, it is as it says.
# Seen on 2026-11-30: three epochs of 24 samples are 3 orders with none, 1 with two workers, 3 with two that persist.
# Exits 0 while this is so, 1 once it is not.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check numpy==2.4.6 torch==2.13.0 webdataset==1.0.2
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import torch
import webdataset as wds

for shard in range(2):
    with wds.TarWriter(f"{shard}.tar", encoder=False) as tar:
        for number in range(12):
            tar.write({"__key__": f"{shard}-{number:02d}", "txt": b"%d" % (12 * shard + number)})


def orders(**options):
    data = wds.WebDataset(["0.tar", "1.tar"], shardshuffle=False).compose(wds.detshuffle(100, 100))
    loader = torch.utils.data.DataLoader(data.to_tuple("txt"), batch_size=None, **options)
    return [[int(number) for number, in loader] for _ in range(3)]


print("webdataset", wds.__version__, "torch", torch.__version__)
found = []
for options in ({}, {"num_workers": 2}, {"num_workers": 2, "persistent_workers": True}):
    epochs = orders(**options)
    assert all(sorted(epoch) == list(range(24)) for epoch in epochs)
    found.append(len({tuple(epoch) for epoch in epochs}))
    print(options, found[-1], "orders in three epochs")
sys.exit(found != [3, 1, 3])
PYTHON
