"""The paper's table and some of its comparisons, each from one command.

- `compact`: a finished run in two small files that are kept under version control.
- `runs`: the kept result of an agent on a board, or a new run.
- `table`: all rows beside the paper's figures.
- `efficiency`: score against environment steps, and steps to shares of the oracle's score.
- `difficulty`: AnyMDP against Garnet and against AnyMDP without composite reward.
- `laws`: sorted stationary laws of AnyMDP and Garnet.
- `figures`, `document`: learning curves, and the generated parts of a document.
"""
