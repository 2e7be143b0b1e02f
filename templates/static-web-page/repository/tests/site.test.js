'use strict';

const assert = require('node:assert/strict');
const { existsSync, readdirSync, readFileSync } = require('node:fs');
const { dirname, join } = require('node:path');
const { test } = require('node:test');
const { get } = require('../site.js');

const root = join(__dirname, '..', 'public');

test('the home page is at /, and at its own name', async () => {
  const home = await get({ pathParameters: null });
  assert.equal(home.statusCode, 200);
  assert.match(home.body, /<title>[^<]+<\/title>/);
  assert.equal((await get({ pathParameters: { page: 'index.html' } })).body, home.body);
});

test('a page that is not there is answered with 404', async () => {
  assert.equal((await get({ pathParameters: { page: 'no/such/page' } })).statusCode, 404);
});

for (const file of readdirSync(root, { recursive: true }).filter((name) => name.endsWith('.html'))) {
  test(`${file}: what it loads is there`, () => {
    const html = readFileSync(join(root, file), 'utf8');
    const assets = [...html.matchAll(/(?:src|href)="(assets\/[^"]+)"/g)].map((match) => match[1]);
    for (const asset of assets) assert.ok(existsSync(join(root, asset)), `${asset} is missing`);
    assert.ok(!/(?:src|href)="\.\.\/assets/.test(html), `${join(dirname(file))}: write assets/..., the build makes it absolute`);
  });
}
