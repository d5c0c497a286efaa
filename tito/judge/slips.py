"""Slips that stand in the text of a learner's code, and not in the reference.

They are looked for after a test has failed; by themselves they prove nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from tito.judge.locations import parsed
from tito.literate.cells import Cell
from tito.messages import Message
from tito.messages.stub import PATTERN as STUB

# Of arrays or of NumPy: they give a new array and change nothing.
PURE = frozenset({
    "astype", "reshape", "transpose", "swapaxes", "squeeze", "flatten", "ravel", "expand_dims",
    "clip", "maximum", "minimum", "where", "exp", "log", "sqrt", "abs", "sum", "mean",
})  # fmt: skip
Finder = Callable[[ast.AST], Message | None]


def sure_slip(cell: Cell, reference: Cell) -> Message | None:
    """A slip that has its effect whatever the input: a result thrown away, a loop of one round."""
    own, wanted = parsed(cell.source), parsed(reference.source)
    if own is None or wanted is None:
        return None
    finders: tuple[Finder, ...] = (_discarded, _one_round)
    new = [find for find in finders if not any(map(find, ast.walk(wanted)))]
    found = (find(node) for find in new for node in ast.walk(own))
    return next(filter(None, found), None)


def likely_slip(cell: Cell, reference: Cell) -> Message | None:
    """A slip that may explain what nothing else explains: 0 taken for None, an input not used."""
    own, wanted = parsed(cell.source), parsed(reference.source)
    if own is None or wanted is None:
        return None
    functions = {name: node for name, node in _functions(own) if not _is_stub(node)}
    pairs = [(functions[name], node) for name, node in _functions(wanted) if name in functions]
    found = (_falsy(*pair) or _neglected(*pair) for pair in pairs)
    return next(filter(None, found), None)


def _discarded(node: ast.AST) -> Message | None:
    """A call whose only use is its result, as a statement of its own."""
    match node:
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr=name), keywords=keywords)):
            writes = any(keyword.arg == "out" for keyword in keywords)
            return Message("slip.discarded", name=name) if name in PURE and not writes else None
    return None


def _one_round(node: ast.AST) -> Message | None:
    """A loop over items whose first round always returns."""
    if not isinstance(node, ast.For) or not isinstance(node.body[-1], ast.Return):
        return None
    inside = [inner for statement in node.body for inner in ast.walk(statement)]
    goes_on = any(isinstance(inner, ast.Continue) for inner in inside)
    return None if goes_on else Message("slip.one_round", line=node.body[-1].lineno)


def _falsy(own: ast.FunctionDef, wanted: ast.FunctionDef) -> Message | None:
    """An input that may be None, asked for its truth, which 0 lacks too."""
    asked = _asked_for_truth(own) - _asked_for_truth(wanted)
    names = asked & _compared_with_none(wanted)
    return Message("slip.falsy", name=min(names)) if names else None


def _neglected(own: ast.FunctionDef, wanted: ast.FunctionDef) -> Message | None:
    """An input that is never read, while the reference does read it."""
    names = {argument.arg for argument in (*own.args.args, *own.args.kwonlyargs)} - {"self"}
    unread = (names & _read(wanted)) - _read(own)
    return Message("slip.neglected", name=min(unread)) if unread else None


def _functions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    """The functions of a cell and the methods of its classes, by name."""
    for node in tree.body:
        body = node.body if isinstance(node, ast.ClassDef) else [node]
        prefix = f"{node.name}." if isinstance(node, ast.ClassDef) else ""
        for inner in body:
            if isinstance(inner, ast.FunctionDef):
                yield prefix + inner.name, inner


def _is_stub(function: ast.FunctionDef) -> bool:
    """Whether the function, or a part of it, is still to be written."""
    texts = (node.value for node in ast.walk(function) if isinstance(node, ast.Constant))
    return any(isinstance(text, str) and STUB.match(text) for text in texts)


def _read(function: ast.FunctionDef) -> set[str]:
    nodes = ast.walk(function)
    return {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}


def _compared_with_none(function: ast.FunctionDef) -> set[str]:
    found = set()
    for node in ast.walk(function):
        match node:
            case ast.Compare(left=ast.Name(id=name), comparators=[ast.Constant(value=None)]):
                found.add(name)
    return found


def _asked_for_truth(function: ast.FunctionDef) -> set[str]:
    """The names that stand alone as a condition."""
    asked: list[ast.expr] = []
    for node in ast.walk(function):
        match node:
            case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test):
                asked.append(test)
            case ast.BoolOp(values=values):
                asked += values
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                asked.append(operand)
    return {test.id for test in asked if isinstance(test, ast.Name)}
