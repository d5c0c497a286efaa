"""Slips that stand in the text of a learner's code, and not in the reference.

They are looked for after a test has failed; by themselves they prove nothing.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Callable
from typing import TypeGuard

from tito.judge.locations import parsed
from tito.judge.repairs.candidates import functions_of
from tito.literate.cells import Cell
from tito.messages import Message
from tito.messages.stub import PATTERN as STUB

# Of arrays or of NumPy: they give a new array and change nothing.
PURE = frozenset({
    "astype", "reshape", "transpose", "swapaxes", "squeeze", "flatten", "ravel", "expand_dims",
    "clip", "maximum", "minimum", "where", "exp", "log", "sqrt", "abs", "sum", "mean",
})  # fmt: skip
PYTHONS = frozenset({*dir(builtins), "np", "math", "os", "Path"})  # names that are not the course's
INFINITY = re.compile(r"-?(?:(?:np|math)\.inf|float\(['\"]-?inf['\"]\))")
Finder = Callable[[ast.AST], Message | None]
Pair = tuple[ast.FunctionDef, ast.FunctionDef]
Comparison = Callable[[ast.FunctionDef, ast.FunctionDef], Message | None]


def sure_slip(cell: Cell, reference: Cell) -> Message | None:
    """A slip that has its effect whatever the input: a result thrown away, a loop of one round."""
    own, wanted = parsed(cell.source), parsed(reference.source)
    if own is None or wanted is None:
        return None
    finders: tuple[Finder, ...] = (_discarded, _one_round, _swallowed)
    new = [find for find in finders if not any(map(find, ast.walk(wanted)))]
    found = [find(node) for find in new for node in ast.walk(own)]
    found += [find(*pair) for pair in _pairs(own, wanted) for find in SURE]
    return next(filter(None, found), None)


def likely_slip(cell: Cell, reference: Cell) -> Message | None:
    """A slip that may explain what nothing surer explains: 0 taken for None, an input not used."""
    return _compared(cell, reference, LIKELY)


def guessed_slip(cell: Cell, reference: Cell, is_silent: bool = False) -> Message | None:
    """What the reference does and the learner's code does not, if that is one thing only.

    ``is_silent``: an error was expected, and none came: what is missing is a `raise`.
    """
    return _compared(cell, reference, (_lenient,) if is_silent else (_lenient, _unused))


def _compared(cell: Cell, reference: Cell, finders: tuple[Comparison, ...]) -> Message | None:
    own, wanted = parsed(cell.source), parsed(reference.source)
    if own is None or wanted is None:
        return None
    found = (find(*pair) for find in finders for pair in _pairs(own, wanted))
    return next(filter(None, found), None)


def _pairs(own: ast.Module, wanted: ast.Module) -> list[Pair]:
    """The learner's functions, each with the reference's of the same name."""
    functions = {name: node for name, node in functions_of(own) if not _is_stub(node)}
    return [(functions[name], node) for name, node in functions_of(wanted) if name in functions]


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


def _lenient(own: ast.FunctionDef, wanted: ast.FunctionDef) -> Message | None:
    """No error is raised anywhere, where the reference refuses some input."""
    kinds = [
        node.exc.func.id
        for node in ast.walk(wanted)
        if isinstance(node, ast.Raise)
        and isinstance(node.exc, ast.Call)
        and isinstance(node.exc.func, ast.Name)
    ]
    refuses = any(isinstance(node, ast.Raise | ast.Assert) for node in ast.walk(own))
    return Message("slip.lenient", name=kinds[0]) if kinds and not refuses else None


def _unused(own: ast.FunctionDef, wanted: ast.FunctionDef) -> Message | None:
    """The one function or constant of the course that the reference uses, and the learner's not."""
    local = {node.arg for node in ast.walk(wanted) if isinstance(node, ast.arg)}
    names = _read(wanted) - local - _stored(wanted) - PYTHONS - _read(own)
    return Message("slip.unused", name=names.pop()) if len(names) == 1 else None


def _detached(own: ast.FunctionDef, wanted: ast.FunctionDef) -> Message | None:
    """A Tensor made of `.data`, where the reference computes with the Tensors."""
    if any(map(_is_new_tensor, ast.walk(wanted))) or "data" in _attributes(wanted):
        return None
    asks_only = {
        id(node.value)
        for node in ast.walk(own)
        if isinstance(node, ast.Attribute) and node.attr in ("dtype", "shape", "ndim", "size")
    }
    taken = any(
        isinstance(node, ast.Attribute) and node.attr == "data" and id(node) not in asks_only
        for node in ast.walk(own)
    )
    made = any(map(_is_new_tensor, ast.walk(own)))
    return Message("slip.detached") if taken and made else None


