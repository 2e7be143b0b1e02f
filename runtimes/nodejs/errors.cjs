"use strict";
// Errors in the shape in which Lambda's Node.js runtime reports them.
exports.errorBody = errorBody;

function errorBody(error) {
  if (error instanceof Error || (error && typeof error === "object" && "message" in error && "stack" in error)) {
    const errorType = error.name === "Error" || !error.name ? (error.constructor?.name ?? "Error") : error.name;
    const body = {
      errorType: error.name?.startsWith("Runtime.") ? error.name : errorType,
      errorMessage: String(error.message),
      trace: String(error.stack).split("\n"),
    };
    return error.reason === undefined ? body : { ...body, reason: errorBody(error.reason) };
  }
  return { errorType: typeof error, errorMessage: typeof error === "string" ? error : String(error), trace: [] };
}
