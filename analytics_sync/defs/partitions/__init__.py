"""The partitions of a source: its plan, its windows, and the partitions that are over.

In: a source and its plan. Out: partitions definitions and windows.
"""
