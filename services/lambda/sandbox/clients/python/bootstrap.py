"""The runtime client for Python: asks Lambda's Runtime API for events and calls
the handler with them. It uses the standard library alone and runs with
Python 3.6 and later.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
https://docs.aws.amazon.com/lambda/latest/dg/python-context.html
"""

import importlib
import json
import logging
import os
import socket
import sys
import time
import traceback

API = "/2018-06-01/runtime/"


class Connection:
    """A kept connection to the Runtime API.

    http.client would serve, at several times the cost: its parser of headers is the
    one for mail, and it sends headers and body apart.
    """

    def __init__(self, address):
        host, _, port = address.rpartition(":")
        self.host = address
        self.socket = socket.create_connection((host, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")

    def call(self, method, path, body=b"", headers=()):
        """Sends one request; returns the headers, with lower-case names, and the body."""
        lines = [f"{method} {API}{path} HTTP/1.1", f"Host: {self.host}"]
        lines += [f"{name}: {value}" for name, value in headers]
        if method == "POST":
            lines.append(f"Content-Length: {len(body)}")
        self.socket.sendall("\r\n".join(lines + ["", ""]).encode("utf-8") + body)
        status = self.file.readline()
        if not status:
            sys.exit(0)  # the server has let the sandbox go
        found = {}
        while True:
            line = self.file.readline().strip()
            if not line:
                break
            name, _, value = line.decode("utf-8").partition(":")
            found[name.lower()] = value.strip()
        return found, self.file.read(int(found.get("content-length", 0)))


class Fault(Exception):
    """An error of the function's package, with the type that Lambda gives it."""

    def __init__(self, kind, message, trace=()):
        super().__init__(message)
        self.kind, self.message, self.trace = kind, message, list(trace)


class Identity:
    """The Cognito identity behind the invocation."""

    def __init__(self, raw):
        fields = json.loads(raw) if raw else {}
        self.cognito_identity_id = fields.get("cognitoIdentityId")
        self.cognito_identity_pool_id = fields.get("cognitoIdentityPoolId")


class Client:
    """The client application of a client context."""

    def __init__(self, fields):
        for name in ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name"):
            setattr(self, name, fields.get(name))


class ClientContext:
    """What a mobile application says of itself."""

    def __init__(self, raw):
        fields = json.loads(raw)
        self.custom = fields.get("custom")
        self.env = fields.get("env")
        self.client = Client(fields["client"]) if fields.get("client") else None


class Context:
    """The second argument of a handler."""

    def __init__(self, headers):
        self.aws_request_id = headers["lambda-runtime-aws-request-id"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.invoked_function_arn = headers.get("lambda-runtime-invoked-function-arn", "")
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.identity = Identity(headers.get("lambda-runtime-cognito-identity"))
        raw = headers.get("lambda-runtime-client-context")
        self.client_context = ClientContext(raw) if raw else None
        self._deadline = int(headers.get("lambda-runtime-deadline-ms", 0))

    def get_remaining_time_in_millis(self):
        return max(0, self._deadline - int(time.time() * 1000))

    def log(self, message):
        sys.stdout.write(str(message))


class Formatter(logging.Formatter):
    converter = time.gmtime


class RequestID(logging.Filter):
    """Gives every record the id of the invocation that is running."""

    current = ""

    def filter(self, record):
        record.aws_request_id = RequestID.current
        return True


def set_up_logging():
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(Formatter("[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s", "%Y-%m-%dT%H:%M:%S"))
    handler.addFilter(RequestID())
    logging.getLogger().addHandler(handler)


def load(handler):
    """Finds the handler function: "module.function", "package/module.function"."""
    try:
        module_name, function_name = handler.rsplit(".", 1)
    except ValueError as error:
        raise Fault("Runtime.MalformedHandlerName", f"Bad handler '{handler}': {error}")
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise Fault("Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}")
    except SyntaxError as error:
        trace = [f'  File "{error.filename}" Line {error.lineno}\n    {error.text}']
        raise Fault("Runtime.UserCodeSyntaxError", f"Syntax error in module '{module_name}': {error}", trace)
    try:
        return getattr(module, function_name)
    except AttributeError:
        raise Fault("Runtime.HandlerNotFound", f"Handler '{function_name}' missing on module '{module_name}'")


def describe(error, request_id):
    """The JSON of an error, as Lambda's Python runtime writes it, and the log's text."""
    if isinstance(error, Fault):
        kind, message, trace = error.kind, error.message, error.trace
    else:
        kind, message = type(error).__name__, str(error)
        frames = traceback.extract_tb(error.__traceback__)
        frames = [f for f in frames if f.filename != __file__ and not f.filename.startswith("<frozen importlib")]
        trace = traceback.format_list(frames)
    payload = {"errorMessage": message, "errorType": kind, "requestId": request_id, "stackTrace": trace}
    text = f"[ERROR] {kind}: {message}"
    if trace:
        text += "\nTraceback (most recent call last):\n" + "".join(trace).rstrip("\n")
    return kind, json.dumps(payload).encode("utf-8"), text


def report(api, path, error, request_id):
    kind, payload, text = describe(error, request_id)
    print(text, flush=True)
    headers = [("Content-Type", "application/json"), ("Lambda-Runtime-Function-Error-Type", kind)]
    api.call("POST", path, payload, headers)


def serialize(result):
    try:
        # As AWS does: since 3.12 other letters than ASCII's are sent as they are.
        return json.dumps(result, ensure_ascii=sys.version_info < (3, 12)).encode("utf-8")
    except Exception as error:  # whatever a default, a key or a recursion can raise
        raise Fault("Runtime.MarshalError", f"Unable to marshal response: {error}")


def parse(body):
    try:
        return json.loads(body.decode("utf-8"))
    except ValueError as error:
        raise Fault("Runtime.UnmarshalError", f"Unable to unmarshal input: {error}")


def serve(api, handler):
    while True:
        headers, body = api.call("GET", "invocation/next")
        request_id = headers["lambda-runtime-aws-request-id"]
        RequestID.current = request_id
        os.environ["_X_AMZN_TRACE_ID"] = headers.get("lambda-runtime-trace-id", "")
        path = f"invocation/{request_id}/"
        try:
            payload = serialize(handler(parse(body), Context(headers)))
        except Exception as error:
            report(api, path + "error", error, request_id)
            continue
        sys.stdout.flush()
        api.call("POST", path + "response", payload, [("Content-Type", "application/json")])


def search_path():
    """The code first, then the layers, as in AWS's own runtime."""
    layers = os.environ.pop("VIRGA_LAYERS", "/opt")
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    # The first entry is the directory of this file.
    sys.path[0:1] = [os.environ["LAMBDA_TASK_ROOT"], f"{layers}/python/lib/{version}/site-packages", f"{layers}/python"]


def main():
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8", line_buffering=True)
    search_path()
    set_up_logging()
    api = Connection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    try:
        handler = load(os.environ["_HANDLER"])
    except Exception as error:
        report(api, "init/error", error, "")
        sys.exit(1)
    serve(api, handler)


main()
