"""Evidence: what responses show against the declaration or against completeness.

In: responses, records and rows of a read.
Out: findings, each of which fails a check.
"""
