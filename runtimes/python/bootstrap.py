"""What runs first in a Python execution environment: the twin of runtimes/nodejs/bootstrap.cjs, with the same frames."""
import importlib
import io
import json
import logging
import os
import struct
import sys
import threading
import time
import traceback
from resource import RUSAGE_THREAD, getrusage

FOLDER = "/run/starling"
INIT, INVOKE, VARIABLES = 1, 2, 3
READY, INITIALIZED, INIT_ERROR, RESPONSE, ERROR, LOG = 16, 17, 18, 19, 20, 21

MAX_LOG = 1 << 20

events = os.open(FOLDER + "/events", os.O_RDONLY)
answers = os.open(FOLDER + "/answers", os.O_WRONLY)
pending = b""
writing = threading.RLock()
request_id = None


def send(kind, header="", body=b""):
    head = header.encode()
    frame = memoryview(struct.pack(">IBI", 5 + len(head) + len(body), kind, len(head)) + head + body)
    with writing:
        while frame:
            frame = frame[os.write(answers, frame) :]


def send_log(text):
    data = text.encode("utf-8", "backslashreplace")
    for at in range(0, len(data), MAX_LOG):
        send(LOG, "", data[at : at + MAX_LOG])


def receive():
    """Sleeps until a frame is there."""
    global pending
    while len(pending) < 9:
        pending += read_some()
    length, kind, head = struct.unpack_from(">IBI", pending)
    parts, size = [pending], len(pending)
    while size < 4 + length:
        parts.append(read_some())
        size += len(parts[-1])
    whole = b"".join(parts)
    pending = whole[4 + length :]
    return kind, whole[9 : 9 + head].decode(), whole[9 + head : 4 + length]


def read_some():
    part = os.read(events, 65536)
    if not part:
        os._exit(0)
    return part


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
        # Every line is an event, as of a pipe; print() writes its parts one by one.
        *lines, self._pending = (self._pending + text).split("\n")
        for line in lines:
            if line:
                send_log(line + "\n")
        return len(text)

    def end(self):
        if self._pending:
            send_log(self._pending)
            self._pending = ""


class LambdaFormatter(logging.Formatter):
    converter = time.gmtime

    def format(self, record):
        stamp = "%s.%03dZ" % (time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)), record.msecs)
        text = "[%s]\t%s\t%s\t%s" % (record.levelname, stamp, request_id or "", record.getMessage())
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        return text + "\n"


class JsonFormatter(logging.Formatter):
    standard = set(vars(logging.makeLogRecord({}))) | {"message", "asctime"}

    def format(self, record):
        line = {
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
        }
        if record.exc_info and record.exc_info[0]:
            kind, error, trace = record.exc_info
            line["stackTrace"] = traceback.format_list(traceback.extract_tb(trace))
            line["errorType"] = kind.__name__
            line["errorMessage"] = str(error)
            line["location"] = "%s:%s:%d" % (record.pathname, record.funcName, record.lineno)
        if request_id:
            line["requestId"] = request_id
        line.update((key, value) for key, value in vars(record).items() if key not in self.standard)
        return json.dumps(line, default=str, ensure_ascii=False) + "\n"


LEVELS = {"TRACE": 1, "DEBUG": 10, "INFO": 20, "WARN": 30, "ERROR": 40, "FATAL": 50}
log_format = "Text"


class LambdaHandler(logging.Handler):
    def emit(self, record):
        send_log(self.format(record))


class CognitoIdentity:
    cognito_identity_id = None
    cognito_identity_pool_id = None


# What is the same in the context of every event.
facts = {}


def read_facts():
    for name, variable in (
        ("function_name", "FUNCTION_NAME"),
        ("function_version", "FUNCTION_VERSION"),
        ("memory_limit_in_mb", "FUNCTION_MEMORY_SIZE"),
        ("log_group_name", "LOG_GROUP_NAME"),
        ("log_stream_name", "LOG_STREAM_NAME"),
    ):
        facts[name] = os.environ.get("AWS_LAMBDA_" + variable)


