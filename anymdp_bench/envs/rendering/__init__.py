"""What an environment shows: tasks and their last step go in, texts and pictures come out.

- `frame`, `camera`: the last step of an episode, and who keeps it until it is shown.
- `canvas`: Pillow (extra ``[render]``) with smooth edges, and the colours that all pictures share.
- `graph`, `rooms`, `pendulum`: a tabular task's states by value, grid worlds, the pendulum.
- `painters`: which of them a task is drawn by.
- `keys`: keyboards for `gymnasium.utils.play`.
- `tiles`: one picture of a batch.

Pillow is imported, and a task solved, when the first picture is asked for.
"""
