"""The text of the error that stands where a learner's code is still to be written."""

import re

TEMPLATE = "Exercise {exercise} ({label}) is not solved yet."
PATTERN = re.compile(r"Exercise (\w+) \(Module .*\) is not solved yet")
