"""A simulated quarter of ordinary life.

In: a seed. Out: 90 days of a shop's API, its declaration, its machine and its owner, and all that is wrong.
"""
