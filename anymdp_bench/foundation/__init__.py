"""What every room stands on: errors and checks, seeds and exact arithmetic, safe files, names that load late.

- `errors`: every error that the package raises.
- `checks`: settings outside their legal range are refused in the same words everywhere.
- `seeding`, `exact`: the counter-based generator, and arithmetic that is equal on every processor.
- `compiling`: kernels, compiled by numba or interpreted while compiling does not pay yet.
- `digests`: SHA-256 of what files hold.
- `files`: a file is replaced only by a complete one.
- `registry`: tables of names that load what they name when asked.
- `extras`: optional packages, and the command that installs them.
- `types`: names of array types.
"""
