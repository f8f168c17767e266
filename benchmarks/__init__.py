"""Benchmarks of this package: beside plain dlt and other tools over the same pages, and on its own.

``python -m benchmarks`` runs every suite. Imports run one way: ``suites`` -> ``harness`` ->
``contenders`` -> ``workload``. A contender runs in a process of its own and imports ``workload``
only, because some contenders run in a virtual environment that lacks this project's packages.
"""
