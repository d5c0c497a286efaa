"""A panel as HTML that needs nothing else: no script, no style sheet, readable on light and dark.

The words carry the meaning; colours come from the page, and one coloured edge only repeats it.
"""

from __future__ import annotations

import html
import re

from tito.report.panel import Panel, Row

SECTION = (
    "border-left:4px solid #c77700;padding:4px 0 4px 14px;margin:4px 0;max-width:62em;"
    "font-size:14px;line-height:1.45"
)
TITLE = "margin:0 0 2px;font-weight:600"
LEAD = "margin:0 0 6px"
TABLE = "border-collapse:collapse;border:0;margin:0;font-size:inherit;color:inherit"
ROW = "background:none;border:0"
LABEL = (
    "text-align:left;vertical-align:top;border:0;padding:2px 16px 2px 0;white-space:nowrap;"
    "font-size:12px;font-weight:600;letter-spacing:.04em;opacity:.75"
)
TEXT = "text-align:left;vertical-align:top;border:0;padding:2px 0;max-width:none"
CODE = f"{TEXT};white-space:pre-wrap;overflow-wrap:anywhere;font-family:ui-monospace,monospace"
QUOTED = re.compile(r"`([^`]+)`")


def as_html(panel: Panel) -> str:
    """The panel as one ``<section>``; every text in it is escaped."""
    title = html.escape(panel.title)
    heading = f'<p style="{TITLE}">{title}</p>' if title else ""
    rows = "".join(_row(row) for row in panel.rows)
    return (
        f'<section aria-label="{html.escape(panel.title or panel.lead)}" style="{SECTION}">'
        f'{heading}<p style="{LEAD}">{_prose(panel.lead)}</p>'
        f'<table style="{TABLE}"><tbody>{rows}</tbody></table></section>'
    )


def _row(row: Row) -> str:
    text = html.escape(row.text) if row.is_code else _prose(row.text)
    return (
        f'<tr style="{ROW}"><th scope="row" style="{LABEL}">{html.escape(row.label)}</th>'
        f'<td style="{CODE if row.is_code else TEXT}">{text}</td></tr>'
    )


def _prose(text: str) -> str:
    """Text for reading: escaped, with `quoted` code set as code."""
    return QUOTED.sub(r"<code>\1</code>", html.escape(text)).replace("\n", "<br>")
