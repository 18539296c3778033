"""An agent's name goes in, an agent that lives in a process of its own comes out.

The evaluation holds tasks, clocks, counters and comparisons; the agent's process is told observations,
rewards and ends, and answers actions. What it sends is raw numbers and short texts of bounded length; nothing
of it is unpickled.

- `messages`: frames on the pipe; `turns`: the layout of one step's numbers.
- `models`, `reader`, `segments`: the same for sequence models: the house's side, theirs, and what is sent.
- `settings`: how an agent is made, and what its life begins with.
- `process`: starting an agent's process, its limits, its end; `worker`: what runs there.
- `remote`: the house's end of such a process; `host`: the stand-in that the protocols play with;
  `trust`: whose agents need no walls.
"""
