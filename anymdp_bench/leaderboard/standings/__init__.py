"""Standings: from checked submissions to rankings and tables.

- `listed`: which boards have a leaderboard.
- `trust`: how far any submission can be trusted; `entry`: an agent's, scored and summarised.
- `readings`: those of sequence models, and their order; `reading_tables`: their tables.
- `ranking`: the order of entries on a board, with ties.
- `overall`: one board over all rows of the paper's table.
- `load`: everything that lies in the leaderboards' folder.
- `cells`, `tables`: Markdown and CSV, the same bytes on every machine.
"""
