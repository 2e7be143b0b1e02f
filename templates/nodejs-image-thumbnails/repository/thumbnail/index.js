'use strict';

const { S3 } = require('@aws-sdk/client-s3');
const { resize, thumbnailKey } = require('./resize');

const s3 = new S3();

/** Called by the images bucket for every object that is put into it. */
exports.handler = async (event) => {
  for (const { s3: { bucket, object } } of event.Records) {
    // Keys come encoded as in a form: a space is a plus sign.
    const Key = decodeURIComponent(object.key.replaceAll('+', ' '));
    const { Body } = await s3.getObject({ Bucket: bucket.name, Key });
    const thumbnail = await resize(await Body.transformToByteArray());
    await s3.putObject({
      Bucket: process.env.THUMBNAILS_BUCKET,
      Key: thumbnailKey(Key),
      Body: thumbnail,
      ContentType: 'image/webp',
    });
    console.log(`${Key}: ${object.size} bytes became ${thumbnail.length}`);
  }
};
