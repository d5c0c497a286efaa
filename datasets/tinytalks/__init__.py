"""TinyTalks: 350 short questions and answers in five levels, and 96 short conversations.

    from datasets.tinytalks import load_tinytalks
    for question, answer in load_tinytalks():
        ...

How they were made, and what they are not: README.md beside this file.
"""

from pathlib import Path

from datasets import DatasetError

HERE = Path(__file__).parent
LEVELS = ("greetings", "general knowledge", "mathematics", "science", "reasoning")
QUESTION, ANSWER, HEADING = "Q: ", "A: ", "# "


def load_tinytalks(level=None, path=HERE / "tinytalks.txt"):
    """Return the 350 pairs `(question, answer)`, in the order of the file.

    Args:
        level: one of LEVELS by name or by number (1 to 5), for its 70 pairs; None for all.
        path: another file in the same form.

    Raises:
        ValueError: there is no such level.
        DatasetError: the file is missing or damaged; the message says how to get it back.
    """
    wanted = LEVELS if level is None else (_level(level),)
    sections = _read(Path(path))
    return [pair for heading, pairs in sections if _topic(heading) in wanted for pair in pairs]


def load_rephrased(path=HERE / "rephrased.txt"):
    """Return 35 pairs: questions of the set in other words, not to be trained on; see above."""
    return load_tinytalks(path=path)


def load_conversations(held_out=False, path=HERE / "conversations.txt"):
    """Return conversations as `(subject, turns)`; `turns` is a list of 3 to 5 `(said, answer)`.

    72 to train on; with `held_out`, 24 others: the same facts, asked for in another order.

    Raises:
        DatasetError: the file is missing or damaged; the message says how to get it back.
    """
    kind = "held out" if held_out else "training"
    sections = [(heading.partition(": "), turns) for heading, turns in _read(Path(path))]
    return [(subject, turns) for (found, _, subject), turns in sections if found == kind]


def _level(level):
    """The name of a level given by name or number."""
    if level in LEVELS:
        return level
    if isinstance(level, int) and not isinstance(level, bool) and 1 <= level <= len(LEVELS):
        return LEVELS[level - 1]
    raise ValueError(f"expected one of {', '.join(LEVELS)} or a number from 1 to 5, not {level!r}")


def _topic(heading):
    """ "level 2: science" → "science"."""
    return heading.partition(": ")[2]


def _read(path):
    """The file as [(heading, [(question, answer), …]), …]; a heading without pairs is a remark."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except FileNotFoundError:
        raise DatasetError(_advice(path, "is missing")) from None
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(_advice(path, f"cannot be read ({error})")) from error
    sections, question = [], None
    for number, line in enumerate(lines, start=1):
        if line.startswith(HEADING) and question is None:
            sections.append((line.removeprefix(HEADING), []))
        elif line.startswith(QUESTION) and question is None and sections:
            question = line.removeprefix(QUESTION)
        elif line.startswith(ANSWER) and question is not None:
            sections[-1][1].append((question, line.removeprefix(ANSWER)))
            question = None
        elif line.strip():
            raise DatasetError(_advice(path, f"is damaged (line {number} is {line[:40]!r})"))
    if question is not None or not any(pairs for _, pairs in sections):
        raise DatasetError(_advice(path, "is damaged (it ends too early)"))
    return [(heading, pairs) for heading, pairs in sections if pairs]


def _advice(path, trouble):
    return (
        f"The TinyTalks file {path} {trouble}.\n"
        "Get it back:\n"
        "    in a learner's workspace: delete the file if it is there, then `tito setup`\n"
        f"    in a clone of TinyTorch: `git checkout -- datasets/tinytalks/{path.name}`"
    )
