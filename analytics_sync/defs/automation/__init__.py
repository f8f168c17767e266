"""The automation: which runs start without a person.

In: the plan of a source and Dagster's history. Out: jobs, schedules, sensors and automation conditions.
"""
