"""What all tests share."""

from __future__ import annotations

import os

# One BLAS thread: two test workers on two cores must not fight over them.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
