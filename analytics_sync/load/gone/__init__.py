"""Rows that are gone: which rows a read speaks for, and which of them the API does not list any more.

In: the result of a read, and the rows of its table.
Out: marks of deletion, removed rows, and findings where nobody can know.
"""
