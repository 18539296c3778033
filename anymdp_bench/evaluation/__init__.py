"""An agent and a board go in, a result comes out.

- `boards`: frozen specifications of evaluations; `paper`: the published figures on the same rows.
- `protocols`: the loop that measures.
- `evaluate`: a board played by an agent; `fan_out`, `progress`: on several processors.
- `sequence`: no acting: recorded play, read by a model.
- `run_folder`: what a run leaves on disk; `result`, `report`, `plots`: what it shows.
- `recording`: the transitions of a run as a context; `agent_check`: whether an agent keeps its promises.
"""
