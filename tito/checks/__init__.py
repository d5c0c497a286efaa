"""What graded test cells are written with. Cheap to import: every notebook does.

* ``check``: the assertions.
* ``probe``: marks a function of a test cell that must run beside the learner's code.
"""

import sys

from tito.checks.check import Check, check, probe
from tito.checks.failed import CheckFailed

__all__ = ["Check", "CheckFailed", "check", "probe"]

if "IPython" in sys.modules:
    from tito.checks.notebook import watch

    watch()
