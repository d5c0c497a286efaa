"""The shape of `tito`: rooms in one order, no circle, files and functions of a size to live in."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TITO = ROOT / "tito"
# Each room may import from those in the lines below it, and from no other.
ROOMS = (
    {"cli"},
    {"authoring"},
    {"milestones"},
    {"workspace"},
    {"judge"},
    {"report", "checks", "sandbox", "package"},
    {"curriculum"},
    {"literate"},
    {"files", "resources"},
    {"messages", "errors"},
)
LEVEL = {room: level for level, rooms in enumerate(ROOMS) for room in rooms}
# Rooms of the same line that know of each other nevertheless: who → whom.
BESIDE = {("checks", "report"), ("files", "errors"), ("resources", "errors")}
KNOWS_ONLY = {
    "checks": {"messages", "report"},
    "sandbox": {"messages", "errors"},
    "report": {"messages"},
    "messages": set(),
}
LONGEST_FILE = 300


def sources() -> list[Path]:
    return sorted(p for p in TITO.rglob("*.py") if "_data" not in p.parts)


def dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def graph() -> dict[str, set[str]]:
    """Module → modules of `tito` it imports, at any place: in functions and for types too."""
    names = {dotted(path) for path in sources()}
    return {dotted(path): set(imported(path, names)) for path in sources()}


def imported(path: Path, names: set[str]) -> Iterator[str]:
    own = dotted(path)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            inside = [f"{node.module}.{alias.name}" for alias in node.names]
            found = [name if name in names else node.module for name in inside]
        else:
            continue
        yield from (name for name in found if name in names and name != own)


def room(name: str) -> str:
    return name.split(".")[1] if "." in name else ""


def circles(edges: dict[str, set[str]]) -> list[list[str]]:
    """The strongly connected components of more than one node (Tarjan)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in edges[node]:
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            group = [stack.pop()]
            while group[-1] != node:
                group.append(stack.pop())
            if len(group) > 1:
                found.append(sorted(group))

    for node in edges:
        if node not in index:
            visit(node)
    return found


def test_no_circle_between_files():
    assert circles(graph()) == []


def test_no_arrow_points_upward():
    upward = [
        f"{one} -> {other}"
        for one, others in graph().items()
        for other in others
        if room(one) in LEVEL and room(other) in LEVEL and room(one) != room(other)
        and LEVEL[room(one)] >= LEVEL[room(other)]
        and (room(one), room(other)) not in BESIDE
    ]  # fmt: skip
    assert upward == []


@pytest.mark.parametrize("name", KNOWS_ONLY)
def test_some_rooms_know_little(name):
    known = {
        room(other) for one, others in graph().items() if room(one) == name for other in others
    }
    assert known - {name, ""} <= KNOWS_ONLY[name]


def test_every_room_has_its_place():
    assert {room(name) for name in graph()} - {"", "__main__"} == set(LEVEL)


def test_files_are_short():
    lengths = {dotted(p): len(p.read_text(encoding="utf-8").splitlines()) for p in sources()}
    assert {name: n for name, n in lengths.items() if n > LONGEST_FILE} == {}


def function_lengths() -> list[int]:
    return sorted(
        (node.end_lineno or node.lineno) - node.lineno + 1
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def test_functions_are_small():
    lengths = function_lengths()
    assert statistics.median(lengths) < 10
    assert lengths[int(0.95 * len(lengths))] <= 30


def test_no_curriculum_is_kept_in_a_module():
    """It is loaded by whoever begins, and passed: by the command line, a worker, a test."""
    loads = [
        f"{dotted(path)}:{node.lineno}"
        for path in sources()
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom)
        and "Curriculum.load" in ast.unparse(node)
    ]
    assert loads == []


if __name__ == "__main__":
    lengths = function_lengths()
    longest = max(sources(), key=lambda p: len(p.read_text(encoding="utf-8").splitlines()))
    print(f"circles {len(circles(graph()))}, files {len(sources())}")
    print(f"largest file {longest.name}: {len(longest.read_text(encoding='utf-8').splitlines())}")
    print(f"functions {len(lengths)}: median {statistics.median(lengths)}, "
          f"p95 {lengths[int(0.95 * len(lengths))]}, longest {lengths[-1]}")  # fmt: skip
    for name in LEVEL:
        arrows = {room(o) for one, others in graph().items() if room(one) == name for o in others}
        print(f"{name:<11} -> {', '.join(sorted(arrows - {name, ''}))}")
