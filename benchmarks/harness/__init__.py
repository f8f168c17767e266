"""How a suite measures: processes side by side, their figures, tables and plots."""
