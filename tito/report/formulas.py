r"""Formulas of LaTeX as plain text: ``\frac{a+b}{2}`` becomes ``(a+b)/2``.

Only what teaching texts use is known; of an unknown command its name stays, without the backslash.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable

TOKEN = re.compile(r"\\(?:[A-Za-z]+|.)|\s+|[^\\\s]", re.DOTALL)
WIDE = "\u2003"  # a space that is kept
SIGNS = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "varepsilon": "ε",
    "eta": "η", "theta": "θ", "lambda": "λ", "mu": "μ", "pi": "π", "rho": "ρ", "sigma": "σ",
    "tau": "τ", "phi": "φ", "omega": "ω", "Delta": "Δ", "Phi": "Φ", "Sigma": "Σ", "Omega": "Ω",
    "cdot": " · ", "times": " × ", "approx": " ≈ ", "le": " ≤ ", "leq": " ≤ ", "ge": " ≥ ",
    "geq": " ≥ ", "ne": " ≠ ", "neq": " ≠ ", "in": " ∈ ", "pm": " ± ", "leftarrow": " ← ",
    "rightarrow": " → ", "to": " → ", "odot": " ⊙ ", "mid": " | ", "infty": "∞", "dots": "…",
    "ldots": "…", "cdots": "…", "lVert": "‖", "rVert": "‖", "lvert": "|", "rvert": "|", "top": "T",
    "quad": WIDE, "qquad": WIDE, "\\": WIDE, ",": " ", ";": " ", ":": " ", " ": " ", "!": "",
    "left": "", "right": "", "big": "", "Big": "", "bigl": "", "bigr": "", "Bigl": "", "Bigr": "",
}  # fmt: skip
WRAPPERS = ("text", "mathrm", "mathbf", "operatorname")
PREFIXES = {"nabla": "∇", "partial": "∂", "sum": "Σ", "prod": "Π"}
ACCENTS = {"hat": "\u0302", "bar": "\u0304", "tilde": "\u0303"}
ATOM = re.compile(r"[\d.]+|[∂∇]?[^\W\d_][^\W_\u0302-\u0304]*[\u0302-\u0304]?|[∞'*]|\([^()]*\)")
FORMULA = re.compile(
    r"\$\$(?P<block>.+?)\$\$|(?<![\\$\w])\$(?=\S)(?P<inline>(?:(?!\n\n)[^$])+?)(?<=\S)\$(?!\d)",
    re.DOTALL,
)
CODE = re.compile(
    r"(^(?P<fence>```+|~~~+).*?^(?P=fence)[^\n]*$|(?P<ticks>(?<!`)`+)(?!`).*?(?<!`)(?P=ticks)(?!`))",
    re.MULTILINE | re.DOTALL,
)


def without_latex(text: str, finish: Callable[[str], str] = str) -> str:
    """A text of Markdown with its formulas as plain text; code in it stays as it is.

    ``finish``: what is done to each formula then, such as escaping what Markdown would obey.
    """

    def found(match: re.Match[str]) -> str:
        return finish(plain_formula(match["block"] or match["inline"]))

    parts, end = [], 0
    for code in CODE.finditer(text):
        parts += [FORMULA.sub(found, text[end : code.start()]), code[0]]
        end = code.end()
    return "".join([*parts, FORMULA.sub(found, text[end:])])


def plain_formula(latex: str) -> str:
    """One formula, without its dollar signs, in one line."""
    waiting = deque(token for token in TOKEN.findall(latex) if token != "&")
    said = ""
    while waiting:
        said += _group(waiting)
    said = re.sub(r"[ \n]+", " ", said)
    said = re.sub(r"(?<=\() | (?=[),.])", "", said)
    return re.sub(rf" *{WIDE}[{WIDE} ]*", "   ", said).strip()


def _group(waiting: deque[str]) -> str:
    """All up to the bracket that closes a group."""
    said = ""
    while waiting:
        token = waiting.popleft()
        if token == "}":
            break
        is_word = token[1:].isalpha() and token[1:] not in {*SIGNS, *WRAPPERS}
        said += " " * (is_word and said[-1:].isalnum()) + _said(token, waiting)
    return said


def _said(token: str, waiting: deque[str]) -> str:
    if token == "{":
        return _group(waiting)
    if token in ("^", "_"):
        return token + _operand(waiting)
    return _command(token[1:], waiting) if token.startswith("\\") else token


def _command(name: str, waiting: deque[str]) -> str:
    if name in ("frac", "tfrac", "dfrac"):
        return f"{_operand(waiting)}/{_operand(waiting)} "
    if name in WRAPPERS:
        return _term(waiting)
    if name == "sqrt":
        return f"√{_operand(waiting)}"
    if name in ACCENTS:
        return _term(waiting) + ACCENTS[name]
    if name in PREFIXES:
        _skip_space(waiting)
        return PREFIXES[name]
    before_word = bool(waiting) and (waiting[0].isalnum() or waiting[0].startswith("\\"))
    return SIGNS.get(name, name + " " * (name.isalpha() and before_word))


def _operand(waiting: deque[str]) -> str:
    """The next term, in brackets unless it is a single thing."""
    term = _term(waiting).strip()
    return term if ATOM.fullmatch(term) else f"({term})"


def _term(waiting: deque[str]) -> str:
    _skip_space(waiting)
    return _said(waiting.popleft(), waiting) if waiting else ""


def _skip_space(waiting: deque[str]) -> None:
    while waiting and waiting[0].isspace():
        waiting.popleft()
