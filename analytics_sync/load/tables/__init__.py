"""Tables: the real ones, compared with the declaration and fitted to it before a load.

In: declarations, and the tables of a dataset.
Out: tables that take the load exactly, or an error for a resource.
"""
