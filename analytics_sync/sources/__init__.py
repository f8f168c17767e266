"""The declared APIs that ship: one YAML file each.

In: nothing. Out: the files, which ``catalog/loader.py`` finds here.
"""
