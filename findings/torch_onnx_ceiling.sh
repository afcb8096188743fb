#!/usr/bin/env bash
# torch 2.13.0, onnxscript 0.7.2, onnxruntime 1.32.0: a size rounded up by the floor of a negative number,
# `-(-length // 4) * 4`, is rounded down in the ONNX program: the exporter writes Python's `//` of a free size as ONNX's Div,
# which rounds towards zero. Nothing warns; the program agrees for lengths that are multiples, and is short for all others.
# `(length + 3) // 4 * 4` is right.
# Seen on 2026-11-30: of length 9 torch makes 12 and 12, onnxruntime 8 and 12.
# Exits 0 while this is so, 1 once it is not.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check numpy==2.4.6 torch==2.13.0 onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.32.0
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import logging
import sys
import warnings

import onnxruntime
import onnxscript
import torch

warnings.simplefilter("ignore")
logging.disable(logging.ERROR)


class ByNegative(torch.nn.Module):
    def forward(self, row):
        return torch.zeros(-(-row.shape[1] // 4) * 4) + row.sum()


class BySum(torch.nn.Module):
    def forward(self, row):
        return torch.zeros((row.shape[1] + 3) // 4 * 4) + row.sum()


print("torch", torch.__version__, "onnxscript", onnxscript.__version__, "onnxruntime", onnxruntime.__version__)
free, found = {1: torch.export.Dim.DYNAMIC}, []
for module in (ByNegative(), BySum()):
    program = torch.onnx.export(module, (torch.ones(1, 8),), dynamic_shapes=(free,), dynamo=True, verbose=False)
    session = onnxruntime.InferenceSession(program.model_proto.SerializeToString())
    for length in (8, 9, 12):
        row = torch.ones(1, length)
        made = session.run(None, {session.get_inputs()[0].name: row.numpy()})[0]
        found.append((len(module(row)), len(made)))
        print(type(module).__name__, "length", length, "torch", found[-1][0], "onnxruntime", found[-1][1])
sys.exit(found != [(8, 8), (12, 8), (12, 12), (8, 8), (12, 12), (12, 12)])
PYTHON
