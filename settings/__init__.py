"""A stack's configuration as one frozen model. The only package that reads Pulumi's configuration.

Everything wrong with a configuration is reported at once, by key, before any resource is declared: by
`python -m settings --stack <stack>` in a second, and by the program through `settings.engine`. Only that module
imports the engine; nothing here imports an SDK of resources.
"""

from settings.parsing import parse_settings
from settings.problems import InvalidSettings, Problem, report
from settings.stack import PROJECT, AccountSettings, StackSettings
from settings.stack_file import check_file, read_file

__all__ = [
    "PROJECT",
    "AccountSettings",
    "InvalidSettings",
    "Problem",
    "StackSettings",
    "check_file",
    "parse_settings",
    "read_file",
    "report",
]
