#!/usr/bin/python3 -I
# `sam` in builds: AWS's images have the SAM CLI, and buildspecs call it. This one builds functions and layers for Node.js, Python,
# esbuild, Go and make into .aws-sam/build, and hands packaging and deployment to `aws cloudformation`. A SAM CLI that the build
# installs itself replaces this file.
import json, os, re, shlex, shutil, subprocess, sys, tempfile

BUILD_FOLDER = ".aws-sam/build"
MAX_NESTING = 5
FUNCTIONS = {"AWS::Serverless::Function": "CodeUri", "AWS::Lambda::Function": "Code"}
LAYERS = {"AWS::Serverless::LayerVersion": "ContentUri", "AWS::Lambda::LayerVersion": "Content"}
STACKS = {"AWS::Serverless::Application": "Location", "AWS::CloudFormation::Stack": "TemplateURL"}
OTHER_PATHS = {
    "AWS::Serverless::Api": "DefinitionUri",
    "AWS::Serverless::HttpApi": "DefinitionUri",
    "AWS::Serverless::StateMachine": "DefinitionUri",
    "AWS::ApiGateway::RestApi": "BodyS3Location",
    "AWS::StepFunctions::StateMachine": "DefinitionS3Location",
}
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


class Failure(Exception):
    pass


def main(args):
    if args[:1] in (["--version"], ["--info"]):
        print("SAM CLI of Starling's builds: " + ", ".join(COMMANDS))
        return
    command = args[0] if args else ""
    if command not in COMMANDS:
        raise Failure(f"`sam {command}` is not in builds here. There are: " + ", ".join(COMMANDS) + ". pip install aws-sam-cli brings AWS's own")
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


def find_template(options, built=True):
    path = options.get("template-file")
    candidates = [path] if path else [BUILD_FOLDER + "/template.yaml"] * built + ["template.yaml", "template.yml", "template.json"]
    for candidate in candidates:
        if os.path.isfile(candidate):
            return candidate
    raise Failure("there is no " + " and no ".join(candidates) + f" in {os.getcwd()}")


def load(path):
    from awscli.customizations.cloudformation.yamlhelper import yaml_parse

    with open(path, encoding="utf8") as file:
        try:
            template = yaml_parse(file.read())
        except Exception as error:
            raise Failure(f"{path} cannot be read: {error}") from None
    if not isinstance(template, dict) or not isinstance(template.get("Resources"), dict):
        raise Failure(f"{path} is no template: it has no Resources")
    return template


def run(args, folder=None, **env):
    print("Running " + shlex.join(args), flush=True)
    if subprocess.run(args, cwd=folder, env={**os.environ, **env}).returncode != 0:
        raise Failure(f"`{shlex.join(args)}` failed")


# build


def build(options, names):
    source = os.path.abspath(find_template(options, built=False))
    folder = os.path.abspath(options.get("build-dir", BUILD_FOLDER))
    shutil.rmtree(folder, ignore_errors=True)
    base = os.path.abspath(options.get("base-dir") or os.path.dirname(source))
    build_stack(source, base, folder, set(names), options.get("manifest"), 0)
    print(f"\nBuild Succeeded\n\nBuilt Artifacts  : {os.path.relpath(folder)}\nBuilt Template   : {os.path.relpath(folder)}/template.yaml", flush=True)


