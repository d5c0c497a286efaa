"""Small changes of one expression, each of them the reverse of a common slip."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

Change = tuple[str, ast.expr]  # what was at fault (the end of a message's code), what is put there
Rule = Callable[[ast.expr], Iterator[Change]]

OPPOSITE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE, ast.LtE: ast.Gt, ast.Gt: ast.LtE, ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
AT_EQUALITY: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
}  # fmt: skip
OPERATORS: dict[type[ast.operator], tuple[type[ast.operator], ...]] = {
    ast.Add: (ast.Sub, ast.Mult), ast.Sub: (ast.Add,), ast.Mult: (ast.Div, ast.Add),
    ast.Div: (ast.Mult, ast.FloorDiv), ast.FloorDiv: (ast.Div,), ast.Mod: (ast.FloorDiv,),
    ast.BitAnd: (ast.BitOr,), ast.BitOr: (ast.BitAnd,),
}  # fmt: skip
MISTAKEN = (
    {"sum", "mean"}, {"max", "min"}, {"maximum", "minimum"}, {"argmax", "argmin"}, {"any", "all"},
    {"log", "log2", "log10"}, {"sin", "cos"}, {"floor", "ceil"}, {"zeros", "ones"},
    {"zeros_like", "ones_like"}, {"std", "var"},
)  # fmt: skip
LIKE_SIZE = ("shape", "ndim", "size")
AXES = (-1, 0, 1, 2)


def _compared(node: ast.expr) -> Iterator[Change]:
    match node:
        case ast.Compare(left=left, ops=[op], comparators=right):
            for table in (AT_EQUALITY, OPPOSITE):
                if type(op) in table:
                    yield "comparison", ast.Compare(left, [table[type(op)]()], right)


def denied(node: ast.expr) -> Iterator[Change]:
    """The contrary of a condition."""
    yield "condition", ast.UnaryOp(ast.Not(), node)


def at_nan(operator: ast.unaryop) -> Rule:
    """A rule: a comparison that answers the same for all numbers, and the contrary for NaN."""

    def rule(node: ast.expr) -> Iterator[Change]:
        match node:
            case ast.Compare(left=left, ops=[op], comparators=right) if type(op) in AT_EQUALITY:
                turned = ast.Compare(left, [OPPOSITE[type(op)]()], right)
                yield "nan", ast.UnaryOp(operator, turned)

    return rule


def _sizes(node: ast.expr) -> Iterator[Change]:
    """Numbers of elements or axes compared, where shapes are meant."""
    match node:
        case ast.Compare(
            left=ast.Attribute(value=left, attr=name),
            ops=ops,
            comparators=[ast.Attribute(value=right, attr=other)],
        ) if name == other and name in LIKE_SIZE:
            for wanted in LIKE_SIZE:
                if wanted != name:
                    first, second = (ast.Attribute(n, wanted, ast.Load()) for n in (left, right))
                    yield "attribute", ast.Compare(first, ops, [second])
        case ast.Attribute(value=value, attr="size"):
            yield "attribute", _call("len", value)


def _truth(node: ast.expr) -> Iterator[Change]:
    match node:
        case ast.BoolOp(op=op, values=values):
            yield (
                "condition",
                ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values),
            )
            for left_out in values:
                rest = [value for value in values if value is not left_out]
                yield "condition", rest[0] if len(rest) == 1 else ast.BoolOp(op, rest)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield "condition", operand


def _computed(node: ast.expr) -> Iterator[Change]:
    match node:
        case ast.BinOp(left=left, op=op, right=right):
            for other in OPERATORS.get(type(op), ()):
                yield "operator", ast.BinOp(left, other(), right)
            yield from _regrouped(node)
            if not isinstance(op, ast.Add | ast.Mult):
                yield "sides", ast.BinOp(right, op, left)
            yield "term", left
            yield "term", right
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            yield "sign", operand
        case ast.Call(func=ast.Attribute(attr="exp" | "tanh"), args=[inner]):
            yield "sign", ast.Call(node.func, [ast.UnaryOp(ast.USub(), inner)], node.keywords)


def _regrouped(node: ast.BinOp) -> Iterator[Change]:
    match node:
        case ast.BinOp(left=ast.BinOp(left=a, op=first, right=b), op=second, right=c):
            yield "brackets", ast.BinOp(a, first, ast.BinOp(b, second, c))
    match node:
        case ast.BinOp(left=a, op=first, right=ast.BinOp(left=b, op=second, right=c)):
            yield "brackets", ast.BinOp(ast.BinOp(a, first, b), second, c)


def _numbers(node: ast.expr) -> Iterator[Change]:
    match node:
        case ast.Constant(value=bool(value)):
            yield "constant", ast.Constant(not value)
        case ast.Constant(value=int(value)):
            for other in (value + 1, value - 1, *((-1,) if value == 0 else ())):
                yield "number", ast.Constant(other)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(value))):
            for other in (1 - value, -1 - value):
                yield "number", ast.Constant(other)


def _called(node: ast.expr) -> Iterator[Change]:
    match node:
        case ast.Call(func=ast.Attribute(value=owner, attr=name) as function, args=args):
            for other in _mistaken(name):
                renamed = ast.Attribute(owner, other, ast.Load())
                yield "function", ast.Call(renamed, args, node.keywords)
            yield from _inserted(node, function)
        case ast.Call(func=ast.Name(id=name), args=args):
            for other in _mistaken(name):
                renamed_ = ast.Name(other, ast.Load())
                yield "function", ast.Call(renamed_, args, node.keywords)


def _mistaken(name: str) -> list[str]:
    return sorted(other for group in MISTAKEN if name in group for other in group - {name})


def _inserted(node: ast.Call, function: ast.Attribute) -> Iterator[Change]:
    """Put at the front of a list, where it belongs at the end; and the reverse."""
    match function.attr, node.args:
        case "insert", [ast.Constant(value=0), item]:
            yield "end", ast.Call(ast.Attribute(function.value, "append", ast.Load()), [item], [])
        case "append", [item]:
            front = ast.Attribute(function.value, "insert", ast.Load())
            yield "end", ast.Call(front, [ast.Constant(0), item], [])


def _arguments(node: ast.expr) -> Iterator[Change]:
    if not isinstance(node, ast.Call):
        return
    if len(node.args) > 1:
        first, second, *rest = node.args
        yield "arguments", ast.Call(node.func, [second, first, *rest], node.keywords)
    for place, keyword in enumerate(node.keywords):
        others = [*node.keywords[:place], *node.keywords[place + 1 :]]
        if keyword.arg in ("axis", "dim"):
            for axis in AXES:
                changed = ast.keyword(keyword.arg, ast.Constant(axis))
                yield "axis", ast.Call(node.func, node.args, [*others, changed])
        yield "keyword", ast.Call(node.func, node.args, others)


def _unwrapped(node: ast.expr) -> Iterator[Change]:
    """Without the call, the index or the attribute around it."""
    match node:
        case ast.Call(args=[inner, *_]):
            yield "call", inner
            yield from _turned(node)
    match node:
        case ast.Call(func=ast.Attribute(value=owner)):
            yield "call", owner
        case ast.Subscript(value=inner):
            yield "index", inner
        case ast.Attribute(value=inner):
            yield "attribute", inner


def _turned(node: ast.Call) -> Iterator[Change]:
    """f(g(x), ...) where g(f(x, ...)) is meant."""
    match node.args[0]:
        case ast.Call(args=[inner, *others], keywords=keywords) as within:
            outer = ast.Call(node.func, [inner, *node.args[1:]], node.keywords)
            yield "nesting", ast.Call(within.func, [outer, *others], keywords)


def _call(name: str, argument: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), [argument], [])


def _squared(node: ast.expr) -> Iterator[Change]:
    """With a square in what is summed, averaged or multiplied."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name() as inner, attr="sum" | "mean" as name)):
            method = ast.Attribute(ast.BinOp(inner, ast.Mult(), inner), name, ast.Load())
            yield "square", ast.Call(method, node.args, node.keywords)
        case ast.BinOp(left=left, op=ast.Mult() | ast.Div() as op, right=ast.Name() as right):
            yield "square", ast.BinOp(left, op, ast.BinOp(right, ast.Mult(), right))


# The likelier first: not all are tried where there are many.
RULES: tuple[Rule, ...] = (
    _compared, _sizes, _truth, _called, _arguments, _computed, _numbers, _unwrapped, _squared,
)  # fmt: skip
