import os, shlex, subprocess


class Failure(Exception):
    """What ends `sam`, with what its user is told."""


def run(args, folder=None, **env):
    print("Running " + shlex.join(args), flush=True)
    if subprocess.run(args, cwd=folder, env={**os.environ, **env}).returncode != 0:
        raise Failure(f"`{shlex.join(args)}` failed")
