"""What holds for all tests: property tests give the same examples each time; BLAS takes one thread.

Test processes run side by side; were each of them to start a thread a processor, small matrices would be
waited for ten times as long as they are computed.
"""

from __future__ import annotations

import os

for variable in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(variable, "1")  # read when numpy is imported, which is after this

from hypothesis import HealthCheck, settings  # noqa: E402

settings.register_profile(
    "steady",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("steady")
