# What `aws cloudformation` does for sam: package, deploy, validate.
import os, re, shlex, subprocess, tempfile

from run import Failure, run
from template import find_template, has_local_code, load


def aws_options(options, *names):
    args = []
    for name in names:
        value = options.get(name)
        args += [] if value is None else [f"--{name}"] if value is True else [f"--{name}", *value] if isinstance(value, list) else [f"--{name}", value]
    return args


def bucket_of(options):
    if "s3-bucket" in options or "resolve-s3" not in options:
        return options
    identity = subprocess.run(["aws", "sts", "get-caller-identity", "--query", "Account", "--output", "text"], stdout=subprocess.PIPE, text=True)
    if identity.returncode != 0:
        raise Failure("the account is not known: --resolve-s3 needs credentials that may call sts:GetCallerIdentity")
    region = options.get("region") or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    bucket = f"aws-sam-cli-managed-default-samclisourcebucket-{identity.stdout.strip()}-{region}"
    if subprocess.run(["aws", "s3api", "head-bucket", "--bucket", bucket], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL).returncode != 0:
        run(["aws", "s3", "mb", f"s3://{bucket}", "--region", region])
    return {**options, "s3-bucket": bucket}


def send(options, template, output, quiet=False):
    options = bucket_of(options)
    if "s3-bucket" not in options and has_local_code(load(template)):
        raise Failure("say where to put the code: --s3-bucket, or --resolve-s3")
    args = ["aws", "cloudformation", "package", "--template-file", template, *aws_options(options, "s3-bucket", "s3-prefix", "kms-key-id", "force-upload", "metadata", "use-json", "region", "profile")]
    if "s3-bucket" not in options:
        args += ["--s3-bucket", "none-needed"]
    args += ["--output-template-file", output] if output else []
    if subprocess.run(args, stdout=subprocess.DEVNULL if quiet else None).returncode != 0:
        raise Failure("the template could not be packaged")


def package(options, _names):
    send(options, find_template(options), options.get("output-template-file"))


def deploy(options, _names):
    if "guided" in options or ("confirm-changeset" in options and "no-confirm-changeset" not in options):
        raise Failure("a build has nobody to ask: leave out --guided, and say --no-confirm-changeset")
    if "stack-name" not in options:
        raise Failure("say --stack-name, or name it in samconfig.toml")
    options["parameter-overrides"] = overrides(options.get("parameter-overrides", [])) or None
    for name in ("capabilities", "tags"):
        options[name] = [word for text in options.get(name, []) for word in shlex.split(text)] or None
    if "no-fail-on-empty-changeset" not in options:
        options["fail-on-empty-changeset"] = True
    with tempfile.TemporaryDirectory() as folder:
        packaged = os.path.join(folder, "packaged.yaml")
        send(options, find_template(options), packaged, quiet=True)
        options = {**bucket_of(options)}
        names = ["stack-name", "parameter-overrides", "capabilities", "tags", "role-arn", "notification-arns", "no-execute-changeset", "fail-on-empty-changeset", "no-fail-on-empty-changeset", "disable-rollback", "s3-bucket", "s3-prefix", "region", "profile"]
        if subprocess.run(["aws", "cloudformation", "deploy", "--template-file", packaged, *aws_options(options, *names)]).returncode != 0:
            raise Failure(f"the stack {options['stack-name']} could not be deployed")
    if "no-execute-changeset" not in options:
        subprocess.run(["aws", "cloudformation", "describe-stacks", "--stack-name", options["stack-name"], "--query", "Stacks[0].Outputs", "--output", "table", *aws_options(options, "region", "profile")])


def overrides(words):
    """`Key=Value` words, also many in one, and the long form `ParameterKey=Key,ParameterValue=Value`."""
    found = []
    for word in [part for text in words for part in shlex.split(text)]:
        long = re.fullmatch(r"ParameterKey=([^,]+),ParameterValue=(.*)", word, re.S)
        found.append(f"{long[1]}={long[2]}" if long else word)
    return found


def validate(options, _names):
    path = find_template(options, built=False)
    load(path)
    if subprocess.run(["aws", "cloudformation", "validate-template", "--template-body", "file://" + os.path.abspath(path), *aws_options(options, "region", "profile")], stdout=subprocess.DEVNULL).returncode != 0:
        raise Failure(f"{path} is not valid")
    print(f"{path} is a valid SAM Template")
