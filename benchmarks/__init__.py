"""What this package costs: beside plain dlt and others over the same pages, and on its own at length.

``python -m benchmarks`` runs every suite. Imports run one way: ``__main__`` -> ``suites`` -> the
suites -> ``plot``, ``table``, ``curve``, ``machine`` -> ``suite`` -> ``measure`` -> ``peers``,
``routes``, ``declared`` -> ``server`` -> ``job`` -> ``records``. The modules in ``ways`` run in
processes of their own and know ``job`` and ``records`` only, because some of them run in a
virtualenv that has neither this project's packages nor each other's.
"""
