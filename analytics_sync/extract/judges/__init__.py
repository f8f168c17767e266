"""Judges of a read: may it end here, is it whole, may it replace a table?

In: the responses and the result of a read.
Out: findings and errors.
"""
