"""Extraction: a declared API -> a dlt source that yields typed columns.

In: a ``Source``, the settings, a window. Out: a ``ReadRun`` whose dlt source can be loaded.
"""
