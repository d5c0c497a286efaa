"""Every version of a learner's cell that is one small change away, the likelier first."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from tito.judge.repairs import expressions, statements

BLOCKS = ("body", "orelse", "finalbody")
TARGETS = ("target", "targets")


class Candidate(NamedTuple):
    """A changed cell: what the change is about (a message's code), what of the learner's text was
    changed and in which line, and the whole cell's text with the change."""

    code: str
    part: str
    line: int
    source: str


class Slot(NamedTuple):
    """A place of the tree that holds an expression: in a field, or in a field's list."""

    owner: ast.AST
    field: str
    place: int | None

    @property
    def node(self) -> ast.expr:
        """What stands there."""
        held = getattr(self.owner, self.field)
        return held if self.place is None else held[self.place]  # type: ignore[no-any-return]

    def put(self, node: ast.expr) -> None:
        """Put another expression there."""
        if self.place is None:
            setattr(self.owner, self.field, node)
        else:
            getattr(self.owner, self.field)[self.place] = node


def candidates(own: ast.Module, wanted: ast.Module, parts: list[str]) -> Iterator[Candidate]:
    """The changed cells. What stands in the reference as well is right, and is left alone.

    Another variable comes last, and stands for little where another change passes as well.

    Args:
        own: the learner's cell. It is changed on the way, and is what it was at the end.
        wanted: the reference's cell.
        parts: the functions to be written ("Linear.forward").
    """
    functions = [node for name, node in functions_of(own) if name in parts]
    known_lines, known_blocks = _known(wanted)
    blocks = [
        (owner, field)
        for function in functions
        for owner, field in _blocks(function)
        if _dumps(getattr(owner, field)) not in known_blocks
    ]
    slots = [
        (slot, function)
        for function in functions
        for statement in _statements(function)
        if _header(statement) not in known_lines
        for slot in _slots(statement)
    ]
    for rule in expressions.RULES:
        for slot, _ in slots:
            yield from _with_expression(own, slot, rule)
    for change in statements.RULES:
        for owner, field in blocks:
            yield from _with_block(own, owner, field, change)
    for slot, _ in slots:
        for rule in _of_truth(slot):
            yield from _with_expression(own, slot, rule)
    for slot, function in slots:
        yield from _with_expression(own, slot, _other_names(function))


def functions_of(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    """The functions of a cell and the methods of its classes, by name."""
    for node in tree.body:
        body = node.body if isinstance(node, ast.ClassDef) else [node]
        prefix = f"{node.name}." if isinstance(node, ast.ClassDef) else ""
        for inner in body:
            if isinstance(inner, ast.FunctionDef):
                yield prefix + inner.name, inner


def _known(wanted: ast.Module) -> tuple[set[str], set[str]]:
    """The statements and the blocks of the reference, as texts."""
    lines = {_header(node) for node in ast.walk(wanted) if isinstance(node, ast.stmt)}
    blocks = {_dumps(getattr(owner, field)) for owner, field in _blocks(wanted)}
    return lines, blocks


def _blocks(tree: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    for node in ast.walk(tree):
        for field in BLOCKS:
            held = getattr(node, field, None)
            if held and isinstance(held, list):
                yield node, field


def _statements(function: ast.FunctionDef) -> Iterator[ast.stmt]:
    """The statements in a function, but `raise`: what an error says can be said in many ways."""
    inside = (node for node in ast.walk(function) if isinstance(node, ast.stmt))
    kinds = (ast.FunctionDef, ast.Raise)
    return (statement for statement in inside if not isinstance(statement, kinds))


def _header(statement: ast.stmt) -> str:
    """A statement without the statements inside it, as a text."""
    fields = ast.iter_fields(statement)
    held = {name: value for name, value in fields if name not in (*BLOCKS, "handlers")}
    return ast.dump(type(statement)(**held))


def _dumps(block: list[ast.stmt]) -> str:
    return "\n".join(map(ast.dump, block))


def _slots(statement: ast.stmt) -> Iterator[Slot]:
    """The places of all expressions in a statement that are read, outermost first."""
    waiting: list[ast.AST] = [statement]
    for owner in waiting:
        for field, held in ast.iter_fields(owner):
            for place, node in enumerate(held) if isinstance(held, list) else ((None, held),):
                if isinstance(node, ast.expr) and field not in TARGETS:
                    waiting.append(node)
                    yield Slot(owner, field, place)
                elif isinstance(node, ast.keyword | ast.comprehension):
                    waiting.append(node)


def _of_truth(slot: Slot) -> tuple[expressions.Rule, ...]:
    """The rules for what Python asks for its truth there, or for a mask."""
    is_part = isinstance(slot.owner, ast.BoolOp)
    if is_part or slot.field == "test":
        return expressions.at_nan(ast.Not()), expressions.denied
    return (expressions.at_nan(ast.Invert()),)


def _with_expression(tree: ast.Module, slot: Slot, rule: expressions.Rule) -> Iterator[Candidate]:
    node = slot.node
    is_call = isinstance(slot.owner, ast.Expr)  # for what it does: else the statement is too many
    for code, new in rule(node):
        if is_call and not isinstance(new, ast.Call):
            continue
        slot.put(new)
        try:
            source = ast.unparse(tree)
        finally:
            slot.put(node)
        yield Candidate(code, ast.unparse(node), node.lineno, source)


def _with_block(
    tree: ast.Module, owner: ast.AST, field: str, rule: statements.Rule
) -> Iterator[Candidate]:
    block = getattr(owner, field)
    for code, statement, new in rule(block):
        setattr(owner, field, new)
        try:
            source = ast.unparse(ast.fix_missing_locations(tree))
        finally:
            setattr(owner, field, block)
        yield Candidate(code, ast.unparse(statement), statement.lineno, source)


def _other_names(function: ast.FunctionDef) -> expressions.Rule:
    """A variable or an input of the function in place of another one."""
    nodes = list(ast.walk(function))
    stored = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    names = stored | {node.arg for node in nodes if isinstance(node, ast.arg)} - {"self"}

    def rule(node: ast.expr) -> Iterator[expressions.Change]:
        if isinstance(node, ast.Name) and node.id in names:
            for name in sorted(names - {node.id}):
                yield "name", ast.Name(name, ast.Load())

    return rule
