"""Read, check, split and window data: from a file's rows to arrays."""

from unrolled.data.calendar import Step as Step
from unrolled.data.calendar import future_stamps as future_stamps
from unrolled.data.calendar import season_length as season_length
from unrolled.data.calendar import step_of as step_of
from unrolled.data.check import check as check
from unrolled.data.columns import Codes as Codes
from unrolled.data.finding import Finding as Finding
from unrolled.data.order import shuffled as shuffled
from unrolled.data.read import Frame as Frame
from unrolled.data.read import read_frame as read_frame
from unrolled.data.sequences import SequenceSet as SequenceSet
from unrolled.data.sequences import pad as pad
from unrolled.data.sequences import pad_labels as pad_labels
from unrolled.data.sequences import read_sequences as read_sequences
from unrolled.data.series import Roles as Roles
from unrolled.data.series import SeriesSet as SeriesSet
from unrolled.data.series import read_series as read_series
from unrolled.data.split import Split as Split
from unrolled.data.split import split_rows as split_rows
from unrolled.data.stamps import read_stamps as read_stamps
from unrolled.data.windows import Origins as Origins
from unrolled.data.windows import gather as gather
from unrolled.data.windows import origins as origins
