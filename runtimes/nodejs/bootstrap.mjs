// What runs first in a Node.js execution environment. It knows no function when it starts: the platform sends the handler,
// the variables and then one event at a time, as frames on a unix socket. Plain JavaScript, for Node 18 and newer.
import net from "node:net";
import { formatWithOptions } from "node:util";
import { FrameReader, frame, IN, OUT } from "./frames.mjs";
import { loadHandler } from "./load-handler.mjs";
import { errorBody } from "./errors.mjs";

const SOCKET = "/run/starling/runtime.sock";

const socket = net.connect(SOCKET);
socket.setNoDelay?.(true);
const send = (type, header, body) => socket.write(frame(type, header, body));

const state = { handler: undefined, runtime: "", requestId: undefined, logFormat: "Text", finish: undefined };

const reader = new FrameReader();
socket.on("data", (chunk) => {
  for (const [type, header, body] of reader.read(chunk)) {
    if (type === IN.INIT) void init(header);
    else if (type === IN.INVOKE) invoke(header, body);
  }
});
socket.on("close", () => process.exit(0));
socket.on("error", () => process.exit(1));
socket.on("connect", () => void warmUp().then(() => send(OUT.READY, { version: process.version })));

patchOutput();

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
  await Promise.all(modules.map((name) => import(`node:${name}`)));
  for (const spec of ["cjs.handler", "esm.handler"])
    JSON.stringify(await (await loadHandler("/var/runtime/warm", spec))({ a: 1 }, {}));
  formatWithOptions({ colors: false }, "%s", { a: [1] });
  new URL("http://localhost/?a=1").searchParams.get("a");
  structuredClone({ a: new Date() });
  void globalThis.fetch;
}

async function init({ env, handler, taskRoot, runtime, logFormat }) {
  Object.assign(process.env, env);
  Object.assign(state, { runtime, logFormat });
  try {
    process.chdir(taskRoot);
    state.handler = await loadHandler(taskRoot, handler);
    refuseCallback(state.handler, runtime);
    send(OUT.INITIALIZED, {});
  } catch (error) {
    const body = errorBody(error);
    log("ERROR", ["Uncaught Exception \t" + JSON.stringify({ ...body, stack: body.trace, trace: undefined })]);
    send(OUT.INIT_ERROR, { type: body.errorType }, JSON.stringify(body));
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
  state.requestId = header.id;
  let answered = false;
  const answer = (error, result, failed) => {
    if (answered) return;
    answered = true;
    state.finish = undefined;
    socket.ref();
    if (failed) return sendError(header.id, error);
    let text;
    try {
      text = JSON.stringify(result === undefined ? null : result);
      if (text === undefined) text = "null";
    } catch (cause) {
      const unable = new Error(`Unable to stringify response body as json: ${cause.message}`);
      unable.name = "Runtime.MarshalError";
      return sendError(header.id, unable);
    }
    send(OUT.RESPONSE, { id: header.id }, text);
  };
  const context = makeContext(header, answer);
  // While a handler is at work only its own timers and sockets keep the process going: so it shows when nothing is left to wait for.
  socket.unref();
  state.finish = () => answer(null, null, false);
  let result;
  try {
    const event = body.length ? JSON.parse(body.toString("utf8")) : {};
    process.env._X_AMZN_TRACE_ID = header.traceId ?? "";
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

process.on("beforeExit", () => {
  if (state.finish) state.finish();
  else socket.ref();
});

function makeContext(header, answer) {
  const settle = (error, value) => {
    const failed = error !== undefined && error !== null;
    if (failed || !context.callbackWaitsForEmptyEventLoop) return answer(error, value, failed);
    state.finish = () => answer(null, value, false);
  };
  const context = {
    callbackWaitsForEmptyEventLoop: true,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: header.clientContext ? JSON.parse(header.clientContext) : undefined,
    identity: undefined,
    invokedFunctionArn: header.arn,
    awsRequestId: header.id,
    getRemainingTimeInMillis: () => header.deadline - Date.now(),
    done: settle,
    succeed: (value) => answer(null, value, false),
    fail: (error) => answer(error ?? "handled", undefined, true),
  };
  return context;
}

function sendError(id, error) {
  const body = errorBody(error);
  log("ERROR", [
    "Invoke Error \t" +
      JSON.stringify({ errorType: body.errorType, errorMessage: body.errorMessage, stack: body.trace }),
  ]);
  send(OUT.ERROR, { id, type: body.errorType }, JSON.stringify(body));
}

for (const [event, title] of [
  ["uncaughtException", "Uncaught Exception"],
  ["unhandledRejection", "Unhandled Promise Rejection"],
]) {
  process.on(event, (reason) => {
    const error = event === "unhandledRejection" ? rejection(reason) : reason;
    const body = errorBody(error);
    log("ERROR", [
      `${title} \t` + JSON.stringify({ errorType: body.errorType, errorMessage: body.errorMessage, stack: body.trace }),
    ]);
    if (state.requestId)
      send(OUT.ERROR, { id: state.requestId, type: body.errorType, fatal: true }, JSON.stringify(body));
    else send(OUT.INIT_ERROR, { type: body.errorType }, JSON.stringify(body));
    socket.end(() => process.exit(128));
  });
}

function rejection(reason) {
  const error = new Error(reason instanceof Error ? `${reason.name}: ${reason.message}` : String(reason));
  error.name = "Runtime.UnhandledPromiseRejection";
  return Object.assign(error, { reason });
}

function log(level, args) {
  const text = formatWithOptions({ colors: false }, ...args);
  const time = new Date().toISOString();
  const line =
    state.logFormat === "JSON"
      ? JSON.stringify({ timestamp: time, level, requestId: state.requestId, message: text })
      : `${time}\t${state.requestId ?? "undefined"}\t${level}\t${text}`;
  send(OUT.LOG, {}, `${line}\n`);
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
  for (const stream of [process.stdout, process.stderr]) {
    stream.write = (chunk, encoding, done) => {
      const callback = typeof encoding === "function" ? encoding : done;
      send(
        OUT.LOG,
        {},
        typeof chunk === "string" ? Buffer.from(chunk, typeof encoding === "string" ? encoding : "utf8") : chunk,
      );
      if (callback) process.nextTick(callback);
      return true;
    };
  }
}
