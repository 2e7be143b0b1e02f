'use strict';

const { randomUUID } = require('node:crypto');
const { readFileSync } = require('node:fs');
const { join } = require('node:path');

const page = readFileSync(join(__dirname, 'public', 'index.html'), 'utf8');
const SHOWN = 24;
/** A function takes 6 MB at most, and base64 makes four bytes of three. */
const MAX_BYTES = 4 * 1024 * 1024;

let client;
/** Made when it is first needed, so that the tests need no SDK. */
const s3 = () => (client ??= new (require('@aws-sdk/client-s3').S3)());

const answer = (statusCode, body, type = 'application/json') => ({
  statusCode,
  headers: { 'Content-Type': type, 'Cache-Control': 'no-cache' },
  body: typeof body === 'string' ? body : JSON.stringify(body),
});

/** GET /: the page. */
exports.page = async () => answer(200, page, 'text/html; charset=utf-8');

/** POST /images: puts the image, which comes as base64, into the images bucket. The bucket calls the other function. */
exports.upload = async (event) => {
  const { name, type, data } = JSON.parse(event.body ?? '{}');
  const image = Buffer.from(String(data ?? ''), 'base64');
  if (image.length === 0 || image.length > MAX_BYTES)
    return answer(400, { message: `An image of at most ${MAX_BYTES / 1024 ** 2} MB, please.` });
  const Key = `${Date.now()}-${randomUUID().slice(0, 8)}-${String(name ?? 'image').replace(/[^\w.-]+/g, '-').slice(-80)}`;
  await s3().putObject({
    Bucket: process.env.IMAGES_BUCKET,
    Key,
    Body: image,
    ContentType: String(type ?? 'application/octet-stream'),
  });
  return answer(202, { key: Key });
};

/** GET /thumbnails: the newest thumbnails, as data URLs. */
exports.thumbnails = async () => {
  const Bucket = process.env.THUMBNAILS_BUCKET;
  const { Contents = [] } = await s3().listObjectsV2({ Bucket });
  const newest = Contents.sort((a, b) => b.LastModified - a.LastModified).slice(0, SHOWN);
  const items = await Promise.all(
    newest.map(async ({ Key }) => {
      const { Body } = await s3().getObject({ Bucket, Key });
      return { key: Key, url: `data:image/webp;base64,${await Body.transformToString('base64')}` };
    }),
  );
  return answer(200, items);
};
