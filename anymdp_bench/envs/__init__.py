"""Environments over tasks: one episode at a time, or batched."""
