"""The templates of TinyTalks' larger set: for each level its families of questions.

A family is the list of all pairs `(question, answer)` that one template gives. Facts come from
tables.toml; everything else is computed.
"""

import calendar
import itertools
import tomllib
from pathlib import Path

TABLES = tomllib.loads(Path(__file__).with_name("tables.toml").read_text(encoding="ascii"))
NAMES, DAYS, MONTHS, PLANETS, WORDS = (
    TABLES[name].split() for name in ("names", "days", "months", "planets", "words")
)
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def an(noun):
    """The noun with its article."""
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def yes_or_no(is_so, yes, no):
    return f"Yes, {yes}." if is_so else f"No, {no}."


GREETINGS = {
    "Hello, I am {}.": "Hello {}! It is good to meet you.",
    "My name is {}.": "That is a nice name, {}.",
    "This is my friend {}.": "Hello {}, you are welcome.",
    "{} says hello.": "Please say hello to {}.",
    "Good morning, I am {}.": "Good morning, {}!",
    "Good evening, I am {}.": "Good evening, {}!",
    "It is the birthday of {}.": "Happy birthday to {}!",
    "I am here with {}.": "Welcome, you and {}!",
    "{} passed a test.": "Well done, {}!",
    "{} is ill today.": "Get well soon, {}!",
    "{} is tired.": "Sleep well, {}!",
    "Goodbye from {}.": "Goodbye, {}!",
    "Do you know {}?": "No, but I would like to meet {}.",
}


def greetings():
    for said, answer in GREETINGS.items():
        yield [(said.format(name), answer.format(name)) for name in NAMES]


def knowledge():
    lands = {land: facts.split(", ") for land, facts in TABLES["countries"].items()}
    cities = [city for city, _ in lands.values()]
    yield [
        (f"What is the capital of {land}?", f"The capital of {land} is {city}.")
        for land, (city, _) in lands.items()
    ]
    yield [
        (f"Which country has the capital {city}?", f"{city} is the capital of {land}.")
        for land, (city, _) in lands.items()
    ]
    yield [
        (f"On which continent is {land}?", f"{land} is in {c}.") for land, (_, c) in lands.items()
    ]
    yield [
        (f"In which country is {city}?", f"{city} is in {land}.")
        for land, (city, _) in lands.items()
    ]
    yield [
        (
            f"Is {asked} the capital of {land}?",
            yes_or_no(asked == city, f"it is {city}", f"it is {city}"),
        )
        for number, (land, (city, _)) in enumerate(lands.items())
        for asked in [city if number % 2 else cities[number - 1]]
    ]
    yield [*neighbours("day", DAYS), *neighbours("month", MONTHS), *lengths_of_months()]
    yield [
        (f"Which letter of the alphabet is number {n}?", f"Number {n} is {letter}.")
        for n, letter in enumerate(ALPHABET, 1)
    ]
    yield [
        (f"Which letter comes after {one}?", f"{two} comes after {one}.")
        for one, two in itertools.pairwise(ALPHABET)
    ]
    yield [
        (f"Which letter comes before {two}?", f"{one} comes before {two}.")
        for one, two in itertools.pairwise(ALPHABET)
    ]
    yield [
        (f"What is {an(thing)}?", f"{an(thing).capitalize()} is {an(kind)}.")
        for kind, things in TABLES["things"].items()
        if kind not in ("colour", "metal")
        for thing in things.split()
    ]


def neighbours(kind, names):
    """Before and after, all around."""
    for one, two in zip(names, [*names[1:], names[0]], strict=True):
        yield f"Which {kind} comes after {one}?", f"{two} comes after {one}."
        yield f"Which {kind} comes before {two}?", f"{one} comes before {two}."


def lengths_of_months():
    for number, month in enumerate(MONTHS, 1):
        if month != "February":
            days = calendar.monthrange(2023, number)[1]
            yield f"How many days does {month} have?", f"{month} has {days} days."


def mathematics():
    small, tens = range(2, 31), range(10, 400, 10)
    pairs = list(itertools.permutations(small, 2))
    yield [(f"What is {a} plus {b}?", f"{a} plus {b} is {a + b}.") for a, b in pairs]
    yield [(f"What is {a} minus {b}?", f"{a} minus {b} is {a - b}.") for a, b in pairs if a > b]
    yield [(f"What is {a} times {b}?", f"{a} times {b} is {a * b}.") for a, b in pairs]
    yield [
        (f"What is {a * b} divided by {b}?", f"{a * b} divided by {b} is {a}.") for a, b in pairs
    ]
    yield [
        (f"What is the remainder of {a} divided by {b}?", f"The remainder is {a % b}.")
        for a, b in pairs
        if b < 10 < a
    ]
    yield [
        (f"Which is larger, {a} or {b}?", f"{max(a, b)} is larger than {min(a, b)}.")
        for a, b in pairs
    ]
    yield [
        (f"What is the mean of {a} and {b}?", f"The mean of {a} and {b} is {(a + b) // 2}.")
        for a, b in pairs
        if (a + b) % 2 == 0
    ]
    yield [(f"What is half of {2 * a}?", f"Half of {2 * a} is {a}.") for a in range(1, 200)]
    yield [(f"What is double {a}?", f"Double {a} is {2 * a}.") for a in range(1, 200)]
    yield [(f"What is {a} squared?", f"{a} squared is {a * a}.") for a in range(1, 41)]
    yield [(f"What is 10 percent of {a}?", f"10 percent of {a} is {a // 10}.") for a in tens]
    yield [
        (
            f"Is {a} an even number?",
            yes_or_no(a % 2 == 0, f"{a} is even", f"{a} is odd"),
        )
        for a in range(1, 200)
    ]


