# `sam` in builds: AWS's images have the SAM CLI, and buildspecs call it. This one builds functions and layers for Node.js, Python,
# esbuild, Go and make into .aws-sam/build, and hands packaging and deployment to `aws cloudformation`. A SAM CLI that the build
# installs itself takes its place.
import os, sys

from build import build
from deploy import deploy, package, validate
from run import Failure

COMMON = {"template-file": 1, "region": 1, "profile": 1, "config-env": 1, "config-file": 1, "parameter-overrides": 2, "debug": 0, "beta-features": 0, "no-beta-features": 0, "save-params": 0}
SENDING = {"s3-bucket": 1, "s3-prefix": 1, "kms-key-id": 1, "resolve-s3": 0, "no-resolve-s3": 0, "force-upload": 0, "metadata": 1, "no-progressbar": 0, "signing-profiles": 1, "use-json": 0, "image-repository": 1}
# What each command takes: 0 is a switch, 1 has a value, 2 has values up to the next option.
COMMANDS = {
    "build": {**COMMON, "base-dir": 1, "build-dir": 1, "manifest": 1, "exclude": 1, "cache-dir": 1, "build-image": 1, "mount-with": 1, "container-env-var": 1, "docker-network": 1, "use-container": 0, "parallel": 0, "cached": 0, "no-cached": 0, "build-in-source": 0, "no-build-in-source": 0, "skip-pull-image": 0},
    "package": {**COMMON, **SENDING, "output-template-file": 1},
    "deploy": {**COMMON, **SENDING, "stack-name": 1, "capabilities": 2, "tags": 2, "role-arn": 1, "notification-arns": 2, "no-execute-changeset": 0, "fail-on-empty-changeset": 0, "no-fail-on-empty-changeset": 0, "confirm-changeset": 0, "no-confirm-changeset": 0, "disable-rollback": 0, "no-disable-rollback": 0, "on-failure": 1, "max-wait-duration": 1, "guided": 0},
    "validate": {**COMMON, "lint": 0},
}
SHORT = {"-t": "template-file", "-s": "base-dir", "-b": "build-dir", "-m": "manifest", "-x": "exclude", "-u": "use-container", "-p": "parallel", "-c": "cached", "-g": "guided", "--template": "template-file", "--output-template": "output-template-file"}


def main(args):
    if args[:1] in (["--version"], ["--info"]):
        print("SAM CLI of Starling's builds: " + ", ".join(COMMANDS))
        return
    command = args[0] if args else ""
    if command not in COMMANDS:
        raise Failure(f"`sam {command}` is not in builds here. There are: " + ", ".join(COMMANDS) + ". pip install --upgrade aws-sam-cli brings AWS's own")
    options, names = read_options(command, args[1:])
    options = {**read_config(command, options), **options}
    {"build": build, "package": package, "deploy": deploy, "validate": validate}[command](options, names)


def read_options(command, args):
    known, options, names = COMMANDS[command], {}, []
    while args:
        arg = args.pop(0)
        if not arg.startswith("-"):
            names.append(arg)
            continue
        name, equals, value = arg.partition("=")
        name = SHORT.get(name, name[2:] if name.startswith("--") else name)
        if name not in known:
            raise Failure(f"`sam {command}` has no option {arg} here. There are: " + " ".join("--" + n for n in sorted(known)))
        if known[name] == 0:
            options[name] = True
        elif known[name] == 1:
            if not equals and not args:
                raise Failure(f"the option {arg} needs a value")
            options[name] = value if equals else args.pop(0)
        else:
            options[name] = ([value] if equals else []) + options.get(name, [])
            while args and not args[0].startswith("-"):
                options[name].append(args.pop(0))
    return options, names


def read_config(command, options):
    """The parameters of samconfig.toml; what the command line says counts more."""
    path = options.get("config-file", "samconfig.toml")
    if not os.path.exists(path):
        return {}
    import tomllib

    with open(path, "rb") as file:
        sections = tomllib.load(file).get(options.get("config-env", "default"), {})
    found = {}
    for section in ("global", command):
        for key, value in sections.get(section, {}).get("parameters", {}).items():
            name = SHORT.get("--" + key.replace("_", "-"), key.replace("_", "-"))
            kind = COMMANDS[command].get(name)
            if kind is None or value in (False, "", []):
                continue
            found[name] = True if kind == 0 else value if kind == 1 else value if isinstance(value, list) else [str(value)]
    for no in [name for name in options if name.startswith("no-")]:
        found.pop(no[3:], None)
    return found


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Failure as failure:
        sys.exit(f"Error: {failure}")
