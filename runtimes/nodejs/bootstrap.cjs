"use strict";
// What runs first in a Node.js execution environment. It knows no function when it starts: the platform sends the handler,
// the variables and then one event at a time. Plain JavaScript, for Node 18 and newer;
// CommonJS, for the loader of ES modules takes 10 ms of CPU in each process that starts, and many functions need none.
const { enableCompileCache } = require("node:module");
const { formatWithOptions } = require("node:util");
const { errorBody } = require("./errors.cjs");
const { Frames, IN, OUT } = require("./frames.cjs");
const { loadHandler } = require("./load-handler.cjs");
const { isStreaming } = require("./streaming.cjs");
const { openWake } = require("./wake.cjs");

// Handlers find no main module, as with Lambda's own runtime, which is an ES module.
process.mainModule = undefined;

/** Longer output goes in several frames. */
const MAX_LOG = 1 << 20;
/** What the platform would refuse anyway, so that it is refused in the function's words. */
const MAX_ANSWER = 30 << 20;

/** From here on a sleep may have outlived a timer or a connection. */
const LONG_SLEEP_MS = 100;
/** Calls of our own before the first real one. */
const WARM_CALLS = 3;
/** A timer closes a server's end of a connection, a turn later the client reads that, and one more takes it out of its agent. */
const AWAKENING_TURNS = 4;

const frames = new Frames("/run/starling");
const send = (type, header, body) => state.isWarming || frames.write(type, header, body);

const state = {
  handler: undefined,
  /** What is the same in the context of every event. */
  facts: {},
  runtime: "",
  requestId: undefined,
  logFormat: "Text",
  finish: undefined,
  /** What is called now is our own, for the sake of what Node makes of it: nobody waits for an answer. */
  isWarming: false,
  /** Waits for an event without sleeping, where extensions need it. */
  wake: undefined,
};

async function main() {
  await warmUp();
  send(OUT.READY);
  let frame = frames.read();
  if (frame[0] === IN.VARIABLES) {
    Object.assign(process.env, JSON.parse(frame[2]));
    frame = frames.read();
  } else state.wake = openWake("/run/starling"); // what was a stem has no extensions
  const message = JSON.parse(frame[2]);
  await init(message);
  next();
}

/** Sleeps in read(2) until there is an event, and reads no other before that one is answered. */
function next() {
  if (state.isWarming) return;
  if (state.wake) state.wake(take);
  else take();
}

function take() {
  const asleep = performance.now();
  const [type, header, body] = frames.read();
  if (type !== IN.INVOKE) setImmediate(next);
  else if (performance.now() - asleep < LONG_SLEEP_MS) invoke(header, body);
  else turn(AWAKENING_TURNS, () => invoke(header, body));
}

/** After a long sleep the event loop first sees which timers are due and which connections have been closed: kept alive ones would break the next request. */
function turn(times, then) {
  if (times === 0) then();
  else setImmediate(turn, times - 1, then);
}

/** Loads what handlers and the AWS SDK use, and goes once through the whole way of a function, so that the first real one finds it warm. */
async function warmUp() {
  if (process.env.STARLING_STEM !== "1") return; // started for one function that waits for it
  delete process.env.STARLING_STEM;
  const modules = [
    "crypto",
    "http",
    "https",
    "zlib",
    "stream",
    "url",
    "events",
    "fs/promises",
    "os",
    "tls",
    "dns",
    "async_hooks",
    "perf_hooks",
    "querystring",
    "http2",
    "child_process",
  ];
  for (const name of modules) require(`node:${name}`);
  state.isWarming = true;
  for (const spec of ["cjs.handler", "esm.handler"]) {
    state.handler = await loadHandler("/var/runtime/warm", spec);
    for (let call = 0; call < WARM_CALLS; call++) {
      invoke(`${call}\t0\tarn\tRoot=1`, '{"a":1}');
      await new Promise((resolve) => setImmediate(setImmediate, resolve));
    }
  }
  Object.assign(state, { isWarming: false, handler: undefined, requestId: undefined });
  delete process.env._X_AMZN_TRACE_ID;
  formatWithOptions({ colors: false }, "%s", { a: [1] });
  void [process.stdout, process.stderr]; // made now
  new URL("http://localhost/?a=1").searchParams.get("a");
  structuredClone({ a: new Date() });
  void globalThis.fetch;
}

async function init({ handler, taskRoot, runtime, logFormat }) {
  Object.assign(state, { runtime, logFormat });
  try {
    process.chdir(taskRoot);
    // Of the SDK, made when the platform was installed; nothing is written there. Older ones know no paths that move.
    if (Number.parseInt(process.versions.node, 10) >= 24)
      enableCompileCache({ directory: "/node_modules/.sdk-cache", portable: true });
    // Node keeps connections alive of itself from 19 on; functions for older ones do not reckon with it.
    if (/^nodejs(\d|1\d)?(\.|$)/.test(runtime)) require("node:http").globalAgent = new (require("node:http").Agent)();
    state.handler = await loadHandler(taskRoot, process.env._HANDLER ?? handler);
    if (isStreaming(state.handler)) require("./response-stream.cjs");
    else refuseCallback(state.handler, runtime);
    state.facts = {
      functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
      functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
      memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
      logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
      logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    };
    send(OUT.INITIALIZED);
  } catch (error) {
    const body = errorBody(error);
    logFailure("Uncaught Exception", body);
    send(OUT.INIT_ERROR, body.errorType, JSON.stringify(body));
  }
}

