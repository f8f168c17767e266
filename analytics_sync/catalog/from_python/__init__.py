"""The reader of Python configurations: dlt's ``rest_api`` in Python -> catalog data; nothing is run.

In: Python source. Out: the sources that it makes, as the plain data of catalog files, each with the
lines of its keys, and with a to-do for each part that only Python could work out.
"""
