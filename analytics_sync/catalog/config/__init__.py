"""The models of a catalog file: every key that it may hold, with its type.

In: plain data of a file.
Out: checked models, or the reason why the data is none.
"""
