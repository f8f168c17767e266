"""The ways to load the pages; each module has ``prepare(job)``, which returns the load to time.

A load may return figures, each a number by its name as printed.

Imports, and what is read only once however much is loaded, belong before the clock: at the top of
the module or in ``prepare``.
"""
