"""Patterns in an error: its message, and the learner's line that raised it.

The first entry that fits decides. ``{names}`` of the groups become the message's data.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from tito.messages import Message

ARRAY_ONLY = (
    "astype|copy|dot|T|ndim|flatten|ravel|tolist|clip|fill|argmax|argmin|std|var|squeeze|swapaxes"
    "|nbytes|strides|itemsize|any|all|round|cumsum|repeat|take"
)
TENSOR_ONLY = "grad|requires_grad|backward|zero_grad|_grad_fn|numpy|permute|matmul|parameters"
NUMBER = r"(?P<name>int|float|numpy\.(?:float|int)\d+)"
OWN = r"^(?!\s*(?:def |class |@|$))"  # a line of code, not just the function it is about
OPERATOR_ON_SELF = r"^\s*return (?:self\s*[-+*/@]\s*\w+|\w+\s*[-+*/@]\s*self)\s*$"
CONVERSION = r"(?<![\w.])(?:float|int)\("
FUNCTION = r"(?:function|method|builtin_function_or_method)"


class Entry(NamedTuple):
    """A pattern: its code, what the message must hold, what the line must hold."""

    code: str
    message: str
    line: str = ""


_ATTRIBUTES = (
    Entry("data_doubled", r"'memoryview' object has no attribute|unsupported.*'memoryview'"),
    Entry("array_for_tensor", rf"'numpy\.ndarray' object has no attribute '(?:{TENSOR_ONLY})'"),
    Entry("data_missing", rf"'Tensor' object has no attribute '(?:{ARRAY_ONLY})'"),
    Entry("none_used", r"'NoneType' object has no attribute"),
    Entry("number_used", rf"'{NUMBER}' object has no attribute"),
    Entry("list_used", r"'(?P<name>list|tuple)' object has no attribute"),
    Entry("not_called", rf"'{FUNCTION}' object has no attribute"),
    Entry("class_used", r"type object '(?P<name>\w+)' has no attribute", rf"{OWN}.*\b{{name}}\."),
    Entry("unset", r"'(?P<name>\w+)' object has no attribute '(?P<own>\w+)'", r"self\.{own}\b"),
    Entry("no_setter", r"property '(?P<own>\w+)' of '\w+' object has no setter"),
    Entry("not_in_module", r"module '(?P<name>numpy|math)' has no attribute '(?P<own>\w+)'"),
)
_OPERANDS = (
    Entry("none_used", r"unsupported operand type.*'NoneType'|bad operand type.*'NoneType'"),
    Entry("none_used", r"not supported between instances of .*'NoneType'"),
    Entry("parentheses", r"unsupported operand type\(s\) for [|&]"),
    Entry("parentheses", r"ufunc 'bitwise_(?:or|and)' not supported"),
    Entry("not_called", rf"unsupported operand type.*'{FUNCTION}'"),
    Entry("list_compared", r"not supported between instances of.*'(?P<name>list|tuple)'"),
    Entry("list_used", r"operand type.*'(?P<name>list|tuple)'"),
    Entry("list_used", r"can only concatenate (?P<name>list|tuple)"),
    Entry("list_used", r"can't multiply sequence by non-int"),
    Entry("tensor_for_array", r"loop of ufunc does not support argument \d of type Tensor"),
    Entry("none_used", r"loop of ufunc does not support argument \d of type NoneType"),
    Entry("tensor_for_array", r"operand 'Tensor' does not support ufuncs"),
    Entry("inner_sizes_T", r"mismatch in its core dimension|shapes .* not aligned", r"\.T\b"),
    Entry("inner_sizes", r"mismatch in its core dimension|shapes .* not aligned"),
)
_CALLS = (
    Entry("shape_called", r"'tuple' object is not callable", r"\.shape\("),
    Entry("none_used", r"'NoneType' object is not (?:callable|subscriptable|iterable)"),
    Entry("none_used", r"non-iterable NoneType|argument of type 'NoneType'"),
    Entry("called_value", r"'(?P<name>[\w.]+)' object is not callable"),
    Entry("square_call", rf"'{FUNCTION}' object is not subscriptable"),
    Entry("number_used", rf"'{NUMBER}' object is not (?:iterable|subscriptable)"),
    Entry("number_used", rf"cannot unpack non-iterable {NUMBER} object"),
    Entry("number_indexed", r"invalid index to scalar variable"),
    Entry("class_used", r"(?P<name>\w+)\.\w+\(\) missing \d+ required positional.*'self'"),
    Entry("self_missing", r"takes 0 positional arguments but \d+ (?:was|were) given"),
    Entry("self_missing", r"name 'self' is not defined"),
    Entry("tuple_fixed", r"'tuple' object does not support item assignment"),
    Entry("raise_text", r"exceptions must derive from BaseException"),
)
_ARRAYS = (
    Entry("python_max", r"truth value of an array", r"(?<![.\w])(?:max|min)\("),
    Entry("and_or", r"truth value of an array", r"\b(?:and|or|not)\b"),
    Entry("array_truth", r"truth value of an array"),
    Entry("math_on_array", r"only (?:length-1|size-1|0-dimensional) arrays", r"\bmath\."),
    Entry("math_on_array", r"must be real number, not (?:Tensor|list)", r"\bmath\."),
    Entry("converted_array", r"only (?:length-1|size-1|0-dimensional) arrays", CONVERSION),
    Entry("array_for_number", r"only (?:length-1|size-1|0-dimensional) arrays", OWN),
    Entry("array_for_number", r"setting an array element with a sequence", OWN),
    Entry("no_axes", r"len\(\) of unsized object|iteration over a 0-d array"),
    Entry("in_place_dtype", r"Cannot cast ufunc '\w+' output from"),
    Entry("in_place_shape", r"non-broadcastable output operand"),
    Entry("read_only", r"assignment destination is read-only"),
    Entry("float_index", r"slice indices must be integers|only integers, slices"),
    Entry("float_index", r"arrays used as indices must be of integer"),
    Entry("float_index", r"(?:'float'|'numpy\.float\d+') object cannot be interpreted as an int"),
    Entry("float_index", r"indices must be integers or slices, not float"),
    Entry("list_used", r"(?P<name>list|tuple) indices must be integers or slices, not tuple"),
    Entry("axis_missing", r"axis (?P<axis>-?\d+) is out of bounds.* of dimension (?P<n>\d)"),
    Entry(
        "index_shapes", r"indexing arrays could not .* shapes (?P<left>\(.*?\)) (?P<right>\(.*?\))"
    ),
    Entry("too_many_indices", r"array is (?P<n>\d)-dimensional, but (?P<count>\d) were indexed"),
    Entry("index_end", r"index (?P<n>\d+) is out of bounds for axis \d+ with size (?P=n)\b"),
    Entry("shape_unpacked", r"(?:not enough|too many) values to unpack", r"\.shape"),
    Entry("shape_unpacked", r"tuple index out of range", r"\.shape"),
    Entry("unpacked", r"(?:not enough|too many) values to unpack \(expected (?P<n>\d+)"),
)
_OTHERS = (
    Entry("own_raise", r"^(?P<name>\w+): ", r"^\s*raise {name}\("),
    Entry("unbound", r"cannot access local variable '(?P<name>\w+)'"),
    Entry("recursion_operator", r"maximum recursion depth exceeded", OPERATOR_ON_SELF),
    Entry("recursion", r"maximum recursion depth exceeded"),
    Entry("overflow", r"math range error"),
    Entry("changed_in_loop", r"changed size during iteration"),
    Entry("unhashable", r"unhashable type: '(?P<name>[\w.]+)'"),
    Entry("zero_division", r"^ZeroDivisionError: "),
    Entry("key_missing", r"^KeyError: (?P<key>.{1,80})$"),
    Entry("assert_used", r"^AssertionError: "),
    Entry(
        "unexpected_keyword",
        r"(?P<name>\w+)\(\) got an unexpected keyword argument '(?P<key>\w+)'",
    ),
    Entry("import_missing", r"name '(?P<name>np|math)' is not defined"),
)
ENTRIES = (*_OTHERS, *_ATTRIBUTES, *_OPERANDS, *_CALLS, *_ARRAYS)
SHAPES = re.compile(
    r"operands could not be broadcast together with.* shapes \(([\d,]+)\) \(([\d,]+)\)"
)
SHOWN = 2000  # characters of a message that are read


def error_pattern(type_name: str, message: str, line_text: str) -> Message | None:
    """The general mistake behind an error, from its message and the learner's line (or "")."""
    text = f"{type_name}: {message[:SHOWN]}"
    found = (_fits(entry, text, line_text) for entry in ENTRIES)
    return next((message for message in found if message), None) or _broadcast(text)


