"""How a failure is shown: one panel for the terminal, the notebook and the report file."""

from tito.report.page import as_html
from tito.report.panel import Panel, Row, failure_panel
from tito.report.plain import as_text

__all__ = ["Panel", "Row", "as_html", "as_text", "failure_panel"]
