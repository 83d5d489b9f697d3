"""What the description of the API cannot say: which members of a request have to agree with each other."""

import os

import schemathesis


@schemathesis.hook
def map_body(context, body):
    """An event is of the company that the address names, and of the record that it carries."""
    if isinstance(body, dict) and "specversion" in body:
        agree(body, "company", os.environ["COUNTERPART_COMPANY"])
        data = body.get("data")
        if isinstance(data, dict) and is_id(data.get("id")):
            agree(body, "subject", data["id"])
    return body


def agree(body, member, value):
    """What is broken on purpose stays so."""
    if is_id(body.get(member)):
        body[member] = value


def is_id(value):
    return isinstance(value, str) and 0 < len(value) <= 64
