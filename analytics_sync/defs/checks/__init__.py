"""The asset checks: what was loaded is looked at, partition by partition.

In: the declaration, the warehouse and Dagster's history. Out: check results.
"""
