"""The memory of a dataset: from where its rows came, and which windows were loaded.

In: loads.
Out: refusals and findings, when the warehouse and Dagster do not agree.
"""