def _is_new_tensor(node: ast.AST) -> bool:
    match node:
        case ast.Return(value=ast.Call(func=ast.Name(id="Tensor"))):
            return True
    return False


def _last_round(own: ast.FunctionDef, wanted: ast.FunctionDef) -> Message | None:
    """Set anew in each round of a loop, and read only after it."""
    names = _overwritten(own) if not _overwritten(wanted) else set()
    return Message("slip.last_round", name=min(names)) if names else None


def _overwritten(function: ast.FunctionDef) -> set[str]:
    """The names of which a loop without `break` leaves only what its last round has stored."""
    found: set[str] = set()
    for place, statement in enumerate(function.body):
        after = _read(ast.Module(function.body[place + 1 :], []))
        for loop in (statement, *getattr(statement, "body", [])):
            if isinstance(loop, ast.For) and not _holds(loop, ast.Break):
                anew = {name for inner in loop.body for name in _assigned(inner)}
                found |= (anew & after) - _read(loop)
    return found


def _holds(tree: ast.AST, kind: type[ast.AST]) -> bool:
    return any(isinstance(node, kind) for node in ast.walk(tree))


def _assigned(statement: ast.stmt) -> set[str]:
    """The names that a plain assignment gives a value."""
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    return {name for target in targets for name in _stored(target)}


def _infinite(own: ast.FunctionDef, wanted: ast.FunctionDef) -> Message | None:
    """Compared in a loop with what was set to infinity, and is never set again."""
    sets = [
        (name, node)
        for node in ast.walk(own)
        if isinstance(node, ast.Assign | ast.AugAssign)
        for name in _stored(node)
    ]
    infinite = {name for name, node in sets if _is_infinity(node, name)}
    constant = {name for name in infinite if [n for n, _ in sets].count(name) == 1}
    asked = {
        inner.id
        for loop in ast.walk(own)
        if isinstance(loop, ast.For | ast.While)
        for node in ast.walk(loop)
        if isinstance(node, ast.Compare)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Name)
    }
    return Message("slip.infinite", name=min(constant & asked)) if constant & asked else None


def _is_infinity(node: ast.Assign | ast.AugAssign, name: str) -> bool:
    """Whether the assignment makes this name infinite, alone or among others."""
    match node:
        case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
            pairs = zip(names, values, strict=False)
            held = [value for target, value in pairs if name in _stored(target)]
        case ast.Assign(value=value):
            held = [value]
        case _:
            return False
    return any(INFINITY.fullmatch(ast.unparse(value)) for value in held)


def _swallowed(node: ast.AST) -> Message | None:
    """An error that is caught, perhaps printed, and forgotten."""
    match node:
        case ast.ExceptHandler(type=ast.expr() as kind, body=body):
            idle = all(isinstance(s, ast.Pass) or _is_print(s) for s in body)
            return Message("slip.swallowed", name=ast.unparse(kind)) if idle else None
    return None


def _is_print(statement: ast.stmt) -> bool:
    match statement:
        case ast.Expr(value=ast.Call(func=ast.Name(id="print"))):
            return True
    return False


def _alias(own: ast.FunctionDef, wanted: ast.FunctionDef) -> Message | None:
    """`old = x.data`, then `x.data[...] = ...`, then `old` is to be what it was."""
    written = {ast.unparse(node.value) for node in ast.walk(own) if _is_written(node)}
    for node in ast.walk(own):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Attribute() as value):
                text = ast.unparse(value)
                if text in written and f"{text} = {name}" in ast.unparse(own):
                    return Message("slip.alias", name=name, value=text)
    return None


def _is_written(node: ast.AST) -> TypeGuard[ast.Subscript]:
    return isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store)


def _is_stub(function: ast.FunctionDef) -> bool:
    """Whether the function, or a part of it, is still to be written."""
    texts = (node.value for node in ast.walk(function) if isinstance(node, ast.Constant))
    return any(isinstance(text, str) and STUB.match(text) for text in texts)


def _read(function: ast.AST) -> set[str]:
    nodes = ast.walk(function)
    return {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}


def _stored(tree: ast.AST) -> set[str]:
    nodes = ast.walk(tree)
    return {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def _attributes(function: ast.FunctionDef) -> set[str]:
    nodes = ast.walk(function)
    return {n.attr for n in nodes if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Load)}


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


SURE = (_detached, _last_round, _infinite, _alias)
LIKELY = (_falsy, _neglected)
