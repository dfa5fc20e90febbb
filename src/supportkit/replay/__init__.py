"""Foreign event logs played through the desk: formats as data, one row one atomic thing, resumable.

>>> from supportkit.replay import built_in_format
>>> built_in_format("bpi2013").columns.ticket
'SR Number'
"""

from supportkit.replay.errors import InvalidLogFormat, ReplayError
from supportkit.replay.fold import fold_log
from supportkit.replay.mapping import BUILT_IN, Columns, LogFormat, Meaning, built_in_format
from supportkit.replay.report import FirstResolution, RefusedRow, ReplayReport
from supportkit.replay.run import Progress, replay

__all__ = [
    "BUILT_IN",
    "Columns",
    "FirstResolution",
    "InvalidLogFormat",
    "LogFormat",
    "Meaning",
    "Progress",
    "RefusedRow",
    "ReplayError",
    "ReplayReport",
    "built_in_format",
    "fold_log",
    "replay",
]
