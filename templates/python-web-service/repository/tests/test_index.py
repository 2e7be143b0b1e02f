import datetime
import json
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
sys.dont_write_bytecode = True

import index  # noqa: E402


class HandlerTest(unittest.TestCase):
    def test_get_says_hello_and_when(self):
        response = index.handler({"httpMethod": "GET"}, None)
        answer = json.loads(response["body"])
        self.assertEqual(response["statusCode"], 200)
        self.assertEqual(answer["output"], "Hello World")
        datetime.datetime.fromisoformat(answer["timestamp"])

    def test_post_says_what_it_was_sent(self):
        response = index.handler({"httpMethod": "POST", "body": '{"name": "you"}'}, None)
        self.assertEqual(json.loads(response["body"])["received"], {"name": "you"})

    def test_a_body_that_is_not_json_is_the_callers_fault(self):
        self.assertEqual(index.handler({"httpMethod": "POST", "body": "{"}, None)["statusCode"], 400)


if __name__ == "__main__":
    unittest.main()
