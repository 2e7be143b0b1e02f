'use strict';

const assert = require('node:assert/strict');
const { existsSync } = require('node:fs');
const { join } = require('node:path');
const { test } = require('node:test');
const { get } = require('../index.js');

test('GET / answers the page as HTML', async () => {
  const { statusCode, headers, body } = await get();
  assert.equal(statusCode, 200);
  assert.match(headers['Content-Type'], /^text\/html/);
  assert.match(body, /<title>[^<]+<\/title>/);
});

test('every asset that the page names is there', async () => {
  const { body } = await get();
  const assets = [...body.matchAll(/(?:src|href)="(assets\/[^"]+)"/g)].map((match) => match[1]);
  assert.ok(assets.length > 0);
  for (const asset of assets) assert.ok(existsSync(join(__dirname, '..', 'public', asset)), `${asset} is missing`);
});
