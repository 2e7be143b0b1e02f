import json, os, re, shutil, subprocess, tempfile

from run import Failure, run
from template import BUILD_FOLDER, FUNCTIONS, LAYERS, OTHER_PATHS, STACKS, find_template, is_local, load

MAX_NESTING = 5


def build(options, names):
    source = os.path.abspath(find_template(options, built=False))
    folder = os.path.abspath(options.get("build-dir", BUILD_FOLDER))
    shutil.rmtree(folder, ignore_errors=True)
    base = os.path.abspath(options.get("base-dir") or os.path.dirname(source))
    with tempfile.TemporaryDirectory() as scratch:
        build_stack(source, base, folder, set(names), Installs(scratch, options.get("manifest")), 0)
    print(f"\nBuild Succeeded\n\nBuilt Artifacts  : {os.path.relpath(folder)}\nBuilt Template   : {os.path.relpath(folder)}/template.yaml", flush=True)


class Installs:
    """What was installed so far: each manifest once for each kind of installation, however many functions have it."""

    def __init__(self, scratch, manifest):
        self.scratch, self.manifest, self.folders, self.works = scratch, manifest, {}, {}

    def nested(self):
        """For an application within: a manifest that was named is the outer one's."""
        inner = Installs(self.scratch, None)
        inner.folders, inner.works = self.folders, self.works
        return inner

    def modules(self, package, arguments):
        """A folder with the node_modules of a package.json and what npm reads beside it; nothing where they must be installed in place."""
        beside = os.path.dirname(package)
        files = [package, *(os.path.join(beside, name) for name in ("package-lock.json", "npm-shrinkwrap.json", ".npmrc"))]
        read = [open(file, "rb").read() if os.path.exists(file) else b"" for file in files]
        facts = json.loads(read[0])
        # Packages in folders beside the manifest, and scripts over them, are of their own place.
        asked = {**(facts.get("dependencies") or {}), **(facts.get("optionalDependencies") or {}), **(facts.get("devDependencies") or {})}
        local = any(str(version).startswith(("file:", "link:", ".", "/", "~/")) for version in asked.values())
        if local or facts.get("scripts", {}).keys() & INSTALL_SCRIPTS or facts.get("workspaces"):
            return None
        key = (tuple(read), tuple(arguments))
        if key not in self.folders:
            folder = self.folders[key] = os.path.join(self.scratch, f"install-{len(self.folders)}")
            os.makedirs(folder)
            for file, content in zip(("package.json", *map(os.path.basename, files[1:])), read):
                if content:
                    with open(os.path.join(folder, file), "wb") as out:
                        out.write(content)
            run(arguments, folder)
        return self.folders[key]


INSTALL_SCRIPTS = {"preinstall", "install", "postinstall", "prepare", "prepublish", "preprepare", "postprepare"}


def build_stack(source, base, folder, wanted, installs, depth):
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
            build_stack(nested, os.path.dirname(os.path.abspath(nested)), os.path.join(folder, name), set(), installs.nested(), depth + 1)
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
                built = build_code(template, global_function, name, resource, code, folder, made, installs)
                properties[key] = built or os.path.relpath(code, folder)
            else:
                properties[key] = os.path.relpath(code, folder)
        elif kind in OTHER_PATHS and is_local(properties.get(OTHER_PATHS[kind])):
            properties[OTHER_PATHS[kind]] = os.path.relpath(os.path.join(os.path.dirname(source), properties[OTHER_PATHS[kind]]), folder)
    (template.get("Globals") or {}).get("Function", {}).pop("CodeUri", None)
    move_includes(template, os.path.dirname(source), folder)
    with open(os.path.join(folder, "template.yaml"), "w", encoding="utf8") as file:
        file.write(yaml_dump(template))


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


def build_code(template, global_function, name, resource, code, folder, made, installs):
    """Builds one function or layer; answers its folder below the build folder, or nothing where it is taken as it is."""
    metadata, properties = resource.get("Metadata") or {}, resource["Properties"]
    runtime = resolved(template, properties.get("Runtime", global_function.get("Runtime", "")))
    method = str(metadata.get("BuildMethod") or "")
    if resource["Type"] in LAYERS and not method:
        return None
    method = method or runtime
    # Of the metadata, esbuild's properties alone make another build.
    properties_of_build = metadata.get("BuildProperties") if method == "esbuild" else None
    key = json.dumps([code, method, properties_of_build, resource["Type"] in LAYERS], sort_keys=True, default=str)
    if method != "makefile" and key in made:
        return made[key]
    print(f"Building codeuri: {code} runtime: {runtime or None} metadata: {json.dumps(metadata, default=str)} functions: {name}", flush=True)
    out = os.path.join(folder, name)
    with tempfile.TemporaryDirectory() as scratch:
        work = os.path.join(scratch, "work")
        if resource["Type"] in LAYERS and method != "makefile":
            build_layer(name, method, code, out, folder, installs)
        elif method == "makefile":
            copy_code(code, work, folder, [])
            os.makedirs(out)
            run(["make", f"build-{name}"], work, ARTIFACTS_DIR=out)
        elif method == "esbuild":
            build_esbuild(name, metadata.get("BuildProperties") or {}, code, out, folder, installs)
        elif method.startswith("nodejs"):
            build_node(code, out, folder, installs)
        elif method.startswith("python"):
            build_python(code, out, out, folder, installs.manifest)
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


def build_layer(name, method, code, out, folder, installs):
    if method.startswith("nodejs"):
        build_node(code, os.path.join(out, "nodejs"), folder, installs)
    elif method.startswith("python"):
        build_python(code, os.path.join(out, "python"), os.path.join(out, "python"), folder, installs.manifest)
    else:
        raise Failure(f"{name}: builds here make no layer by the BuildMethod {method}: use makefile, nodejs… or python…")


def build_node(code, out, folder, installs):
    package = os.path.join(code, installs.manifest or "package.json")
    if not os.path.exists(package):
        copy_code(code, out, folder, [])
        return
    copy_code(code, out, folder, ["node_modules"])
    with open(package, encoding="utf8") as file:
        facts = json.load(file)
    if facts.get("dependencies") or facts.get("optionalDependencies"):
        install(installs, package, out, ["npm", "install", "-q", "--no-audit", "--no-fund", "--no-save", "--omit=dev"])


def install(installs, package, folder, command):
    """Installs what a package.json names into the folder that its code was copied to."""
    modules = installs.modules(package, command)
    if modules is None:
        run(command, folder)
    elif os.path.isdir(os.path.join(modules, "node_modules")):
        shutil.copytree(os.path.join(modules, "node_modules"), os.path.join(folder, "node_modules"), symlinks=True, copy_function=link_or_copy)


def link_or_copy(source, target):
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)


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


def build_esbuild(name, properties, code, out, folder, installs):
    work = installs.works.get(code)  # one copy for all functions of the same code
    if work is None:
        work = installs.works[code] = os.path.join(installs.scratch, f"work-{len(installs.works)}")
        copy_code(code, work, folder, ["node_modules"])
        if os.path.exists(os.path.join(work, "package.json")):
            install(installs, os.path.join(work, "package.json"), work, ["npm", "install", "-q", "--no-audit", "--no-fund"])
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
