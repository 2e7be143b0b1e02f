"use strict";
// Finds and loads `folder/module.function` as Lambda's Node.js runtime does.
const fs = require("node:fs");
const { createRequire } = require("node:module");
const path = require("node:path");
const { pathToFileURL } = require("node:url");

exports.loadHandler = loadHandler;

function fault(name, message, cause) {
  const error = new Error(message);
  error.name = name;
  if (cause?.stack) error.stack = `${name}: ${message}\n${String(cause.stack).split("\n").slice(1).join("\n")}`;
  else error.stack = `${name}: ${message}`;
  return error;
}

async function loadHandler(taskRoot, spec) {
  const slash = spec.lastIndexOf("/");
  const folder = spec.slice(0, slash + 1);
  const match = /^([^.]*)\.(.*)$/.exec(spec.slice(slash + 1));
  if (!match) throw fault("Runtime.MalformedHandlerName", "Bad handler");
  const [, moduleName, functionPath] = match;
  if (spec.includes(".."))
    throw fault(
      "Runtime.MalformedHandlerName",
      `'${spec}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`,
    );
  const loaded = await loadModule(taskRoot, folder, moduleName);
  let handler = functionPath.split(".").reduce((nested, key) => nested && nested[key], loaded);
  if (handler === undefined && loaded?.default)
    handler = functionPath.split(".").reduce((nested, key) => nested && nested[key], loaded.default);
  if (handler === undefined) throw fault("Runtime.HandlerNotFound", `${spec} is undefined or not exported`);
  if (typeof handler !== "function") throw fault("Runtime.HandlerNotFound", `${spec} is not a function`);
  return handler;
}

async function loadModule(taskRoot, folder, moduleName) {
  const base = path.resolve(taskRoot, folder, moduleName);
  const require = createRequire(path.join(taskRoot, "noop.js"));
  try {
    for (const extension of ["", ".js", ".mjs", ".cjs"]) {
      const file = base + extension;
      if (!fs.existsSync(file) || !fs.statSync(file).isFile()) continue;
      return isEsModule(file, extension) ? await import(pathToFileURL(file).href) : require(file);
    }
    // A module of that name in a layer or in node_modules.
    return require(require.resolve(moduleName, { paths: [taskRoot, path.resolve(taskRoot, folder)] }));
  } catch (error) {
    if (error instanceof SyntaxError) throw fault("Runtime.UserCodeSyntaxError", String(error), error);
    if (error?.code === "MODULE_NOT_FOUND" || error?.code === "ERR_MODULE_NOT_FOUND")
      throw fault("Runtime.ImportModuleError", String(error), error);
    throw error;
  }
}

function isEsModule(file, extension) {
  if (extension === ".mjs") return true;
  if (extension !== ".js") return false;
  for (let folder = path.dirname(file); ; folder = path.dirname(folder)) {
    const manifest = path.join(folder, "package.json");
    if (fs.existsSync(manifest)) return JSON.parse(fs.readFileSync(manifest, "utf8")).type === "module";
    if (folder === path.dirname(folder)) return false;
  }
}