/** From the name nodejs24.x on, AWS refuses handlers with a callback. */
function refuseCallback(handler, runtime) {
  if (handler.length < 3 || !/^nodejs(2[4-9]|[3-9]\d)\.x$/.test(runtime)) return;
  const error = new Error(
    "ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. You need to modify this function to use a supported handler signature to use Node.js 24 or later. For more information see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.",
  );
  error.name = "Runtime.CallbackHandlerDeprecated";
  throw error;
}

function invoke(header, body) {
  const [id, deadline, arn, traceId, client] = fields(header);
  const started = performance.now();
  state.requestId = id;
  let answered = false;
  let waited = false;
  // One turn of the event loop, then asleep again; a handler that has not answered by then waits for something.
  setImmediate(() => {
    if (answered) next();
    else waited = true;
  });
  const answer = (error, result, failed) => {
    if (answered) return;
    answered = true;
    state.finish = undefined;
    if (waited) setImmediate(next);
    if (failed) return sendError(id, error);
    let text;
    try {
      text = JSON.stringify(result === undefined ? null : result) ?? "null";
    } catch (cause) {
      return sendError(
        id,
        fault("Runtime.MarshalError", `Unable to stringify response body as json: ${cause.message}`),
      );
    }
    if (text.length > MAX_ANSWER) return sendError(id, tooLarge());
    const micros = Math.ceil((performance.now() - started) * 1000);
    send(OUT.RESPONSE, waited ? `${id}\t${micros}\twaited` : `${id}\t${micros}\t`, text);
  };
  const context = makeContext(id, Number(deadline), arn, client, answer);
  // Nothing of ours keeps the process going while a handler is at work: so it shows when nothing is left to wait for.
  state.finish = () => answer(null, null, false);
  let result;
  try {
    const event = body === "" ? {} : JSON.parse(body);
    process.env._X_AMZN_TRACE_ID = traceId;
    if (isStreaming(state.handler)) return void stream(event, context, answer);
    result = state.handler(event, context, (error, value) => context.done(error, value));
  } catch (error) {
    return answer(error, undefined, true);
  }
  if (result && typeof result.then === "function") {
    state.finish = () => process.exit(0); // the promise can no longer settle: AWS ends the runtime too
    result.then(
      (value) => answer(null, value, false),
      (error) => answer(error, undefined, true),
    );
  }
}

/** Four fields, and the rest as the fifth. */
function fields(header) {
  const first = header.indexOf("\t");
  const second = header.indexOf("\t", first + 1);
  const third = header.indexOf("\t", second + 1);
  const fourth = header.indexOf("\t", third + 1);
  const end = fourth < 0 ? header.length : fourth;
  return [
    header.slice(0, first),
    header.slice(first + 1, second),
    header.slice(second + 1, third),
    header.slice(third + 1, end),
    header.slice(end + 1),
  ];
}

/** Runs a handler that writes its answer to a stream; what it returns counts for nothing. */
async function stream(event, context, answer) {
  const { awsRequestId: id } = context;
  const { ResponseStream } = require("./response-stream.cjs");
  const response = new ResponseStream(frames, id, state.handler);
  const broken = new Promise((_resolve, reject) => response.on("error", reject));
  broken.catch(() => undefined);
  state.finish = () => process.exit(0);
  try {
    const result = state.handler(event, response, context);
    if (!result || typeof result.then !== "function")
      throw fault("InvalidStreamingOperation", "Streaming does not support non-async handlers.");
    await Promise.race([result, broken]);
    const finished = new Promise((resolve) => response.on("finish", resolve));
    response.end();
    if (!response.writableFinished) await Promise.race([finished, broken]);
    state.finish = undefined;
    setImmediate(next);
    send(OUT.END, id);
  } catch (error) {
    answer(error, undefined, true);
  }
}

function fault(name, message) {
  const error = new Error(message);
  error.name = name;
  return error;
}

const tooLarge = () =>
  fault(
    "Function.ResponseSizeTooLarge",
    "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
  );

process.on("beforeExit", () => state.finish?.());

