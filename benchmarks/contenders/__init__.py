"""Contenders: one module for each tool that loads the pages.

Each module has ``prepare(job)``. It returns the function that loads; the clock runs while that
function runs. The function may return figures: numbers by their printed names.

Imports, and all reading whose cost does not depend on the amount of data, belong before the clock:
at the top of the module or in ``prepare``.
"""
