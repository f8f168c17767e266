"""What a load costs: this package, plain dlt and others, over the same pages, side by side.

``python -m benchmarks`` runs every suite. Imports run one way: ``__main__`` -> suites ->
``measure``, ``table``, ``plot`` -> ``peers``, ``server`` -> ``job``, ``records``. The modules in
``ways`` run in processes of their own and know ``job`` and ``records`` only, because some of them
run in a virtualenv that has neither this project's packages nor each other's.
"""
