#!/usr/bin/python3 -ISE
# `aws` in builds: the distribution's CLI, unchanged, without its slow start. The first call starts a server in the build that has
# imported the CLI, and each call is served by a fork of it. A CLI that the build installs itself replaces this file.
import os, socket, sys, time

PATH = "/run/state/aws.sock"
LOCK = "/run/state/aws.lock"
CLI = "/usr/bin/aws"


def plain():
    os.execv(CLI, ["aws", *sys.argv[1:]])


def connect():
    s = socket.socket(socket.AF_UNIX)
    try:
        s.connect(PATH)
        return s
    except OSError:
        s.close()


def start_server():
    """Starts the server unless somebody has; waits for it, since a plain call would take as long."""
    try:
        os.close(os.open(LOCK, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return None  # it is starting, or has failed: go the ordinary way
    except OSError:
        return None
    pid = os.fork()
    if pid == 0:
        os.setsid()
        null = os.open("/dev/null", os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(null, fd)
        os.closerange(3, 256)
        os.execv("/usr/bin/python3", ["python3", "-I", os.path.abspath(__file__), "--serve-starling"])
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        s = connect()
        if s:
            return s
        if os.waitpid(pid, os.WNOHANG)[0]:
            return None
        time.sleep(0.005)


def client():
    s = connect() or start_server()
    if not s:
        plain()
    try:
        cwd = os.getcwd().encode()
    except OSError:
        plain()
    parts = [cwd, str(len(sys.argv) - 1).encode(), *(os.fsencode(a) for a in sys.argv[1:]), *(k + b"=" + v for k, v in os.environb.items())]
    data = b"\0".join(parts)
    socket.send_fds(s, [len(data).to_bytes(4, "big")], [0, 1, 2])
    s.sendall(data)
    code = s.recv(4)  # when the client ends, the call's process gets SIGHUP
    sys.exit(int.from_bytes(code, "big") if code else 255)


def serve():
    import gc, signal, threading
    import awscli.clidriver, awscli.handlers, awscli.customizations.s3.s3handler  # the slow part

    awscli.clidriver.create_clidriver()
    data_path = os.environ["AWS_DATA_PATH"]  # awscli sets it for itself when it is imported
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    s = socket.socket(socket.AF_UNIX)
    s.bind(PATH + ".new")
    s.listen(64)
    os.rename(PATH + ".new", PATH)
    while True:
        c, _ = s.accept()
        if os.fork():
            c.close()
            continue
        s.close()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        head, fds, _, _ = socket.recv_fds(c, 4, 3)
        size = int.from_bytes(head, "big")
        data = b""
        while len(data) < size:
            more = c.recv(65536)
            if not more:
                os._exit(255)
            data += more
        cwd, n, *rest = data.split(b"\0")
        for i, fd in enumerate(fds):
            os.dup2(fd, i)
            os.close(fd)
        os.chdir(cwd)
        os.environb.clear()
        os.environb.update(p.split(b"=", 1) for p in rest[int(n):])
        os.environ["AWS_DATA_PATH"] = os.pathsep.join(filter(None, [os.environ.get("AWS_DATA_PATH"), data_path]))
        sys.argv = ["aws", *(os.fsdecode(a) for a in rest[:int(n)])]
        sys.stdin, sys.stdout, sys.stderr = open(0, closefd=False), open(1, "w", closefd=False), open(2, "w", closefd=False)

        def watch():
            if not c.recv(1):
                os.kill(os.getpid(), signal.SIGHUP)

        threading.Thread(target=watch, daemon=True).start()
        try:
            code = awscli.clidriver.main()
        except SystemExit as e:
            code = e.code if isinstance(e.code, int) else int(bool(e.code))
        except BaseException:
            import traceback

            traceback.print_exc()
            code = 255
        sys.stdout.flush()
        sys.stderr.flush()
        c.sendall((code or 0).to_bytes(4, "big"))
        os._exit(0)


if sys.argv[1:] == ["--serve-starling"]:
    serve()
else:
    client()
