"""House rules that a machine can check."""

from __future__ import annotations

import ast
import os
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.support.import_graph import circles, import_graph, of_folders

ROOT = Path(__file__).parent.parent
FOLDERS = ("schemas", "models", "pipeline", "flows")
PACKAGES = ("pairmill", *FOLDERS)
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
STREAMS = {"pipeline/rng.py", "models/kernelgan/sampling.py", "models/keyed.py"}
"""The modules that make generators, from keys or from a stream key."""
PRINTERS = re.compile(r"flows/cli/")
MOST_LINES = 400
MEDIAN_LINES, NINTH_LINES = 8, 24
"""Lines of a function, docstring included, that half and nine tenths of them stay within."""
SCRIPTS = sorted(
    path
    for folder in ("tests", "docs", "benchmarks", "examples")
    for path in (ROOT / folder).rglob("*.py")
)


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def calls(path: Path) -> Iterator[str]:
    """Dotted names of all functions that a module calls."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


def test_there_are_modules() -> None:
    assert len(MODULES) > 60
    assert {name_of(path).split("/")[0] for path in MODULES} == set(PACKAGES)


def test_modules_say_what_they_are_in_one_sentence() -> None:
    for path in MODULES:
        docstring = ast.get_docstring(tree_of(path))
        assert docstring, f"{name_of(path)} begins with no docstring"
        assert docstring.split("\n\n")[0].rstrip().endswith((".", "?")), name_of(path)


def test_modules_are_short() -> None:
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in MODULES}
    assert {name: length for name, length in lengths.items() if length > MOST_LINES} == {}


def test_functions_are_short() -> None:
    functions = [
        node
        for path in MODULES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    lengths = [(node.end_lineno or 0) - node.lineno + 1 for node in functions]
    assert statistics.median(lengths) <= MEDIAN_LINES
    assert statistics.quantiles(lengths, n=10)[-1] <= NINTH_LINES


def test_the_formatter_is_nowhere_switched_off() -> None:
    marker = re.compile(r"#\s*fmt:\s*(off|on|skip)")
    for path in (*MODULES, *SCRIPTS):
        assert not marker.search(path.read_text()), name_of(path)


def nested(path: Path) -> Iterator[int]:
    """Lines of the conditional expressions that hold another one."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.IfExp):
            inner = (part for part in ast.walk(node) if part is not node)
            if any(isinstance(part, ast.IfExp) for part in inner):
                yield node.lineno


def test_conditional_expressions_are_not_nested() -> None:
    found = {name_of(path): list(nested(path)) for path in (*MODULES, *SCRIPTS)}
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_imports_make_no_circle_of_modules_or_folders() -> None:
    graph = import_graph(ROOT, PACKAGES)
    assert "pairmill.schemas.base" in graph["pairmill.schemas.recipe"], "the graph has arrows"
    assert circles(graph) == []
    assert circles(of_folders(graph)) == []


def test_circles_are_found() -> None:
    graph = {"a.b.c": {"a.d.e"}, "a.d.e": {"a.d.f"}, "a.d.f": {"a.b.g"}, "a.b.g": set[str]()}
    assert circles(graph) == []
    assert circles(of_folders(graph, 2)) == [["a.b", "a.d"]]
    assert circles(graph | {"a.b.g": {"a.d.f"}}) == [["a.b.g", "a.d.f"]]


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
        for node in tree_of(path).body:
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
        f"for name in {FOLDERS!r}:\n"
        "    print(importlib.import_module(f'pairmill.{name}').__file__)\n"
        f"assert not any(map(importlib.util.find_spec, {FOLDERS!r}))"
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
    assert found == [ROOT / "pairmill" / package / "__init__.py" for package in FOLDERS]


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


def test_no_measurement_names_the_folders_of_a_machine() -> None:
    absolute = re.compile(r'"/[^"/\n]+/[^"\n]*"')
    results = sorted((ROOT / "benchmarks/results").glob("*.json"))
    assert len(results) > 10
    found = {name_of(path): absolute.findall(path.read_text()) for path in results}
    assert {name: lines for name, lines in found.items() if lines} == {}
