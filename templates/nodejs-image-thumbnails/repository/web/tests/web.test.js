'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { page, upload } = require('../index');

test('GET / answers the page as HTML', async () => {
  const { statusCode, body } = await page();
  assert.equal(statusCode, 200);
  assert.match(body, /<title>[^<]+<\/title>/);
});

test('an upload without an image is refused', async () => {
  assert.equal((await upload({ body: '{}' })).statusCode, 400);
});
