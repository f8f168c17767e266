"""The conformance suite of destinations: what a destination must do before its kind counts as tested.

In: the settings of a destination, yours or one that the suite makes. Out: passed or failed. Each test has a
dataset of its own there, and drops it. ``docs/destinations.md`` says how to run it.
"""
