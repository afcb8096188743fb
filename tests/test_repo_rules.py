"""House rules that a machine can check."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("schemas", "models", "pipeline", "flows")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
STREAMS = {"pipeline/rng.py", "models/kernelgan/sampling.py", "models/fitting/streams.py"}
"""The modules that make generators, from keys or from a stream key."""
PRINTERS = re.compile(r"flows/cli/")
MOST_LINES = 400


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def calls(path: Path) -> Iterator[str]:
    """Dotted names of all functions that a module calls."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


def test_there_are_modules() -> None:
    assert len(MODULES) > 60
    assert {name_of(path).split("/")[0] for path in MODULES} == set(PACKAGES)


def test_modules_say_what_they_are_in_one_sentence() -> None:
    for path in MODULES:
        docstring = ast.get_docstring(ast.parse(path.read_text()))
        assert docstring, f"{name_of(path)} begins with no docstring"
        assert docstring.split("\n\n")[0].rstrip().endswith((".", "?")), name_of(path)


def test_modules_are_short() -> None:
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in MODULES}
    assert {name: length for name, length in lengths.items() if length > MOST_LINES} == {}


def test_only_the_command_line_prints() -> None:
    assert [
        name_of(path)
        for path in MODULES
        if "print" in set(calls(path)) and not PRINTERS.match(name_of(path))
    ] == []


GLOBAL = re.compile(
    r"(np|numpy)\.random\.[a-z_]+|random\.[a-z_]+|torch\.(cuda\.)?(manual_seed(_all)?|seed)"
)
BY_TORCH = re.compile(r"torch\.(rand|randn|randint|randperm|normal|bernoulli|multinomial)(_like)?")
MAKERS = re.compile(r".*random\.(Generator|Philox|PCG64|SeedSequence|RandomState)")


def test_randomness_comes_from_streams() -> None:
    """No global generator is used or seeded, torch draws nothing, and generators are made in
    `STREAMS` only."""
    for path in MODULES:
        for call in calls(path):
            assert not GLOBAL.fullmatch(call), f"{name_of(path)}: {call}: pass the stream"
            assert not BY_TORCH.fullmatch(call), (
                f"{name_of(path)}: {call}: draw on the CPU from a stream, then apply"
            )
            assert not MAKERS.fullmatch(call) or name_of(path) in STREAMS, (
                f"{name_of(path)}: {call}: use pairmill.pipeline.rng.stream"
            )


def test_no_generator_lives_in_a_module() -> None:
    for path in MODULES:
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                made = {
                    ast.unparse(call.func)
                    for call in ast.walk(node.value)
                    if isinstance(call, ast.Call)
                }
                makers = {
                    call
                    for call in made
                    if call.rpartition(".")[2] in {"default_rng", "Generator", "Philox", "stream"}
                }
                assert not makers, name_of(path)


def test_paths_of_a_workspace_are_made_in_the_layout() -> None:
    for path in MODULES:
        if name_of(path).startswith("pipeline/") and path.name != "layout.py":
            found = re.findall(r"""f?["'](?:stages|corpora)/[^"']*["']""", path.read_text())
            assert not found, f"{name_of(path)}: ask pairmill.pipeline.workspace.layout"


def test_no_stage_reads_the_clock() -> None:
    for path in (ROOT / "pipeline/stages").glob("*.py"):
        assert not {
            call for call in calls(path) if re.fullmatch(r"(time|datetime)\..*|now", call)
        }, path.name


def test_import_contracts_hold() -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_packages_lie_in_the_repository() -> None:
    """An installation for work is the repository itself, and takes one name of the path only."""
    code = (
        "import importlib, importlib.util\n"
        f"for name in {PACKAGES!r}:\n"
        "    print(importlib.import_module(f'pairmill.{name}').__file__)\n"
        f"assert not any(map(importlib.util.find_spec, {PACKAGES!r}))"
    )
    installed = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd="/",
        env=installed,
        capture_output=True,
        text=True,
        check=True,
    )
    found = [Path(line) for line in done.stdout.splitlines()]
    assert found == [ROOT / "pairmill" / package / "__init__.py" for package in PACKAGES]


@pytest.mark.parametrize(
    ("imported", "heavy"),
    [
        (
            "pairmill.schemas.recipe, pairmill.schemas.corpus, pairmill.schemas.shard, "
            "pairmill.schemas.errors",
            "torch numpy cv2 zarr fsspec prefect dask",
        ),
        (
            "pairmill.pipeline.build.build, pairmill.pipeline.runner.execution, "
            "pairmill.pipeline.corpora.verify",
            "torch webdataset prefect dask rich typer",
        ),
    ],
)
def test_imports_are_cheap(imported: str, heavy: str) -> None:
    code = f"import sys, {imported}; print(*sorted(set({heavy.split()!r}) & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []
