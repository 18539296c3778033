"""A task: settings or tables go in, an immutable, validated decision process with a fingerprint comes out.

- `protocol`: what may be asked of any task.
- `tables`, `checks`, `task`: the finite one, `TabularTask`.
- `build`: from dense probabilities to a task.
- `archive`, `file`: npz files without pickle.
"""