class Context:
    def __init__(self, id, deadline, arn, client):
        self.aws_request_id = id
        self.invoked_function_arn = arn
        self.__dict__.update(facts)
        self.client_context = json.loads(client) if client else None
        self.identity = CognitoIdentity()
        self._deadline = int(deadline)

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
    if log_format == "JSON":
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        facts = {key: body[key] for key in ("errorMessage", "errorType", "requestId", "stackTrace")}
        return send_log(json.dumps({"timestamp": stamp, "log_level": "ERROR", **facts}) + "\n")
    text = "[ERROR] %s: %s" % (body["errorType"], body["errorMessage"])
    if body["stackTrace"]:
        text += "\nTraceback (most recent call last):\n" + "".join(body["stackTrace"])
    send_log(text.rstrip("\n") + "\n")


def default(value):
    if type(value).__name__ == "Decimal":
        return float(value)
    raise TypeError("Object of type %s is not JSON serializable" % type(value).__name__)


# Made once: json.dumps() makes one for each call.
encode = json.JSONEncoder(default=default).encode


def invoke(handler, header, body):
    global request_id
    started = time.perf_counter()
    sleeps = getrusage(RUSAGE_THREAD).ru_nvcsw
    request_id, deadline, arn, trace, *client = header.split("\t")
    os.environ["_X_AMZN_TRACE_ID"] = trace
    try:
        event = json.loads(body) if body else {}
        result = handler(event, Context(request_id, deadline, arn, "\t".join(client)))
        try:
            answer = encode(result).encode()
        except Exception as error:
            raise Fault("Runtime.MarshalError", "Unable to marshal response: %s" % error)
    except SystemExit:
        flush()
        raise
    except BaseException as error:
        body = error_body(error, request_id)
        flush()
        report(body)
        send(ERROR, request_id + "\t" + body["errorType"], json.dumps(body).encode())
    else:
        flush()
        waited = "waited" if getrusage(RUSAGE_THREAD).ru_nvcsw > sleeps else ""
        send(RESPONSE, "%s\t%d\t%s" % (request_id, (time.perf_counter() - started) * 1e6 + 1, waited), answer)


def flush():
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, FrameWriter):
            stream.end()


# What handlers and the AWS SDK load first.
COMMON = "base64 datetime decimal email.message hashlib hmac http.client random re ssl urllib.parse urllib.request uuid"


def warm_up():
    """Loads what most functions load and goes once through the way of a call, so that the first real one finds it warm."""
    if os.environ.pop("STARLING_STEM", "") != "1":
        return  # started for one function that waits for it
    for name in COMMON.split():
        importlib.import_module(name)
    encode(json.loads('{"a": [1, 2.5, null, "b"]}'))
    Context("id", "0", "arn", "").get_remaining_time_in_millis()
    try:
        load_handler("no_such_module.handler")
    except Fault:
        pass


def main():
    global log_format
    sys.stdout, sys.stderr = FrameWriter(1), FrameWriter(2)
    root = logging.getLogger()
    channel = LambdaHandler()
    channel.setFormatter(LambdaFormatter())
    root.addHandler(channel)
    warm_up()
    send(READY)
    kind, _, body = receive()
    if kind == VARIABLES:
        os.environ.update(json.loads(body))
        _, _, body = receive()
    header = json.loads(body)
    read_facts()
    log_format = header.get("logFormat", "Text")
    if log_format == "JSON":
        channel.setFormatter(JsonFormatter())
        root.setLevel(LEVELS.get(os.environ.get("AWS_LAMBDA_LOG_LEVEL", "INFO"), 20))
    os.chdir(header["taskRoot"])
    sys.path[:0] = [header["taskRoot"], "/opt/python/lib/python%d.%d/site-packages" % sys.version_info[:2], "/opt/python"]
    try:
        handler = load_handler(os.environ.get("_HANDLER") or header["handler"])
    except BaseException as error:
        body = error_body(error, None)
        report(body)
        send(INIT_ERROR, body["errorType"], json.dumps(body).encode())
        return
    send(INITIALIZED)
    while True:
        kind, header, body = receive()
        if kind == INVOKE:
            invoke(handler, header, body)


main()
