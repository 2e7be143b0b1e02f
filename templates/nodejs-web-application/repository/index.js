'use strict';

const { readFileSync } = require('node:fs');
const { join } = require('node:path');

// Read once, when the function starts: every release brings a new page, and with it a new version of the function.
const page = readFileSync(join(__dirname, 'public', 'index.html'), 'utf8');

/** Answers GET / with the page. */
exports.get = async () => ({
  statusCode: 200,
  headers: { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-cache' },
  body: page,
});
