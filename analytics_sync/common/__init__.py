"""Code that every stage shares: windows, errors, redaction, JSON, private folders, memory tuning.

In: no import of another stage. Out: small modules that know neither a source nor a warehouse.
"""