def build_stack(source, base, folder, wanted, manifest, depth):
    from awscli.customizations.cloudformation.yamlhelper import yaml_dump

    if depth > MAX_NESTING:
        raise Failure(f"{source} is nested more than {MAX_NESTING} deep")
    os.makedirs(folder, exist_ok=True)
    template, made = load(source), {}
    global_function = (template.get("Globals") or {}).get("Function") or {}
    for name, resource in template["Resources"].items():
        if not isinstance(resource, dict):
            continue
        kind, properties = resource.get("Type"), resource.get("Properties")
        properties = resource["Properties"] = properties if isinstance(properties, dict) else {}
        if kind in STACKS and is_local(properties.get(STACKS[kind])):
            nested = os.path.join(os.path.dirname(source), properties[STACKS[kind]])
            build_stack(nested, os.path.dirname(os.path.abspath(nested)), os.path.join(folder, name), set(), None, depth + 1)
            properties[STACKS[kind]] = f"{name}/template.yaml"
        elif kind in FUNCTIONS or kind in LAYERS:
            key = {**FUNCTIONS, **LAYERS}[kind]
            path = properties.get(key)
            if path is None and kind == "AWS::Serverless::Function" and "InlineCode" not in properties and "ImageUri" not in properties:
                path = global_function.get("CodeUri", ".")
            if properties.get("PackageType") == "Image":
                raise Failure(f"{name} is a container image, which builds here cannot make: build it as a zip (PackageType: Zip)")
            if not is_local(path):
                continue
            code = os.path.abspath(os.path.join(base, path))
            if not os.path.exists(code):
                raise Failure(f"{name}: {key} {path} does not exist (looked for {code})")
            if os.path.isdir(code) and (not wanted or name in wanted):
                built = build_code(template, global_function, name, resource, code, folder, made, manifest)
                properties[key] = built or os.path.relpath(code, folder)
            else:
                properties[key] = os.path.relpath(code, folder)
        elif kind in OTHER_PATHS and is_local(properties.get(OTHER_PATHS[kind])):
            properties[OTHER_PATHS[kind]] = os.path.relpath(os.path.join(os.path.dirname(source), properties[OTHER_PATHS[kind]]), folder)
    (template.get("Globals") or {}).get("Function", {}).pop("CodeUri", None)
    move_includes(template, os.path.dirname(source), folder)
    with open(os.path.join(folder, "template.yaml"), "w", encoding="utf8") as file:
        file.write(yaml_dump(template))


def is_local(path):
    return isinstance(path, str) and not re.match(r"(s3|https?)://|arn:", path)


def move_includes(node, base, folder):
    if isinstance(node, list):
        for item in node:
            move_includes(item, base, folder)
    elif isinstance(node, dict):
        include = node.get("Fn::Transform")
        if isinstance(include, dict) and include.get("Name") == "AWS::Include":
            parameters = include.get("Parameters") or {}
            if is_local(parameters.get("Location")):
                parameters["Location"] = os.path.relpath(os.path.join(base, parameters["Location"]), folder)
        for item in node.values():
            move_includes(item, base, folder)


def resolved(template, value):
    """A value, or the default of the parameter that it refers to."""
    if isinstance(value, dict) and "Ref" in value:
        value = ((template.get("Parameters") or {}).get(value["Ref"]) or {}).get("Default")
    return value if isinstance(value, str) else ""


def build_code(template, global_function, name, resource, code, folder, made, manifest):
    """Builds one function or layer; answers its folder below the build folder, or nothing where it is taken as it is."""
    metadata, properties = resource.get("Metadata") or {}, resource["Properties"]
    runtime = resolved(template, properties.get("Runtime", global_function.get("Runtime", "")))
    method = str(metadata.get("BuildMethod") or "")
    if resource["Type"] in LAYERS and not method:
        return None
    method = method or runtime
    key = json.dumps([code, method, metadata, resource["Type"] in LAYERS], sort_keys=True, default=str)
    if method != "makefile" and key in made:
        return made[key]
    print(f"Building codeuri: {code} runtime: {runtime or None} metadata: {json.dumps(metadata, default=str)} functions: {name}", flush=True)
    out = os.path.join(folder, name)
    with tempfile.TemporaryDirectory() as scratch:
        work = os.path.join(scratch, "work")
        if resource["Type"] in LAYERS and method != "makefile":
            build_layer(name, method, code, out, folder, manifest)
        elif method == "makefile":
            copy_code(code, work, folder, [])
            os.makedirs(out)
            run(["make", f"build-{name}"], work, ARTIFACTS_DIR=out)
        elif method == "esbuild":
            build_esbuild(name, metadata.get("BuildProperties") or {}, code, work, out, folder)
        elif method.startswith("nodejs"):
            build_node(code, out, folder, manifest)
        elif method.startswith("python"):
            build_python(code, out, out, folder, manifest)
        elif method.startswith("go1"):
            copy_code(code, work, folder, [])
            handler = "bootstrap" if runtime.startswith("provided") else resolved(template, properties.get("Handler", global_function.get("Handler")))
            run(["go", "build", "-o", os.path.join(out, handler)], work, GOOS="linux", CGO_ENABLED="0")
        elif method.startswith("provided") or not method:
            copy_code(code, out, folder, [])
        else:
            raise Failure(f"{name}: builds here make no {method}. Build it with its own tools before, and let its CodeUri name the .zip or .jar that they leave")
    made[key] = name
    return name


