"""The console program ``dvd-ros``: one module for each sub-command.

Each module has a docstring, whose first line is its help, and two functions:
``add_arguments(parser)`` and ``run(args) -> int``, the exit status. A module added here is a
sub-command at once (``foo_bar.py`` is ``dvd-ros foo-bar``) and is imported only when called.
"""
