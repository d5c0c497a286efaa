"""LaTeX as plain text."""

from __future__ import annotations

import pytest

from tito.report.formulas import plain_formula, without_latex


@pytest.mark.parametrize(
    ("latex", "plain"),
    [
        (r"y = xW + b", "y = xW + b"),
        (r"\sigma(x) = \frac{1}{1 + e^{-x}}", "σ(x) = 1/(1 + e^(-x))"),
        (r"\frac{\partial L}{\partial w} \cdot 2\,\eta", "∂L/∂w · 2 η"),
        (r"\theta \leftarrow \theta - \eta \, \nabla L(\theta)", "θ ← θ - η ∇L(θ)"),
        (r"\sum_{i=1}^{n} x_i^2, \quad \sqrt{1/\text{in}}", "Σ_(i=1)^n x_i^2,   √(1/in)"),
        (r"\tfrac12\Bigl(1 + \tanh u\Bigr)", "1/2 (1 + tanh u)"),
        (r"L_\text{total} \approx a\log q", "L_total ≈ a log q"),
        (r"\hat m \times \unheard{x}", "m̂ × unheardx"),
        (r"\frac{", "()/()"),
        ("a\nb", "a b"),
    ],
)
def test_a_formula(latex, plain):
    assert plain_formula(latex) == plain


def test_formulas_are_taken_out_of_a_text_and_code_is_left_alone():
    text = "So $2\\,x$ is:\n\n$$\\frac a b$$\n\nIt is `$\\eta$`, or:\n\n```\n$ tito $\n```\n"
    shown = without_latex(text, lambda formula: f"<{formula}>")
    assert shown == "So <2 x> is:\n\n<a/b>\n\nIt is `$\\eta$`, or:\n\n```\n$ tito $\n```\n"


def test_prices_are_no_formulas():
    assert without_latex("from $5 to $10 a day") == "from $5 to $10 a day"
