'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const sharp = require('sharp');
const { resize, thumbnailKey } = require('../resize');

const picture = (width, height) =>
  sharp({ create: { width, height, channels: 3, background: { r: 40, g: 140, b: 220 } } }).jpeg().toBuffer();

test('a large image becomes one of 320 pixels, its shape kept', async () => {
  const { width, height, format } = await sharp(await resize(await picture(1600, 800))).metadata();
  assert.deepEqual([width, height, format], [320, 160, 'webp']);
});

test('a small image is not blown up', async () => {
  assert.equal((await sharp(await resize(await picture(60, 40))).metadata()).width, 60);
});

test('what is no image is refused', async () => {
  await assert.rejects(resize(Buffer.from('hello')));
});

test('a thumbnail is named after its image', () => {
  assert.equal(thumbnailKey('a/b.jpg'), 'a/b.jpg.webp');
});
