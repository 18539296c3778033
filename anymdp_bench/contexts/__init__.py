"""Recorded episodes: who recorded them, how, and how they travel.

- `teachers`: the named policies that record.
- `context`: the record itself, `Context`.
- `recorder`: teachers at play.
- `guides`: what a teacher does on one task.
- `learner`: the Q learner that is stopped half way.
- `listener`: the transitions of any agent's run.
- `minari`: data sets for offline RL libraries (extra ``[minari]``).
"""

from anymdp_bench.contexts.context import TAGS, Context, join_rows
from anymdp_bench.contexts.teachers import TEACHERS, Teacher, get_teacher

__all__ = ["TAGS", "TEACHERS", "Context", "Teacher", "get_teacher", "join_rows"]
