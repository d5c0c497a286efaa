"""What the answer to a question of TinyTalks must be, computed from the question alone."""

from __future__ import annotations

import datetime
import itertools
import math
import re
from collections.abc import Callable

FACTORS = {
    "hours": {"minutes": 60}, "minutes": {"seconds": 60}, "days": {"hours": 24},
    "kilograms": {"grams": 1000}, "tonnes": {"kilograms": 1000}, "litres": {"millilitres": 1000},
    "kilometres": {"metres": 1000}, "metres": {"centimetres": 100},
    "centimetres": {"millimetres": 10},
}  # fmt: skip
SIDES = {"triangle": 3, "hexagon": 6, "octagon": 8}
DAYS = [f"{datetime.date(2024, 1, day):%A}" for day in range(1, 8)]  # from a Monday
LEGS, WHEELS = {"dogs": 4}, {"cars": 4}


def is_prime(n: int) -> bool:
    return n > 1 and all(n % d for d in range(2, n))


def primality(n: int) -> str:
    if is_prime(n):
        return f"Yes, {n} is prime."
    divisor = next(d for d in range(2, n) if n % d == 0)
    return f"No, {n} is {divisor} times {n // divisor}."


def parity(n: int, asked: str) -> str:
    found = "odd" if n % 2 else "even"
    return f"{'Yes' if found == asked else 'No'}, {n} is {found}."


def exact(numerator: int, denominator: int) -> int:
    quotient, rest = divmod(numerator, denominator)
    assert rest == 0, f"{numerator} / {denominator} is no whole number"
    return quotient


def root(n: int) -> int:
    assert math.isqrt(n) ** 2 == n
    return math.isqrt(n)


def day(name: str, later: int) -> str:
    return DAYS[(DAYS.index(name) + later) % 7]


def units(small: str, n: int, large: str) -> str:
    return f"{n} {large} are {n * FACTORS[large][small]} {small}."


Rule = tuple[str, Callable[..., str]]
SMALL = {"two": 2, "three": 3, "five": 5}

ARITHMETIC: list[Rule] = [
    (r"What is (#) plus (#)\?", lambda a, b: f"{a} plus {b} is {a + b}."),
    (r"What is (#) minus (#)\?", lambda a, b: f"{a} minus {b} is {a - b}."),
    (r"What is (#) times (#)\?", lambda a, b: f"{a} times {b} is {a * b}."),
    (r"What is (#) divided by (#)\?", lambda a, b: f"{a} divided by {b} is {exact(a, b)}."),
    (r"What is half of (#)\?", lambda a: f"Half of {a} is {exact(a, 2)}."),
    (r"What is a quarter of (#)\?", lambda a: f"A quarter of {a} is {exact(a, 4)}."),
    (r"What is double (#)\?", lambda a: f"Double {a} is {a + a}."),
    (r"What is (#) squared\?", lambda a: f"{a} squared is {a * a}."),
    (r"What is the square root of (#)\?", lambda a: f"The square root of {a} is {root(a)}."),
    (r"What is (#) to the power of (#)\?", lambda a, b: f"{a} to the power of {b} is {a**b}."),
    (r"What is (#) percent of (#)\?", lambda a, b: f"{a} percent of {b} is {exact(a * b, 100)}."),
    (
        r"What is the sum of (#), (#) and (#)\?",
        lambda a, b, c: f"The sum of {a}, {b} and {c} is {a + b + c}.",
    ),
    (
        r"What is the mean of (#) and (#)\?",
        lambda a, b: f"The mean of {a} and {b} is {exact(a + b, 2)}.",
    ),
    (
        r"Which is larger, (#) or (#)\?",
        lambda a, b: f"{max(a, b)} is larger than {min(a, b)}.",
    ),
    (
        r"Which is smaller, (#) or (#)\?",
        lambda a, b: f"{min(a, b)} is smaller than {max(a, b)}.",
    ),
    (r"Is (#) an (even|odd) number\?", parity),
    (r"Is (#) a prime number\?", primality),
    (r"Which number comes after (#)\?", lambda a: f"{a + 1} comes after {a}."),
    (r"Which number comes before (#)\?", lambda a: f"{a - 1} comes before {a}."),
    (r"Round (#) to the nearest ten\.", lambda a: f"{a} rounds to {10 * ((a + 5) // 10)}."),
    (r"What is the remainder of (#) divided by (#)\?", lambda a, b: f"The remainder is {a % b}."),
    (r"How many sides does an? (\w+) have\?", lambda s: f"{article(s)} has {SIDES[s]} sides."),
    (r"How many degrees are in a right angle\?", lambda: "A right angle has 90 degrees."),
    (r"How many degrees are in a full circle\?", lambda: "A full circle has 360 degrees."),
    (r"How long is the way around a square with side (#)\?", lambda a: f"It is {4 * a} long."),
    (r"What is the area of a rectangle (#) by (#)\?", lambda a, b: f"The area is {a * b}."),
    (r"How many (\w+) are in (#) (\w+)\?", units),
    (
        r"I have (#) apples and buy (#) more\. How many do I have\?",
        lambda a, b: f"You have {a + b} apples.",
    ),
    (
        r"I have (#) coins and spend (#)\. How many are left\?",
        lambda a, b: f"{a - b} coins are left.",
    ),
    (
        r"One box holds (#) eggs\. How many do (#) boxes hold\?",
        lambda a, b: f"{b} boxes hold {a * b} eggs.",
    ),
    (
        r"I share (#) sweets among (#) children\. How many has each\?",
        lambda a, b: f"Each child has {exact(a, b)} sweets.",
    ),
]

