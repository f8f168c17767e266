"""The files of a catalog: their text as plain data, with line numbers for messages.

In: a file.
Out: its data, or an error with file and line.
"""
