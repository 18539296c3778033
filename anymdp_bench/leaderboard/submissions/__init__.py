"""Submissions to the leaderboards: made from a run, read as if hostile, checked.

- `plain`, `files`, `bounded_json`, `thrift`, `parquet`: reading what strangers wrote.
- `metadata`, `curves`: what a submission consists of.
- `facts`, `checks`: what must be true of it.
- `submission`: one that has passed.
- `signing`, `claims`: whose key has signed what, and which name is whose.
- `submit`: from a run folder to a submission.
"""
