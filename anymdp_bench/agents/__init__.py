"""Who plays: what an agent answers, and by what name it is found.

- `protocol`: the calls of an agent for many tasks, and what it declares about itself.
- `single`: agents written for one task.
- `spaces`: what an agent may ask of the spaces that it is given.
- `registry`: from a name to an agent.
"""
