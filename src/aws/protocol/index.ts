/** AWS's protocols: requests in, responses out. What the front door and the in-process client use. */
export { decodeRequest, formOf, type DecodeRoute } from "./decode-request.ts";
export { encodeError, type ErrorContext } from "./encode-error.ts";
export { encodeResponse, type EncodeRoute } from "./encode-response.ts";
export { headerOf, type HttpRequest, type HttpResponse } from "./http-message.ts";
export { validateInput } from "./validate.ts";
