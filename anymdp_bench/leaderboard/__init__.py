"""Results of others go in, read as if hostile; rankings and pages come out.

- `submissions`: from a run folder to a submission, and what must be true of one.
- `verification`: its agent plays again, here and on tasks that it cannot know.
- `standings`: scores, rankings and tables.
- `site`: the same as static pages.
"""
