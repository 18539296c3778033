"""What an evaluation leaves behind: plain arrays over cells and points, as tables, and where they come from.

- `record`: cells, points and lived episodes in memory.
- `tables`: the same as parquet files.
- `provenance`: hashes of code, versions, machine.
"""
