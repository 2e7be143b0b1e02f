"""A small web service: answers GET and POST / with JSON."""

import base64
import datetime
import json


def handler(event, context):
    """What API Gateway calls for each request."""
    answer = {
        "output": "Hello World",
        "timestamp": datetime.datetime.now(datetime.timezone.utc).isoformat(),
    }
    if event.get("httpMethod") == "POST":
        try:
            answer["received"] = received(event)
        except ValueError:
            return respond(400, {"error": "The body is not JSON."})
    return respond(200, answer)


def received(event):
    """The body of a request, read as JSON."""
    body = event.get("body") or "null"
    if event.get("isBase64Encoded"):
        body = base64.b64decode(body)
    return json.loads(body)


def respond(status, answer):
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json", "Cache-Control": "no-store"},
        "body": json.dumps(answer),
    }
