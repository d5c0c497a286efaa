"""What graded test cells are written with. Cheap to import: every notebook does.

* ``check``: the assertions.
* ``probe``: marks a function of a test cell that must run beside the learner's code.
"""

from tito.checks.check import Check, CheckFailed, check, probe

__all__ = ["Check", "CheckFailed", "check", "probe"]
