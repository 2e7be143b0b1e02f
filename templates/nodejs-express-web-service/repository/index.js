'use strict';

const serverless = require('serverless-http');
const app = require('./app.js');

/** Turns each call of the function into a request to the Express application, and its response back. */
exports.handler = serverless(app);
