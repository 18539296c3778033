"""The fourth protocol: no acting; a model reads recorded play and is scored on what it expects, step by step.

- `boards`: frozen specifications, by name.
- `record`: their sequences, made afresh from seeds; `freeze`: the fingerprints that they must have.
- `model`: what a model is asked, and what it answers.
- `score`: losses of answers; `reading`: by segments or step by step; `evaluate`: a board read by a model;
  `result`: tables and curves.

References:
    F. Wang et al., arXiv 2502.02869, the comparison of linear-attention models on AnyMDP.
"""
