"""The journal: pages of a long read, kept for the next run after a kill.

In: the responses of a read.
Out: the same responses in a later run, as long as this user wrote them.
"""
