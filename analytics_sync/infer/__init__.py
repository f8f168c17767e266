"""Proposals of declarations: what the answers of an API, a file of answers, or a loaded table show.

In: an address and the name of a resource. Out: a catalog file with a comment at each choice.
What no answer proves is a comment, and no key: a guess that loads wrong rows is worse than none.
"""
