#!/usr/bin/env bash
# What runs on a GPU, run there: the tests that are marked for it, KernelGAN, PDM, ReDegNet, a translator, a training.
# At most eight minutes; writes benchmarks/results/gpu.json. Needs an installation (`make install-test`) and a CUDA device.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-.venv/bin/python}
"$python" -c 'import sys, torch; sys.exit(0 if torch.cuda.is_available() else "gpu.sh: no CUDA device here")'
timeout 180 "$python" -m pytest -q -m gpu
timeout 300 "$python" -m benchmarks.gpu
