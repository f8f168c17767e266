"""Rate limits: when the next request may be sent.

In: the declared limit, and the responses.
Out: times to wait.
"""
