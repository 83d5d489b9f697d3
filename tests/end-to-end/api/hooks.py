"""What the description of the API cannot say: which members of a request have to agree with each other."""

import os

import schemathesis


@schemathesis.hook
def before_call(context, case, kwargs):
    """An event is of the company that the address names, and of the record that it carries."""
    event = case.body
    if isinstance(event, dict) and "specversion" in event:
        agree(event, "company", os.environ["COUNTERPART_COMPANY"])
        record = event.get("data")
        if isinstance(record, dict) and is_id(record.get("id")):
            agree(event, "subject", record["id"])


def agree(event, member, value):
    """What is broken on purpose stays so."""
    if is_id(event.get(member)):
        event[member] = value


def is_id(value):
    return isinstance(value, str) and 0 < len(value) <= 200 and value.isprintable()
