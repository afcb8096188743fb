"""Which module imports which, read from the source: imports inside functions and under
`TYPE_CHECKING` count too.
"""

import ast
from collections.abc import Container, Mapping, Set
from pathlib import Path

Graph = dict[str, set[str]]


def module_name(path: Path, root: Path) -> str:
    """`pairmill.pipeline.rng` of ROOT/pipeline/rng.py, `pairmill.corpus` of
    ROOT/pairmill/corpus.py."""
    parts = path.relative_to(root).with_suffix("").parts
    if parts[-1] == "__init__":
        parts = parts[:-1]
    return ".".join(parts if parts[0] == "pairmill" else ("pairmill", *parts))


def import_graph(root: Path, folders: tuple[str, ...]) -> Graph:
    """Every module of some folders, and which of them it imports."""
    paths = (path for folder in folders for path in (root / folder).rglob("*.py"))
    modules = {module_name(path, root): path for path in paths}
    graph: Graph = {}
    for name, path in modules.items():
        nodes = ast.walk(ast.parse(path.read_text()))
        graph[name] = {found for node in nodes for found in _imported(node, modules)} - {name}
    return graph


def _imported(node: ast.AST, modules: Container[str]) -> list[str]:
    """The modules that an import statement names; `from a import b` names a.b if that is one, else
    a.
    """
    found: list[str] = []
    if isinstance(node, ast.Import):
        found = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom) and node.module:
        inside = [f"{node.module}.{alias.name}" for alias in node.names]
        found = [name if name in modules else node.module for name in inside]
    return [name for name in found if name in modules]


def of_folders(graph: Mapping[str, Set[str]], depth: int = 3) -> Graph:
    """The graph of rooms: `pairmill.pipeline.shards` for all that lies in it; a module next to the
    rooms is a room of its own.
    """
    rooms: Graph = {}
    for module, imported in graph.items():
        room = _room(module, depth)
        rooms.setdefault(room, set()).update(_room(other, depth) for other in imported)
        rooms[room].discard(room)
    return rooms


def _room(module: str, depth: int) -> str:
    return ".".join(module.split(".")[:depth])


def circles(graph: Mapping[str, Set[str]]) -> list[list[str]]:
    """Groups of nodes that all reach one another."""
    reached = {node: _reached(graph, node) for node in graph}
    found = {
        tuple(sorted(other for other in reached[node] if node in reached.get(other, ())))
        for node in graph
        if node in reached[node]
    }
    return sorted(map(list, found))


def _reached(graph: Mapping[str, Set[str]], start: str) -> set[str]:
    """All that can be reached from a node; itself only if a way leads back."""
    reached: set[str] = set()
    ahead = [start]
    while ahead:
        fresh = graph.get(ahead.pop(), set()) - reached
        reached |= fresh
        ahead += fresh
    return reached
