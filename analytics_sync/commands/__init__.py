"""The commands of the command line, one module each.

In: the arguments of a command.
Out: its output and its exit code.
"""
