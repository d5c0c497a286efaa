"""General mistakes that show in what came: in the numbers, or in an error.

A pattern is named only when it fits exactly, and when nothing else fits as well. Hints for the
mistakes of one exercise belong to its guidance, and come first.
"""

from tito.checks.patterns.errors import error_pattern, mention_pattern
from tito.checks.patterns.results import numeric_pattern, printed_pattern

__all__ = ["error_pattern", "mention_pattern", "numeric_pattern", "printed_pattern"]
