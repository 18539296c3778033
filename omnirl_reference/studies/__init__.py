"""Trained models go in, tables and figures of what they can do come out.

- `sequence`: what they expect of recorded play.
- `scaling`: what the number of training tasks does; `command`: the studies as commands.
"""
