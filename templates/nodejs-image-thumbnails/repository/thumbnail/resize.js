'use strict';

const sharp = require('sharp');

/** The longest side of a thumbnail, in pixels. */
const SIDE = 320;

/** Makes a small WebP of an image, upright as the camera was held. */
exports.resize = (image) =>
  sharp(image).rotate().resize({ width: SIDE, height: SIDE, fit: 'inside', withoutEnlargement: true }).webp().toBuffer();

/** The key of an image's thumbnail. */
exports.thumbnailKey = (key) => `${key}.webp`;
