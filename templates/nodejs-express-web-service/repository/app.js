'use strict';

const express = require('express');
const { page } = require('./page.js');

const app = express();
app.disable('x-powered-by');
app.use(express.json());

/** A program that asks for JSON gets JSON; a browser gets a page. */
app.get('/', (request, response) => {
  const answer = { output: 'Hello World', timestamp: new Date().toISOString() };
  response.format({
    json: () => response.json(answer),
    html: () => response.send(page(answer)),
  });
});

/** Says what it was sent. */
app.post('/', (request, response) => {
  response.json({ output: 'Hello World', received: request.body ?? null });
});

module.exports = app;
