"""The subcommand ``analytics-sync lint``: the classic defects of catalog files that load.

In: catalog files. Out: for each defect its line, the reason and a proposal. The rules look at the declaration
only: nothing is requested. A file that does not load is a defect, too.
"""
