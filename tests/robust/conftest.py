"""Processes are killed, limited and locked out here in the ways of POSIX."""

import os

POSIX_ONLY = ["test_kills.py", "test_at_once.py", "test_not_recorded.py"]
collect_ignore = POSIX_ONLY if os.name == "nt" else []
