"""The building of a source: models and defaults put together, and everything checked.

In: the models of a file.
Out: a ``Source``.
"""
