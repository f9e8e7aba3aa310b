"""What would have woken whom: the alarms of a deployed stack, evaluated as CloudWatch's documentation describes it.

`python -m replay` (`make replay`) reads what `pulumi stack export` wrote and a file of metric values, and prints each
state change of an alarm and who is told of it. It asks AWS nothing.

Where the documentation leaves something open, these are the readings, each beside its code: how many data points are
retrieved beyond the evaluation periods, the state while there are few data points and all of them are breaching, the
method of percentiles and what few samples are, FILL of a silent metric, and which actions follow a mute window.
CloudWatch receives metrics with a delay of its own, which is not modelled: what a minute held is known when it ends.
"""

from replay.series import Series, SeriesError, read_series
from replay.stack import Stack, StateError, read_stack
from replay.timeline import Event, Outcome, Replay

__all__ = [
    "Event",
    "Outcome",
    "Replay",
    "Series",
    "SeriesError",
    "Stack",
    "StateError",
    "read_series",
    "read_stack",
]
