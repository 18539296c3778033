"""A submission goes in, its agent plays again, a verdict comes out.

- `verify`: a part played again, and compared; `permutation`: the comparison where bits cannot be equal.
- `fresh`: play on tasks that the agent cannot know.
- `verdict`: what was found, as a file.
"""
