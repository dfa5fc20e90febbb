"""Foreign event logs played through the desk: formats as data, one row one atomic thing, resumable.

>>> from supportkit.replay import built_in_format
>>> built_in_format("bpi2013").columns.ticket
'SR Number'
"""

from supportkit.replay.agreement import Agreement, Flags, PromiseReport, compare_promises
from supportkit.replay.errors import InvalidLogFormat, ReplayError
from supportkit.replay.facts import CATEGORIES, Histories, histories
from supportkit.replay.fold import fold_log
from supportkit.replay.mapping import BUILT_IN, Columns, LogFormat, Meaning, built_in_format
from supportkit.replay.measuring import flow_table
from supportkit.replay.promised import RecordedPromise
from supportkit.replay.report import FirstResolution, Progress, RefusedRow, ReplayReport
from supportkit.replay.run import replay

__all__ = [
    "BUILT_IN",
    "CATEGORIES",
    "Agreement",
    "Columns",
    "FirstResolution",
    "Flags",
    "Histories",
    "InvalidLogFormat",
    "LogFormat",
    "Meaning",
    "Progress",
    "PromiseReport",
    "RecordedPromise",
    "RefusedRow",
    "ReplayError",
    "ReplayReport",
    "built_in_format",
    "compare_promises",
    "flow_table",
    "fold_log",
    "histories",
    "replay",
]