def mention_pattern(message: str, word: str) -> Message | None:
    """Why an error's message lacks a word: counted from another start, or two things exchanged."""
    numbers = [] if word.isdigit() else re.findall(r"\d+", word)
    for number in numbers:
        for step in (1, -1):
            other = re.sub(rf"\b{number}\b", str(int(number) + step), word)
            if other != word and re.search(rf"(?<!\w){re.escape(other)}(?!\w)", message):
                return Message("pattern.counted", got=other, expected=word)
    turned = " ".join(reversed(word.split()))
    if turned != word and turned in message:
        return Message("pattern.exchanged", got=turned, expected=word)
    return None


def _fits(entry: Entry, text: str, line_text: str) -> Message | None:
    match = re.search(entry.message, text)
    if match is None:
        return None
    data = {name: value for name, value in match.groupdict().items() if value}
    if entry.line and not re.search(entry.line.format(**data), line_text):
        return None
    return Message(f"pattern.{entry.code}", **data)


def _broadcast(text: str) -> Message | None:
    """Two shapes that would fit if one were turned, or had kept its axis."""
    match = SHAPES.search(text)
    if match is None:
        return None
    left, right = (tuple(int(n) for n in found.split(",") if n) for found in match.groups())
    if len(left) > 1 and left == right[::-1]:
        return Message("pattern.operand_turned", left=left, right=right)
    longer, shorter = (left, right) if len(left) > len(right) else (right, left)
    lost = [axis for axis in range(len(longer)) if longer[:axis] + longer[axis + 1 :] == shorter]
    return Message("pattern.axis_lost", longer=longer, shorter=shorter) if lost else None
