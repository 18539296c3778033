"""A submission goes in, its agent plays again, findings come out.

- `verify`: what is found next; `acting`, `reading`: by kinds of entries.
- `replay`: shards played again, to the bit.
- `again`: play with new seeds, on the board's tasks `renamed` and on fresh ones; `comparison`: by how much
  the score fell; `remembered`: whether it did so on a few tasks that were known by heart.
- `findings`: what was found, as lines of a file; `signature`: whose word it is; `verdict`: that of older
  rules.
"""