def science():
    elements = [(number, *facts.split()) for number, facts in TABLES["elements"].items()]
    yield [
        (f"What is the chemical symbol of {name}?", f"The symbol of {name} is {symbol}.")
        for _, name, symbol in elements
    ]
    yield [
        (f"Which element has the symbol {symbol}?", f"{symbol} is the symbol of {name}.")
        for _, name, symbol in elements
    ]
    yield [
        (f"What is the atomic number of {name}?", f"The atomic number of {name} is {number}.")
        for number, name, _ in elements
    ]
    yield [
        (f"Which element has the atomic number {number}?", f"It is {name}.")
        for number, name, _ in elements
    ]
    animals = [(a, kind) for kind, names in TABLES["animals"].items() for a in names.split()]
    yield [
        (f"What kind of animal is {an(animal)}?", f"{an(animal).capitalize()} is {an(kind)}.")
        for animal, kind in animals
    ]
    yield [
        (
            f"Is {an(animal)} a mammal?",
            yes_or_no(kind == "mammal", "it is one", f"it is {an(kind)}"),
        )
        for animal, kind in animals
    ]
    yield [
        (f"How many {small} are in {n} {large}?", f"{n} {large} are {n * factor} {small}.")
        for units, factor in TABLES["units"].items()
        for large, small in [units.split(" > ")]
        for n in range(2, 31)
    ]
    yield [
        (f"In which state is water at {t} degrees Celsius?", f"At {t} degrees it is {state(t)}.")
        for t in [*range(-40, 0), *range(1, 100), *range(101, 141)]
    ]
    yield [
        (f"Which planet is number {n} from the Sun?", f"Number {n} is {planet}.")
        for n, planet in enumerate(PLANETS, 1)
    ]


def state(temperature):
    """Of water at sea level."""
    return "solid" if temperature < 0 else "liquid" if temperature < 100 else "a gas"


def reasoning():
    threes = list(zip(NAMES, NAMES[7:] + NAMES[:7], NAMES[19:] + NAMES[:19], strict=True))
    for more, most, least in (
        ("taller", "tallest", "shortest"),
        ("older", "oldest", "youngest"),
        ("faster", "fastest", "slowest"),
    ):
        premise = f"{{}} is {more} than {{}}. {{}} is {more} than {{}}. Who is the"
        yield [
            (f"{premise.format(a, b, b, c)} {which}?", f"{who} is the {which}.")
            for a, b, c in threes
            for which, who in ((most, a), (least, c))
        ]
    yield [
        (
            f"What comes next: {row(start + step * n for n in range(4))}?",
            f"{start + 4 * step} comes next.",
        )
        for start in range(1, 13)
        for step in range(1, 11)
    ]
    yield [
        (f"What comes next: {row(a * b**n for n in range(4))}?", f"{a * b**4} comes next.")
        for a in range(1, 8)
        for b in (2, 3)
    ]
    yield [
        (f"It is {now} o'clock. What time is it in {n} hours?", f"It is {now + n} o'clock.")
        for now in range(1, 12)
        for n in range(2, 13 - now)
    ]
    yield [
        (f"Today is {day}. What day is it in {n} days?", f"It is {DAYS[(i + n) % 7]} in {n} days.")
        for i, day in enumerate(DAYS)
        for n in range(2, 14)
    ]
    yield [
        (f"A train travels {v * t} km in {t} hours. How fast is it?", f"It travels {v} km an hour.")
        for v in range(40, 130, 10)
        for t in range(2, 7)
    ]
    yield [
        (
            f"{name} is {age} years old. How old is {name} in {n} years?",
            f"{name} will be {age + n} years old.",
        )
        for i, name in enumerate(NAMES)
        for age, n in [(3 + i % 17, 2 + i % 7)]
    ]
    yield [
        (
            f"All {kind}s are animals. {name} is {an(kind)}. Is {name} an animal?",
            f"Yes, {name} is an animal.",
        )
        for name, kind in zip(
            NAMES, itertools.cycle(["dog", "cat", "horse", "owl", "bee"]), strict=False
        )
    ]
    yield [
        (
            f"How many letters does the word {word} have?",
            f"The word {word} has {len(word)} letters.",
        )
        for word in WORDS
    ]
    yield [
        (f"What is the word {word} spelled backwards?", f"It is {word[::-1]}.") for word in WORDS
    ]
    yield [
        (f"What is the opposite of {one}?", f"The opposite of {one} is {two}.")
        for pair in TABLES["opposites"].items()
        for one, two in (pair, pair[::-1])
    ]


def row(numbers):
    return ", ".join(map(str, numbers))


LEVELS = {
    "greetings": greetings,
    "general knowledge": knowledge,
    "mathematics": mathematics,
    "science": science,
    "reasoning": reasoning,
}
