"""The messages: every value comes back as it went, and nonsense is refused."""

from __future__ import annotations

import contextlib
import json
import math
from collections import Counter, OrderedDict, defaultdict, namedtuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tito.sandbox.protocol import (
    HEADER,
    MAX_ARRAY,
    MAX_BYTES,
    MAX_ITEMS,
    MAX_JSON,
    MAX_RANGE,
    Budget,
    Encoder,
    Malformed,
    TooLarge,
    parse,
)

Point = namedtuple("Point", "x y")


def roundtrip(value):
    encoder = Encoder()
    frame = encoder.frame(encoder.value(value))
    text, body = HEADER.unpack(frame[: HEADER.size])
    assert len(frame) == HEADER.size + text + body
    start = HEADER.size + text
    return parse(
        frame[HEADER.size : start], frame[start:], lambda handle: ("handle", handle), Budget()
    )


def same(a, b):
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return len(a) == len(b) and all(
            same(x, y) for x, y in zip(a.items(), b.items(), strict=True)
        )
    return a == b or (a != a and b != b)


atoms = st.none() | st.booleans() | st.integers(-(2**300), 2**300) | st.floats() | st.text()
keys = st.booleans() | st.integers() | st.text() | st.tuples(st.integers(), st.text())
arrays = hnp.arrays(
    st.sampled_from(["bool", "int8", "uint8", "int16", "int64", "float16", "float32", "float64"]),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
)
values = st.recursive(
    atoms | arrays | st.binary(),
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(keys, inner),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(values)
def test_values_come_back_as_they_went(value):
    assert same(roundtrip(value), value)


@pytest.mark.parametrize(
    "value",
    [
        slice(None, 3, -1),
        slice(0, None),
        ...,
        range(2, 9, 3),
        {1, 2},
        frozenset("a"),
        np.dtype("float32"),
        np.float32,
        int,
        ValueError,
        np.float32(0.1),
        np.bool_(True),
        np.int8(-3),
        -0.0,
        2 - 1j,
        math.inf,
        "\ud800",
        (slice(1), None, np.array([1, 2])),
    ],
    ids=repr,
)
def test_special_values(value):
    assert same(roundtrip(value), value)


def test_relatives_of_dict_and_tuple_become_plain():
    for kind in (Counter, OrderedDict):
        assert same(roundtrip(kind({"a": 1})), {"a": 1})
    assert same(roundtrip(defaultdict(int, {"a": 1})), {"a": 1})
    assert same(roundtrip(Point(1, 2)), (1, 2))


def test_array_relatives_become_plain():
    strange = [
        np.arange(6.0).reshape(2, 3).T,
        np.arange(9)[::2],
        np.arange(3, dtype=">f4"),
        np.ma.masked_array([1.0, 2.0]),
    ]
    for array in strange:
        back = roundtrip(array)
        assert type(back) is np.ndarray and back.flags.writeable and back.dtype.isnative
        assert np.array_equal(back, np.asarray(array))


@pytest.mark.parametrize(
    "value",
    [object(), lambda: 0, np.array([None]), np.array("text"), np.complex64(1j), 10**3000, open],
)
def test_other_objects_need_a_reference(value):
    with pytest.raises(TypeError, match="cannot cross"):
        roundtrip(value)


def test_too_large_values_are_refused():
    for value in (np.broadcast_to(np.float32(1), (MAX_ARRAY,)), [0] * (MAX_ITEMS + 1)):
        with pytest.raises(TooLarge):
            roundtrip(value)


NONSENSE = [
    b"",
    b"{",
    b"\xff",
    b"[" * 100_000,
    b"1" * 5000,
    b"{}",
    b'{"v":1,"t":[]}',
    b'{"q":1}',
    b'{"t":3}',
    b'{"t":null}',
    b'{"d":[1]}',
    b'{"d":[[],1]}',
    b'{"s":[[]]}',
    b'{"a":["float32",[2],0]}',
    b'{"a":["float32",[-1],0]}',
    b'{"a":["float32",[1],-4]}',
    b'{"a":["float32",[99999999999,99999999999],0]}',
    b'{"a":["object",[1],0]}',
    b'{"a":["O",[1],0]}',
    b'{"a":[["float32"],[1],0]}',
    b'{"a":["float32","x",0]}',
    b'{"a":["float32",[1]]}',
    b'{"n":["float64",99]}',
    b'{"n":["V8",0]}',
    b'{"b":["a",1]}',
    b'{"l":[1,2,3,4]}',
    b'{"r":[1,2,0]}',
    b'{"y":"object"}',
    b'{"y":{}}',
    b'{"c":"os.system"}',
    b'{"c":"builtins.eval"}',
    b'{"h":5}',
]


@pytest.mark.parametrize("text", NONSENSE, ids=lambda text: text[:40].decode("latin-1"))
def test_nonsense_is_malformed(text):
    with pytest.raises(Malformed):
        parse(text, b"\0" * 4, {}.__getitem__, Budget())


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from("tdsanblrzeychx"), inner),
)


@settings(max_examples=300, deadline=None)
@given(json_like, st.binary(max_size=16))
def test_any_json_is_a_value_or_malformed(form, body):
    with contextlib.suppress(Malformed):
        parse(json.dumps(form).encode(), body, {}.__getitem__, Budget())


def refused(text, body=b"", budget=None):
    with pytest.raises(Malformed):
        parse(text, body, {}.__getitem__, budget or Budget())


def test_references_to_the_same_bytes_count_each_time():
    array = b'{"a":["uint8",[%d],0]}' % (16 << 20)
    refused(b"[" + b",".join([array] * 16) + b"]", bytes(16 << 20))


def test_bytes_without_bytes_count_too():
    refused(b'{"a":["float64",[%d],0]}' % (MAX_BYTES // 8 + 1))
    refused(b'{"a":["float64",[1099511627776,1099511627776],0]}')


def test_items_count_over_all_lists():
    inner = b"[" + b",".join([b"1"] * 1000) + b"]"
    refused(b"[" + b",".join([inner] * (MAX_ITEMS // 1000 + 1)) + b"]")
    refused(b"[" + b"[],[[]]," * (MAX_JSON // 10) + b"1]")


def test_ranges_count_as_what_they_hold():
    refused(b'{"r":[0,20000000,1]}')
    refused(b'{"r":[0,%d,1]}' % 10**30)
    assert roundtrip(range(MAX_RANGE)) == range(MAX_RANGE)
    with pytest.raises(TypeError, match="cannot cross"):
        roundtrip(range(MAX_RANGE + 1))


def test_colliding_hashes_are_refused():
    modulus = (1 << 61) - 1  # integers that differ by it have the same hash
    members = ",".join(str(number * modulus) for number in range(20_000)).encode()
    refused(b'{"s":[' + members + b"]}")
    refused(b'{"z":[' + members + b"]}")
    refused(b'{"d":[' + members + b"]}")
    assert len(roundtrip(set(range(20_000)))) == 20_000


def test_a_life_is_bounded_too():
    budget, array = Budget(), b'{"a":["uint8",[%d],0]}' % (100 << 20)
    budget.life[0] = 250 << 20
    for _ in range(2):
        parse(array, bytes(100 << 20), {}.__getitem__, budget)
    refused(array, bytes(100 << 20), budget)
