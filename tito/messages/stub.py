"""The text of the error that stands where a learner's code is still to be written."""

import re

# The second form is that of earlier releases: it stands in notebooks that people have.
PATTERN = re.compile(r"Exercise (\w+) (?:of Module .*,|\(Module .*\)) is not solved yet")


def stub_text(exercise: str, label: str) -> str:
    """What the stub of an exercise says; ``label`` is the module's: "Module 04 (Losses)"."""
    module, _, title = label.removesuffix(")").partition(" (")
    return f"Exercise {exercise} of {module}, {title}, is not solved yet."
