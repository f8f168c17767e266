"""The parsers of the commands, one module for each area: what a command is called, takes and returns.

In: nothing. Out: commands of the command line. These modules import no library and no command: help and wrong
usage stay cheap. ``command_line`` puts the areas together. A new command is one call of ``Commands.add`` in the module of
its area. It names the function that runs the command as text, ``package.module:function``; ``analytics_sync.cli``
imports it then.
"""
