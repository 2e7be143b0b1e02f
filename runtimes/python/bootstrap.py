"""What runs first in a Python execution environment: the twin of runtimes/nodejs/bootstrap.mjs, with the same frames."""
import importlib
import io
import json
import logging
import os
import socket
import struct
import sys
import time
import traceback

SOCKET = "/run/starling/runtime.sock"
INIT, INVOKE = 1, 2
READY, INITIALIZED, INIT_ERROR, RESPONSE, ERROR, LOG = 16, 17, 18, 19, 20, 21

connection = socket.socket(socket.AF_UNIX)
request_id = None


def send(kind, header, body=b""):
    head = json.dumps(header).encode()
    connection.sendall(struct.pack(">IBI", 5 + len(head) + len(body), kind, len(head)) + head + body)


def receive_exactly(count):
    parts = []
    while count:
        part = connection.recv(min(count, 1 << 20))
        if not part:
            os._exit(0)
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def receive():
    length, kind, head_length = struct.unpack(">IBI", receive_exactly(9))
    rest = receive_exactly(length - 5)
    return kind, json.loads(rest[:head_length]), rest[head_length:]


class FrameWriter(io.TextIOBase):
    """Output goes the way of the answers, so that it arrives before them and in order."""

    encoding = "utf-8"

    def __init__(self, fd):
        self._fd = fd
        self._pending = ""

    def writable(self):
        return True

    def fileno(self):
        return self._fd

    def write(self, text):
        # A line is one event: print() writes its parts one by one.
        self._pending += text
        lines, newline, rest = self._pending.rpartition("\n")
        if newline:
            self._pending = rest
            send(LOG, {}, (lines + newline).encode("utf-8", "backslashreplace"))
        return len(text)

    def end(self):
        if self._pending:
            send(LOG, {}, self._pending.encode("utf-8", "backslashreplace"))
            self._pending = ""


class LambdaFormatter(logging.Formatter):
    converter = time.gmtime

    def format(self, record):
        stamp = "%s.%03dZ" % (time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)), record.msecs)
        text = "[%s]\t%s\t%s\t%s" % (record.levelname, stamp, request_id or "", record.getMessage())
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        return text + "\n"


class LambdaHandler(logging.Handler):
    def emit(self, record):
        send(LOG, {}, self.format(record).encode("utf-8", "backslashreplace"))


class Context:
    def __init__(self, header):
        self.aws_request_id = header["id"]
        self.invoked_function_arn = header.get("arn")
        self.function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        client = header.get("clientContext")
        self.client_context = json.loads(client) if client else None
        self.identity = type("CognitoIdentity", (), {"cognito_identity_id": None, "cognito_identity_pool_id": None})()
        self._deadline = header["deadline"]

    def get_remaining_time_in_millis(self):
        return max(0, int(self._deadline - time.time() * 1000))

    def log(self, message):
        sys.stdout.write(str(message))


class Fault(Exception):
    def __init__(self, kind, message, stack=()):
        super().__init__(message)
        self.kind = kind
        self.stack = list(stack)


def load_handler(spec):
    try:
        module_name, function_name = spec.rsplit(".", 1)
    except ValueError:
        raise Fault("Runtime.MalformedHandlerName", "Bad handler '%s': not enough values to unpack (expected 2, got 1)" % spec)
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise Fault("Runtime.ImportModuleError", "Unable to import module '%s': %s" % (module_name, error))
    except SyntaxError as error:
        where = ['  File "%s" Line %s\n    %s' % (error.filename, error.lineno, error.text or "")]
        raise Fault("Runtime.UserCodeSyntaxError", "Syntax error in module '%s': %s" % (module_name, error), where)
    try:
        return getattr(module, function_name)
    except AttributeError:
        raise Fault("Runtime.HandlerNotFound", "Handler '%s' missing on module '%s'" % (function_name, module_name))


def error_body(error, id):
    if isinstance(error, Fault):
        return {"errorMessage": str(error), "errorType": error.kind, "requestId": id or "", "stackTrace": error.stack}
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename != __file__ and not f.filename.startswith("<frozen")]
    return {"errorMessage": str(error), "errorType": type(error).__name__, "requestId": id or "", "stackTrace": traceback.format_list(frames)}


def report(body):
    text = "[ERROR] %s: %s" % (body["errorType"], body["errorMessage"])
    if body["stackTrace"]:
        text += "\nTraceback (most recent call last):\n" + "".join(body["stackTrace"])
    send(LOG, {}, (text.rstrip("\n") + "\n").encode("utf-8", "backslashreplace"))


def default(value):
    if type(value).__name__ == "Decimal":
        return float(value)
    raise TypeError("Object of type %s is not JSON serializable" % type(value).__name__)


def invoke(handler, header, body):
    global request_id
    request_id = header["id"]
    os.environ["_X_AMZN_TRACE_ID"] = header.get("traceId") or ""
    try:
        event = json.loads(body) if body else {}
        result = handler(event, Context(header))
        try:
            answer = json.dumps(result, default=default).encode()
        except Exception as error:
            raise Fault("Runtime.MarshalError", "Unable to marshal response: %s" % error)
    except SystemExit:
        flush()
        raise
    except BaseException as error:
        body = error_body(error, request_id)
        flush()
        report(body)
        send(ERROR, {"id": request_id, "type": body["errorType"]}, json.dumps(body).encode())
    else:
        flush()
        send(RESPONSE, {"id": request_id}, answer)


def flush():
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, FrameWriter):
            stream.end()


def main():
    connection.connect(SOCKET)
    sys.stdout, sys.stderr = FrameWriter(1), FrameWriter(2)
    root = logging.getLogger()
    channel = LambdaHandler()
    channel.setFormatter(LambdaFormatter())
    root.addHandler(channel)
    send(READY, {"version": sys.version.split()[0]})
    kind, header, _ = receive()
    os.environ.update(header["env"])
    os.chdir(header["taskRoot"])
    sys.path[:0] = [header["taskRoot"], "/opt/python/lib/python%d.%d/site-packages" % sys.version_info[:2], "/opt/python"]
    try:
        handler = load_handler(header["handler"])
    except BaseException as error:
        body = error_body(error, None)
        report(body)
        send(INIT_ERROR, {"type": body["errorType"]}, json.dumps(body).encode())
        return
    send(INITIALIZED, {})
    while True:
        kind, header, body = receive()
        if kind == INVOKE:
            invoke(handler, header, body)


main()
