"""Windows: the bounds that requests send, their slices, and what to do when an API refuses them.

In: the window of a run, and the declaration.
Out: the parameters of requests.
"""
