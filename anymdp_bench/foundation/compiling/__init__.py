"""Kernels: functions that numba compiles, or that Python runs while compiling does not pay yet.

`kernel` decorates every function that numba may compile. Compiled code is kept in numba's cache, in a folder
that can be written (`cache`). A kernel that says how much work its arguments mean is interpreted, with equal
results to the last bit (`interpret`), until so much has been done that compiling pays (`choose`). Those who
wait for the compiler are told so, once (`notice`).
"""

from anymdp_bench.foundation.compiling.choose import elements, kernel
from anymdp_bench.foundation.compiling.interpret import interpreted, python_twin

__all__ = ["elements", "interpreted", "kernel", "python_twin"]
