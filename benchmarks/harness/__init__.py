"""The harness of the suites: contenders in processes, and their figures as tables and plots."""
