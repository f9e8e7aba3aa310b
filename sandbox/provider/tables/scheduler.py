"""EventBridge Scheduler: groups of schedules, and schedules."""

from sandbox.provider.model import Autoname, ResourceType, arn, call, template
from sandbox.provider.tables import references, rules
from sandbox.provider.tables.helpers import tagging

_NAME = rules.matches(r"[0-9A-Za-z_.-]{1,64}", "at most 64 letters, digits, hyphens, underscores and periods")
_FIELD = r"[0-9A-Z*?,/#-]+"
_EXPRESSION = rules.matches(
    rf"cron\({_FIELD}( {_FIELD}){{5}}\)|rate\([1-9][0-9]* (minute|hour|day)s?\)|at\([0-9T:-]{{19}}\)",
    "cron(...) with six fields, rate(...) or at(yyyy-mm-ddThh:mm:ss)",
)

_GROUP = ResourceType(
    token="aws:scheduler/scheduleGroup:ScheduleGroup",
    service="scheduler",
    create="create_schedule_group",
    id=template("{name}"),
    tagging=tagging("tag_resource untag_resource list_tags_for_resource", ResourceArn="arn"),
    read=call("get_schedule_group", Name="id"),
    delete=call("delete_schedule_group", Name="id"),
    replace="name",
    autoname=Autoname("name", 64),
    rules={"name": _NAME},
)

_SCHEDULE = ResourceType(
    token="aws:scheduler/schedule:Schedule",
    service="scheduler",
    create="create_schedule",
    id=template("{groupName}/{name}"),
    attributes={"arn": arn("scheduler", "schedule/{groupName}/{name}")},
    read=call("get_schedule", GroupName="groupName", Name="name"),
    # The emulator reports neither.
    write_only="actionAfterCompletion",
    absent_outputs="endDate startDate kmsKeyArn",
    update=call("update_schedule", GroupName="groupName", Name="name"),
    replaces_all=True,
    delete=call("delete_schedule", GroupName="groupName", Name="name"),
    replace="groupName name",
    autoname=Autoname("name", 64),
    defaults={
        "actionAfterCompletion": "NONE",
        "groupName": "default",
        "scheduleExpressionTimezone": "UTC",
        "state": "ENABLED",
    },
    rules={"name": _NAME, "scheduleExpression": _EXPRESSION, "target.input": rules.json_document},
    references={"target.roleArn": references.ROLE},
)

TYPES = (_GROUP, _SCHEDULE)
