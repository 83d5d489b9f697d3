"""What `local` does with template.yaml: names its functions, and deploys it to the local AWS.

    template.py functions TEMPLATE
        prints [{"id", "binary"}], one for each function
    template.py deploy TEMPLATE STACK < {"endpoint", "region", "access_key", "secret_key",
                                       "parameters": {...}, "executables": {function id: path}}
        prints the stack's outputs
"""

import hashlib
import io
import json
import sys
import time
import zipfile

import boto3
import botocore.config
from botocore.exceptions import ClientError
from samtranslator.yaml_helper import yaml_parse

BUCKET = "deployments"

# Seconds until a message comes back that a function did not finish, as when it was too slow to start on a busy machine.
# AWS asks for six times the function's timeout, which is 60 s; nobody wants to wait that long at a desk.
VISIBILITY_TIMEOUT = 90


def read(path):
    with open(path) as file:
        return yaml_parse(file.read())


def functions_of(template):
    return {id: r for id, r in template["Resources"].items() if r["Type"] == "AWS::Serverless::Function"}


def print_functions(path):
    listed = [
        {"id": id, "binary": f["Metadata"]["BuildProperties"]["Binary"]}
        for id, f in functions_of(read(path)).items()
    ]
    print(json.dumps(listed))


def deploy(path, stack):
    order = json.load(sys.stdin)
    template = read(path)
    s3 = client("s3", order)
    s3.create_bucket(Bucket=BUCKET)
    upload_functions(s3, template, order["executables"])
    hasten_queues(template)
    url = upload_template(s3, template, order["endpoint"])
    deployed = apply(client("cloudformation", order), stack, url, order["parameters"])
    print(json.dumps({o["OutputKey"]: o["OutputValue"] for o in deployed.get("Outputs", [])}))


def client(service, order):
    return boto3.client(
        service,
        endpoint_url=order["endpoint"],
        region_name=order["region"],
        aws_access_key_id=order["access_key"],
        aws_secret_access_key=order["secret_key"],
        config=botocore.config.Config(s3={"addressing_style": "path"}),
    )


def upload_functions(s3, template, executables):
    for id, function in functions_of(template).items():
        archive = zipped(executables[id])
        # Named by its content: an unchanged function is not updated.
        key = f"{id}-{hashlib.sha256(archive).hexdigest()[:16]}.zip"
        s3.put_object(Bucket=BUCKET, Key=key, Body=archive)
        function["Properties"]["CodeUri"] = {"Bucket": BUCKET, "Key": key}


def hasten_queues(template):
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::SQS::Queue" and "VisibilityTimeout" in resource["Properties"]:
            resource["Properties"]["VisibilityTimeout"] = VISIBILITY_TIMEOUT


def upload_template(s3, template, endpoint):
    """As `sam deploy` does: a template in the request itself may have 51,200 bytes, and this one has more."""
    s3.put_object(Bucket=BUCKET, Key="template.json", Body=json.dumps(template).encode())
    return f"{endpoint}/{BUCKET}/template.json"


def zipped(executable):
    """A Lambda archive. Stored, because deflating a debug build takes longer than compiling it."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as file:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o755 << 16
        with open(executable, "rb") as binary:
            file.writestr(entry, binary.read())
    return archive.getvalue()


def apply(cloudformation, stack, template_url, parameters):
    request = {
        "StackName": stack,
        "TemplateURL": template_url,
        "Parameters": [{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()],
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    }
    if exists(cloudformation, stack):
        try:
            cloudformation.update_stack(**request)
        except ClientError as error:
            if "No updates" not in str(error):
                raise
    else:
        cloudformation.create_stack(**request)
    return finished(cloudformation, stack)


def exists(cloudformation, stack):
    try:
        cloudformation.describe_stacks(StackName=stack)
        return True
    except ClientError:
        return False


def finished(cloudformation, stack):
    while True:
        described = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
        status = described["StackStatus"]
        if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            return described
        if not status.endswith("IN_PROGRESS"):
            sys.exit(f"the stack ended as {status}\n{reasons(cloudformation, stack)}")
        time.sleep(0.1)


def reasons(cloudformation, stack):
    events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    return "\n".join(
        f"{e['LogicalResourceId']} ({e['ResourceType']}): {e.get('ResourceStatusReason', '')}"
        for e in reversed(events)
        if e["ResourceStatus"].endswith("FAILED")
    )


if __name__ == "__main__":
    {"functions": print_functions, "deploy": deploy}[sys.argv[1]](*sys.argv[2:])
