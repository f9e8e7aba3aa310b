"""What a plan means for the platform: what goes, what interrupts service, what changes; and what needs an approval."""

from review.approvals import ApprovalError, Approvals
from review.drift import drift
from review.plan import STACK_TYPE, Change, Kind, Plan, title_of
from review.renames import renames
from review.report import lines, maintenance, refusal, total

__all__ = [
    "STACK_TYPE",
    "ApprovalError",
    "Approvals",
    "Change",
    "Kind",
    "Plan",
    "drift",
    "lines",
    "maintenance",
    "refusal",
    "renames",
    "title_of",
    "total",
]
