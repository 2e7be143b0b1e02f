'use strict';

// Hands out the pages of public/. You need not touch this file to change the site.
const { readFileSync, readdirSync } = require('node:fs');
const { join, sep } = require('node:path');

const root = join(__dirname, 'public');

/** Every page by its path: `about.html` is at /about and at /about.html. */
const pages = new Map();
for (const file of readdirSync(root, { recursive: true })) {
  if (!file.endsWith('.html')) continue;
  const path = file.split(sep).join('/');
  const html = readFileSync(join(root, file), 'utf8');
  pages.set(path, html);
  pages.set(path.slice(0, -'.html'.length), html);
  if (path === 'index.html') pages.set('', html);
  else if (path.endsWith('/index.html')) pages.set(path.slice(0, -'/index.html'.length), html);
}

const respond = (statusCode, body) => ({
  statusCode,
  headers: { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-cache' },
  body,
});

/** Answers GET / and GET /<page>. */
exports.get = async (event) => {
  const path = (event?.pathParameters?.page ?? '').replace(/\/+$/, '');
  const page = pages.get(path);
  return page === undefined ? respond(404, pages.get('404') ?? 'There is no such page.') : respond(200, page);
};
