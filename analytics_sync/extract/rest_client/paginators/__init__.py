"""Paginators: the next request of a listing, and the signs of more that they do not follow.

In: a response of a listing.
Out: the next request, or the end.
"""
