"""Runs MiniStack, the local AWS, with what a Rust bundle deployed by SAM needs from it.

Everything it is told comes by environment (GATEWAY_PORT, BIND_HOST, TMPDIR, ...), set in src/ministack.rs.
It lives as long as its standard input stays open: the process that started it may stop it by closing the pipe,
and if that process dies in whatever way, the pipe closes by itself.
"""

import asyncio
import importlib.metadata
import json
import os
import shutil
import signal
import socketserver
import sys
import threading
import traceback

WRITTEN_FOR = "1.5.33"

if importlib.metadata.version("ministack") != WRITTEN_FOR:
    sys.exit(f"ministack_launcher.py changes MiniStack {WRITTEN_FOR} from inside; read it again for another version")

from ministack import app
from ministack.core import iam_actions, lambda_runtime
from ministack.services import apigateway
from ministack.services.cloudformation import provisioners


def send_at_once():
    """MiniStack answers a function in two writes, headers and body. With Nagle's algorithm the second one waits
    for an acknowledgement that the function's side delays: 40 ms on every invocation."""
    socketserver.StreamRequestHandler.disable_nagle_algorithm = True


def do_not_wait_for_logs():
    """After each invocation MiniStack waits up to 50 ms for a first line of output, for CloudWatch Logs. The
    functions' output is kept whole by `keep_output`, so nothing is lost by not waiting."""
    drain = lambda_runtime.Worker._drain_stderr_bounded

    def drain_what_is_there(self, first_line_wait=0.002, idle_confirm=0.002, hard_cap=0.1):
        return drain(self, first_line_wait, idle_confirm, hard_cap)

    lambda_runtime.Worker._drain_stderr_bounded = drain_what_is_there


def allow_batches_by_their_single_action():
    """AWS has no permissions of their own for SQS's batch calls: sqs:ChangeMessageVisibility allows
    ChangeMessageVisibilityBatch too. MiniStack asks for the call's own name."""
    extract = iam_actions.extract_iam_action

    def extract_as_aws_does(service, *request):
        action = extract(service, *request)
        return action.removesuffix("Batch") if service == "sqs" and action else action

    iam_actions.extract_iam_action = extract_as_aws_does


class CopiedOutput:
    """A function's output, written to a file while MiniStack reads it."""

    def __init__(self, stream, path):
        self.stream = stream
        self.file = open(path, "ab", buffering=0)

    def readline(self):
        line = self.stream.readline()
        self.file.write(line)
        return line

    def close(self):
        self.file.close()
        self.stream.close()


def keep_output():
    """Writes what a function prints to $TMPDIR/<function name>.log, as it is printed."""
    pump = lambda_runtime.ProvidedWorker._pump_output

    def pump_and_keep(self, stream, log_queue):
        path = os.path.join(os.environ["TMPDIR"], f"{self.func_name}.log")
        pump(self, CopiedOutput(stream, path), log_queue)

    lambda_runtime.ProvidedWorker._pump_output = pump_and_keep


def create_routes():
    """AWS::Serverless::HttpApi becomes an AWS::ApiGatewayV2::Api with an OpenAPI Body, which MiniStack stores
    and ignores: the API would have no routes. Here the Body's paths become routes and integrations."""
    handler = provisioners._RESOURCE_HANDLERS["AWS::ApiGatewayV2::Api"]
    create, update = handler["create"], handler["update"]

    def create_with_routes(logical_id, properties, stack):
        body = properties.get("Body") or {}
        result = create(logical_id, {"Name": body.get("info", {}).get("title"), **properties}, stack)
        import_routes(result[0], body)
        return result

    def update_with_routes(physical_id, old, new, stack, logical_id=None):
        result = update(physical_id, old, new, stack, logical_id)
        import_routes(result[0], new.get("Body") or {})
        return result

    handler["create"], handler["update"] = create_with_routes, update_with_routes


def import_routes(api_id, body):
    apigateway._routes[api_id] = {}
    apigateway._integrations[api_id] = {}
    for path, operations in body.get("paths", {}).items():
        for method, operation in operations.items():
            import_route(api_id, path, method, operation["x-amazon-apigateway-integration"])


def import_route(api_id, path, method, integration):
    function_arn = integration["uri"].split("/functions/")[1].rsplit("/invocations", 1)[0]
    integration_id = created(
        apigateway._create_integration(
            api_id,
            {
                "integrationType": "AWS_PROXY",
                "integrationUri": function_arn,
                "payloadFormatVersion": integration["payloadFormatVersion"],
            },
        ),
        "integrationId",
    )
    verb = "ANY" if method == "x-amazon-apigateway-any-method" else method.upper()
    route_key = "$default" if path == "/$default" else f"{verb} {path}"
    created(
        apigateway._create_route(api_id, {"routeKey": route_key, "target": f"integrations/{integration_id}"}),
        "routeId",
    )


def created(response, key):
    status, _, body = response
    if status >= 400:
        raise ValueError(f"MiniStack refused: {body!r}")
    return json.loads(body)[key]


async def serve():
    from hypercorn.asyncio import serve as hypercorn_serve
    from hypercorn.config import Config

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)

    def wait_for_parent():
        sys.stdin.buffer.read()
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=wait_for_parent, daemon=True).start()

    config = Config()
    config.bind = [f"{os.environ['BIND_HOST']}:{os.environ['GATEWAY_PORT']}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 1
    await hypercorn_serve(app.app, config, shutdown_trigger=stop.wait)


def end_group():
    """Ends the functions, which share this process group with nobody else, and this process with them."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    if os.getpgrp() != os.getpid():
        sys.exit("ministack_launcher.py ends its whole process group, so it wants one of its own")
    send_at_once()
    do_not_wait_for_logs()
    allow_batches_by_their_single_action()
    keep_output()
    create_routes()
    try:
        asyncio.run(serve())
        # The process that made the directory may be gone.
        shutil.rmtree(os.environ["TMPDIR"], ignore_errors=True)
    except BaseException:
        traceback.print_exc()
    finally:
        end_group()
