"""The leaderboards as static pages: built from the standings, served by anything, or opened as files.

Pages are complete without scripts; scripts add sorting, filters and charts, and load an agent's curve when it
is chosen. Every text of a submission is escaped by the templates.
"""