def copy_code(code, target, folder, without):
    skipped = {folder, os.path.dirname(folder)}

    def ignore(parent, entries):
        return [e for e in entries if e in without or e in (".git", ".aws-sam") or os.path.join(parent, e) in skipped]

    shutil.copytree(code, target, symlinks=True, ignore=ignore)


def build_layer(name, method, code, out, folder, manifest):
    if method.startswith("nodejs"):
        build_node(code, os.path.join(out, "nodejs"), folder, manifest)
    elif method.startswith("python"):
        build_python(code, os.path.join(out, "python"), os.path.join(out, "python"), folder, manifest)
    else:
        raise Failure(f"{name}: builds here make no layer by the BuildMethod {method}: use makefile, nodejs… or python…")


def build_node(code, out, folder, manifest):
    package = os.path.join(code, manifest or "package.json")
    if not os.path.exists(package):
        copy_code(code, out, folder, [])
        return
    copy_code(code, out, folder, ["node_modules"])
    with open(package, encoding="utf8") as file:
        facts = json.load(file)
    if facts.get("dependencies") or facts.get("optionalDependencies"):
        run(["npm", "install", "-q", "--no-audit", "--no-fund", "--no-save", "--omit=dev"], out)


def build_python(code, out, target, folder, manifest):
    copy_code(code, out, folder, ["__pycache__", ".venv", "venv"])
    requirements = os.path.join(code, manifest or "requirements.txt")
    if not os.path.exists(requirements):
        return
    with open(requirements, encoding="utf8") as file:
        if not re.search(r"^\s*[^#\s]", file.read(), re.M):
            return
    pip = ["python3", "-m", "pip", "install", "-q", "--disable-pip-version-check", "--retries", "2", "-r", requirements]
    try:
        run([*pip, "--target", target], code)
    except Failure:
        # Functions see the packages of this machine's Python: where no index can be reached, those may be enough.
        if subprocess.run([*pip, "--no-index", "--dry-run", "--break-system-packages"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode != 0:
            raise
        print(f"Warning: {requirements} could not be installed. The packages of this machine's Python meet it: functions use those", flush=True)


def build_esbuild(name, properties, code, work, out, folder):
    copy_code(code, work, folder, ["node_modules"])
    if os.path.exists(os.path.join(work, "package.json")):
        run(["npm", "install", "-q", "--no-audit", "--no-fund"], work)
    own = os.path.join(work, "node_modules/.bin/esbuild")
    esbuild = own if os.path.exists(own) else shutil.which("esbuild")
    if not esbuild:
        raise Failure(f"{name}: there is no esbuild: name it in the devDependencies of {code}/package.json")
    points = properties.get("EntryPoints") or []
    if not points:
        raise Failure(f"{name}: its BuildProperties name no EntryPoints")
    os.makedirs(out)
    values = {"format": properties.get("Format", "cjs"), "target": properties.get("Target", "es2020"), "platform": properties.get("Platform", "node")}
    args = [esbuild, *points, f"--outdir={out}", *(f"--{key}={value}" for key, value in values.items())]
    for key, flag, default in (("Bundle", "bundle", True), ("Minify", "minify", True), ("Sourcemap", "sourcemap", False), ("KeepNames", "keep-names", False)):
        args += [f"--{flag}"] if str(properties.get(key, default)).lower() == "true" else []
    for key, flag in (("External", "external:"), ("Loader", "loader:"), ("OutExtension", "out-extension:"), ("MainFields", "main-fields="), ("SourcesContent", "sources-content="), ("TreeShaking", "tree-shaking="), ("Define", "define:"), ("Alias", "alias:")):
        value = properties.get(key)
        if key == "MainFields" and isinstance(value, list):
            value = ",".join(value)
        args += [f"--{flag}{one}" for one in (value if isinstance(value, list) else [value] if value else [])]
    for key in ("Banner", "Footer"):
        args += [f"--{key.lower()}:{one}" for one in properties.get(key) or []]
    run(args, work)


# package, deploy, validate


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


def has_local_code(template):
    kinds = {**FUNCTIONS, **LAYERS, **STACKS, **OTHER_PATHS}
    for resource in template["Resources"].values():
        properties = resource.get("Properties") if isinstance(resource, dict) else None
        kind = resource.get("Type") if isinstance(resource, dict) else None
        if kind in kinds and (is_local((properties or {}).get(kinds[kind])) or (kind == "AWS::Serverless::Function" and not {"InlineCode", "CodeUri"} & set(properties or {}))):
            return True
    return False


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


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Failure as failure:
        sys.exit(f"Error: {failure}")
