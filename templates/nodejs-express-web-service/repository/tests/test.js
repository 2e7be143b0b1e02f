'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { handler } = require('../index.js');

/** Calls the function as its API does. */
const call = (httpMethod, { accept = 'application/json', body = null } = {}) =>
  handler(
    {
      httpMethod,
      path: '/',
      headers: { accept, 'content-type': 'application/json' },
      multiValueHeaders: {},
      queryStringParameters: null,
      requestContext: {},
      body,
      isBase64Encoded: false,
    },
    {},
  );

test('GET / answers JSON to a program', async () => {
  const { statusCode, body } = await call('GET');
  assert.equal(statusCode, 200);
  const { output, timestamp } = JSON.parse(body);
  assert.equal(output, 'Hello World');
  assert.ok(!Number.isNaN(Date.parse(timestamp)));
});

test('GET / answers a page to a browser', async () => {
  const { statusCode, headers, body } = await call('GET', { accept: 'text/html' });
  assert.equal(statusCode, 200);
  assert.match(headers['content-type'], /^text\/html/);
  assert.match(body, /<h1>Hello World<\/h1>/);
});

test('POST / says what it was sent', async () => {
  const { statusCode, body } = await call('POST', { body: JSON.stringify({ name: 'you' }) });
  assert.equal(statusCode, 200);
  assert.deepEqual(JSON.parse(body).received, { name: 'you' });
});