REASONING: list[Rule] = [
    (r"What comes next: (\d[\d, ]+)\?", lambda row: f"{following(row)} comes next."),
    (
        r"What comes next: ([A-Z, ]+)\?",
        lambda row: f"{chr(following([*map(ord, row.split(', '))]))} comes next.",
    ),
    (
        r"Today is (\w+)\. What day is it in (#|three) days\?",
        lambda d, n: f"It is {day(d, SMALL.get(n, n))} in {n} days.",
    ),
    (r"Yesterday was (\w+)\. What day is today\?", lambda d: f"Today is {day(d, 1)}."),
    (r"Tomorrow is (\w+)\. What day is today\?", lambda d: f"Today is {day(d, -1)}."),
    (
        r"It is (#) o'clock\. What time is it in (#) hours\?",
        lambda a, b: f"It is {(a + b - 1) % 12 + 1} o'clock.",
    ),
    (
        r"It is (#) o'clock\. What time was it (#) hours ago\?",
        lambda a, b: f"It was {a - b} o'clock.",
    ),
    (
        r"A film starts at (#) and lasts (#) hours\. When does it end\?",
        lambda a, b: f"It ends at {a + b}.",
    ),
    (
        r"A train travels (#) km in (#) hours\. How fast is it\?",
        lambda a, b: f"It travels {exact(a, b)} km an hour.",
    ),
    (
        r"A car drives (#) km in an hour\. How far does it drive in (#) hours\?",
        lambda a, b: f"It drives {a * b} km.",
    ),
    (
        r"A bike goes (#) km in an hour\. How long does it take for (#) km\?",
        lambda a, b: f"It takes {exact(b, a)} hours.",
    ),
    (
        r"One pen costs (#) coins\. What do (#) pens cost\?",
        lambda a, b: f"They cost {a * b} coins.",
    ),
    (
        r"Three cups cost (#) coins\. What does one cup cost\?",
        lambda a: f"One cup costs {exact(a, 3)} coins.",
    ),
    (
        r"I pay (#) coins for a book of (#) coins\. What do I get back\?",
        lambda a, b: f"You get back {a - b} coins.",
    ),
    (
        r"\w+ is (#) years old\. How old will he be in (#) years\?",
        lambda a, b: f"He will be {a + b} years old.",
    ),
    (
        r"\w+ is (#)\. Her brother is (#) years younger\. How old is he\?",
        lambda a, b: f"He is {a - b} years old.",
    ),
    (
        r"A father is (#)\. His son is half as old\. How old is the son\?",
        lambda a: f"The son is {exact(a, 2)} years old.",
    ),
    (
        r"(\w+) is (#) years old\. How old is \w+ in (#) years\?",
        lambda who, a, b: f"{who} will be {a + b} years old.",
    ),
    (r"How many wheels do (#) (\w+) have\?", lambda n, k: f"{n} {k} have {n * WHEELS[k]} wheels."),
    (r"How many legs do (#) (\w+) have\?", lambda n, k: f"{n} {k} have {n * LEGS[k]} legs."),
    (
        r"How many letters does the word (\w+) have\?",
        lambda w: f"The word {w} has {len(w)} letters.",
    ),
    (
        r"What is the first letter of the word (\w+)\?",
        lambda w: f"The first letter is {w[0].upper()}.",
    ),
    (r"What is the word (\w+) spelled backwards\?", lambda w: f"It is {w[::-1]}."),
    (
        r"(\w+) is (\w+) than (\w+)\. \3 is \2 than (\w+)\. Who is the (\w+)\?",
        lambda a, more, b, c, which: (
            f"{a if which == more.removesuffix('er') + 'est' else c} is the {which}."
        ),
    ),
]


def article(noun: str) -> str:
    return f"{'An' if noun[0] in 'aeiou' else 'A'} {noun}"


def following(row: str | list[int]) -> int:
    """The next of a row by the simplest law that all of it obeys."""
    numbers = [int(n) for n in row.split(",")] if isinstance(row, str) else row
    steps = [b - a for a, b in itertools.pairwise(numbers)]
    if len(set(steps)) == 1:
        return numbers[-1] + steps[0]
    if all(b * numbers[0] == a * numbers[1] for a, b in itertools.pairwise(numbers)):
        return numbers[-1] * numbers[1] // numbers[0]
    if all(a + b == c for a, b, c in zip(numbers, numbers[1:], numbers[2:], strict=False)):
        return numbers[-1] + numbers[-2]
    growth = {b - a for a, b in itertools.pairwise(steps)}
    assert len(growth) == 1, f"no law for {numbers}"
    return numbers[-1] + steps[-1] + growth.pop()


def computed(question: str, rules: list[Rule]) -> list[str]:
    """The answers of all rules that the question fits; [] where it can only be known."""
    found = []
    for pattern, answer in rules:
        match = re.fullmatch(pattern.replace("#", r"\d+"), question)
        if match:
            values = [int(v) if v.isdecimal() else v for v in match.groups()]
            found.append(answer(*values))
    return found
