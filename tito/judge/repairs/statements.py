"""Small changes of a block of statements, each of them the reverse of a common slip."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from itertools import pairwise

Block = list[ast.stmt]
Change = tuple[str, ast.stmt, Block]  # what was at fault, in which statement, the new block
Rule = Callable[[Block], Iterator[Change]]


def _left_early(block: Block) -> Iterator[Change]:
    """`return` or `break` where only this round is to end."""
    for place, statement in enumerate(block):
        if isinstance(statement, ast.Break) or (
            isinstance(statement, ast.Return) and statement.value is None
        ):
            yield "leave", statement, _with(block, place, [ast.Continue()])


def _indented(block: Block) -> Iterator[Change]:
    """The last statement of an `if` or a loop moved out of it."""
    for place, statement in enumerate(block):
        if isinstance(statement, ast.If | ast.For | ast.While | ast.With):
            *kept, last = statement.body
            outside = _like(statement, kept or [ast.Pass()])
            yield "indent", last, _with(block, place, [outside, last])


def _like(statement: ast.stmt, body: Block) -> ast.stmt:
    fields = {name: value for name, value in ast.iter_fields(statement)}
    return type(statement)(**{**fields, "body": body})


def _exchanged(block: Block) -> Iterator[Change]:
    """Two neighbours in the other order."""
    for place, (first, second) in enumerate(pairwise(block)):
        if not isinstance(second, ast.Return):
            yield "order", first, [*block[:place], second, first, *block[place + 2 :]]


def _stored(block: Block) -> Iterator[Change]:
    """In place or not, added or overwritten."""
    for place, statement in enumerate(block):
        match statement:
            case ast.AugAssign(target=target, op=op, value=value):
                fresh = ast.BinOp(target, op, value)
                yield "in_place", statement, _with(block, place, [_assigned(target, fresh)])
                yield "added", statement, _with(block, place, [_assigned(target, value)])
            case ast.Assign(targets=[ast.Name() as target], value=value):
                added = ast.AugAssign(target, ast.Add(), value)
                yield "overwritten", statement, _with(block, place, [added])


def _assigned(target: ast.expr, value: ast.expr) -> ast.Assign:
    return ast.Assign([target], value)


def _superfluous(block: Block) -> Iterator[Change]:
    for place, statement in enumerate(block):
        if not _is_docstring(statement) and not isinstance(statement, ast.FunctionDef):
            rest = _with(block, place, [])
            yield "statement", statement, rest or [ast.Pass()]


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _with(block: Block, place: int, new: Block) -> Block:
    return [*block[:place], *new, *block[place + 1 :]]


RULES: tuple[Rule, ...] = (_left_early, _indented, _exchanged, _stored, _superfluous)
