"""Standings: from checked submissions to rankings and tables.

- `listed`: which boards have a leaderboard.
- `entry`: one submission, scored and summarised.
- `ranking`: the order of entries on a board, with ties.
- `overall`: one board over all rows of the paper's table.
- `load`: everything that lies in the leaderboards' folder.
- `tables`: Markdown and CSV, the same bytes on every machine.
"""