function makeContext(id, deadline, arn, client, answer) {
  const { facts } = state;
  const settle = (error, value) => {
    const failed = error !== undefined && error !== null;
    if (failed || !context.callbackWaitsForEmptyEventLoop) return answer(error, value, failed);
    state.finish = () => answer(null, value, false);
  };
  const context = {
    callbackWaitsForEmptyEventLoop: true,
    functionName: facts.functionName, // one by one: a spread takes longer than all the rest
    functionVersion: facts.functionVersion,
    memoryLimitInMB: facts.memoryLimitInMB,
    logGroupName: facts.logGroupName,
    logStreamName: facts.logStreamName,
    clientContext: client === "" ? undefined : JSON.parse(client),
    identity: undefined,
    invokedFunctionArn: arn,
    awsRequestId: id,
    getRemainingTimeInMillis: () => deadline - Date.now(),
    done: settle,
    succeed: (value) => answer(null, value, false),
    fail: (error) => answer(error ?? "handled", undefined, true),
  };
  return context;
}

function sendError(id, error) {
  const body = errorBody(error);
  logFailure("Invoke Error", body);
  send(OUT.ERROR, `${id}\t${body.errorType}`, JSON.stringify(body));
}

for (const [event, title] of [
  ["uncaughtException", "Uncaught Exception"],
  ["unhandledRejection", "Unhandled Promise Rejection"],
]) {
  process.on(event, (reason) => {
    const error = event === "unhandledRejection" ? rejection(reason) : reason;
    const body = errorBody(error);
    logFailure(title, body);
    if (state.requestId) send(OUT.ERROR, `${state.requestId}\t${body.errorType}`, JSON.stringify(body));
    else send(OUT.INIT_ERROR, body.errorType, JSON.stringify(body));
    process.exit(128);
  });
}

function rejection(reason) {
  const error = new Error(reason instanceof Error ? `${reason.name}: ${reason.message}` : String(reason));
  error.name = "Runtime.UnhandledPromiseRejection";
  return Object.assign(error, { reason });
}

const LEVELS = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];

function log(level, args) {
  const time = new Date().toISOString();
  if (state.logFormat === "JSON") {
    if (LEVELS.indexOf(level) >= LEVELS.indexOf(process.env.AWS_LAMBDA_LOG_LEVEL ?? "INFO"))
      sendLog(`${jsonLine({ timestamp: time, level, requestId: state.requestId }, args)}\n`);
    return;
  }
  const text = formatWithOptions({ colors: false }, ...args);
  sendLog(`${time}\t${state.requestId ?? "undefined"}\t${level}\t${text}\n`);
}

/** One value is the message as it is; of several the text, with what the first error among them says. */
function jsonLine(facts, args) {
  if (args.length === 1) {
    try {
      return JSON.stringify({ ...facts, message: args[0] }, errorFacts);
    } catch {
      return JSON.stringify({ ...facts, message: formatWithOptions({ colors: false }, args[0]) });
    }
  }
  const error = args.find((arg) => arg instanceof Error);
  const message = formatWithOptions({ colors: false }, ...args);
  return JSON.stringify({ ...facts, message, ...(error ? errorFacts("", error) : {}) });
}

function errorFacts(_name, value) {
  if (!(value instanceof Error)) return value;
  const stackTrace = typeof value.stack === "string" ? value.stack.split("\n") : [];
  return { errorType: value.constructor?.name ?? "UnknownError", errorMessage: value.message, stackTrace, ...value };
}

/** An error that ends a call or the process; in text its title stands before its JSON. */
function logFailure(title, body) {
  const facts = { errorType: body.errorType, errorMessage: body.errorMessage };
  if (state.logFormat === "JSON") log("ERROR", [{ ...facts, stackTrace: body.trace }]);
  else log("ERROR", [`${title} \t` + JSON.stringify({ ...facts, stack: body.trace })]);
}

function sendLog(text) {
  for (let at = 0; at < text.length; at += MAX_LOG)
    send(
      OUT.LOG,
      "",
      text.length > MAX_LOG ? (text.subarray?.(at, at + MAX_LOG) ?? text.slice(at, at + MAX_LOG)) : text,
    );
}

/** Everything that JavaScript writes goes the way of the answers, so that it arrives before them and in order. */
function patchOutput() {
  const levels = { log: "INFO", info: "INFO", warn: "WARN", error: "ERROR", debug: "DEBUG", trace: "TRACE" };
  for (const [name, level] of Object.entries(levels)) {
    console[name] = (...args) =>
      log(
        level,
        name === "trace" ? [new Error(formatWithOptions({}, ...args)).stack.replace(/^Error/, "Trace")] : args,
      );
  }
  for (const name of ["stdout", "stderr"]) patchStream(name);
}

/** Not before somebody asks for it: Node makes these streams then, which takes milliseconds. */
function patchStream(name) {
  const { get } = Object.getOwnPropertyDescriptor(process, name);
  const open = () => {
    const stream = get.call(process);
    stream.write = (chunk, encoding, done) => {
      const callback = typeof encoding === "function" ? encoding : done;
      sendLog(typeof chunk === "string" ? Buffer.from(chunk, typeof encoding === "string" ? encoding : "utf8") : chunk);
      if (callback) process.nextTick(callback);
      return true;
    };
    return stream;
  };
  let stream;
  Object.defineProperty(process, name, { configurable: true, enumerable: true, get: () => (stream ??= open()) });
}

patchOutput();
void main();
