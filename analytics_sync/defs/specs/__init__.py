"""The specs of the assets: all that the UI shows before the first run.

In: the declarations. Out: ``AssetSpec`` objects.
"""
