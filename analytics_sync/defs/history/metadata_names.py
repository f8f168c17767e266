"""Names in the metadata of a materialization that other modules read.

In: nothing. Out: names. Definitions load without the modules that write the values.
"""

RUN = "run_"
"""The begin of the name of a number that belongs to a run of several partitions, and to no partition."""
ROWS = "rows_loaded"
PARTITION_ROWS = "dagster/partition_row_count"
TABLE_ROWS = "dagster/row_count"
ESTIMATED_TABLE_ROWS = "table_rows_estimated"
NEWEST_CURSOR = "newest_cursor"
FINDINGS = "findings"
READING_BEGAN = "reading_began"
"""The moment before the first request of a run, or of the oldest kept page."""
