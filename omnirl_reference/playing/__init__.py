"""A model goes in, an agent comes out, and its scores on validation tasks.

- `actor`, `compiled`: the model step by step, in torch and compiled (`step_kernels`, `vector_kernels`).
- `agent`, `draws`, `factories`: the agent of the evaluation, and one for each checkpoint that ships.
- `validation`, `compare`, `export`: what it is worth, beside others; a checkpoint with its figures.
"""
