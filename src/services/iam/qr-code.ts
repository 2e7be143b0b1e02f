import { crc32, deflateSync } from "node:zlib";

/**
 * A QR code (ISO/IEC 18004) of one size, which holds every address that an authenticator app is given: version 9 with
 * error correction L and mask 0.
 */
const SIZE = 53;
const DATA_CODEWORDS = 232;
const BLOCKS = 2;
const EC_CODEWORDS = 30;
const ALIGNMENT = [6, 26, 46];
/** Level L and mask 0 with their error correction. */
const FORMAT_BITS = 0x77c4;
/** Version 9 with its error correction. */
const VERSION_BITS = 0x09a99;
/** Bytes of text that fit: without the mode's four bits and the length's eight. */
export const MAX_QR_BYTES = DATA_CODEWORDS - 2;
const SCALE = 4;
const QUIET = 4;

/** Modules that are set, and those that hold no data. */
interface Matrix {
  readonly dark: Uint8Array;
  readonly fixed: Uint8Array;
}

/** The PNG of a QR code with this text. */
export function qrCodePng(text: string): Buffer {
  const bytes = Buffer.from(text);
  if (bytes.length > MAX_QR_BYTES) throw new RangeError(`a QR code here holds at most ${MAX_QR_BYTES} bytes`);
  const matrix = frame();
  placeData(matrix, interleave(codewords(bytes)));
  return png(matrix);
}

function codewords(bytes: Buffer): number[] {
  // Byte mode (0100), the length, the text, and four zero bits as its end.
  const nibbles = [4, bytes.length >> 4, bytes.length & 15, ...[...bytes].flatMap((b) => [b >> 4, b & 15]), 0];
  const words = Array.from({ length: nibbles.length / 2 }, (_, i) => (nibbles[2 * i]! << 4) | nibbles[2 * i + 1]!);
  for (let i = 0; words.length < DATA_CODEWORDS; i++) words.push(i % 2 ? 0x11 : 0xec);
  return words;
}

/** The blocks' words in turn, data first, then error correction. */
function interleave(words: readonly number[]): number[] {
  const length = DATA_CODEWORDS / BLOCKS;
  const blocks = Array.from({ length: BLOCKS }, (_, i) => words.slice(i * length, (i + 1) * length));
  const turns = (parts: readonly number[][]): number[] => parts[0]!.flatMap((_, i) => parts.map((part) => part[i]!));
  return [...turns(blocks), ...turns(blocks.map(errorCorrection))];
}

function multiply(x: number, y: number): number {
  let product = 0;
  for (let bit = 7; bit >= 0; bit--) {
    product = (product << 1) ^ ((product >> 7) * 0x11d);
    if ((y >> bit) & 1) product ^= x;
  }
  return product;
}

/** Reed-Solomon remainder over GF(256). */
function errorCorrection(block: readonly number[]): number[] {
  const divisor = new Uint8Array(EC_CODEWORDS);
  divisor[EC_CODEWORDS - 1] = 1;
  for (let i = 0, root = 1; i < EC_CODEWORDS; i++, root = multiply(root, 2)) {
    for (let j = 0; j < EC_CODEWORDS; j++) divisor[j] = multiply(divisor[j]!, root) ^ (divisor[j + 1] ?? 0);
  }
  const rest: number[] = Array.from({ length: EC_CODEWORDS }, () => 0);
  for (const word of block) {
    const factor = word ^ rest.shift()!;
    rest.push(0);
    divisor.forEach((value, i) => (rest[i] = rest[i]! ^ multiply(value, factor)));
  }
  return rest;
}

/** All that is the same in each code of this version. */
function frame(): Matrix {
  const matrix: Matrix = { dark: new Uint8Array(SIZE * SIZE), fixed: new Uint8Array(SIZE * SIZE) };
  const set = (x: number, y: number, dark: boolean): void => {
    if (x < 0 || y < 0 || x >= SIZE || y >= SIZE) return;
    matrix.dark[y * SIZE + x] = Number(dark);
    matrix.fixed[y * SIZE + x] = 1;
  };
  const square = (cx: number, cy: number, reach: number, light: readonly number[]): void => {
    for (let dy = -reach; dy <= reach; dy++)
      for (let dx = -reach; dx <= reach; dx++)
        set(cx + dx, cy + dy, !light.includes(Math.max(Math.abs(dx), Math.abs(dy))));
  };
  for (let i = 0; i < SIZE; i++) for (const [x, y] of [[i, 6] as const, [6, i] as const]) set(x, y, i % 2 === 0);
  for (const [x, y] of [[3, 3] as const, [SIZE - 4, 3] as const, [3, SIZE - 4] as const]) square(x, y, 4, [2, 4]);
  const [first, , last] = ALIGNMENT as [number, number, number];
  for (const x of ALIGNMENT)
    for (const y of ALIGNMENT) {
      const isInFinder = (x === first && y === first) || (x === first && y === last) || (x === last && y === first);
      if (!isInFinder) square(x, y, 2, [1]);
    }
  drawFormat(set);
  for (let i = 0; i < 18; i++) {
    const dark = ((VERSION_BITS >> i) & 1) === 1;
    const [a, b] = [SIZE - 11 + (i % 3), Math.floor(i / 3)];
    set(a, b, dark);
    set(b, a, dark);
  }
  return matrix;
}

function drawFormat(set: (x: number, y: number, dark: boolean) => void): void {
  const bit = (i: number): boolean => ((FORMAT_BITS >> i) & 1) === 1;
  for (let i = 0; i < 6; i++) set(8, i, bit(i));
  set(8, 7, bit(6));
  set(8, 8, bit(7));
  set(7, 8, bit(8));
  for (let i = 9; i < 15; i++) set(14 - i, 8, bit(i));
  for (let i = 0; i < 8; i++) set(SIZE - 1 - i, 8, bit(i));
  for (let i = 8; i < 15; i++) set(8, SIZE - 15 + i, bit(i));
  set(8, SIZE - 8, true);
}

/** Lays the bits in columns of two, up and down from the right, and turns those that mask 0 says. */
function placeData({ dark, fixed }: Matrix, words: readonly number[]): void {
  let i = 0;
  for (let right = SIZE - 1; right >= 1; right -= 2) {
    if (right === 6) right = 5;
    for (let step = 0; step < SIZE; step++) {
      for (const x of [right, right - 1]) {
        const y = ((right + 1) & 2) === 0 ? SIZE - 1 - step : step;
        if (fixed[y * SIZE + x]) continue;
        const bit = i < words.length * 8 ? (words[i >> 3]! >> (7 - (i & 7))) & 1 : 0;
        dark[y * SIZE + x] = bit ^ Number((x + y) % 2 === 0);
        i++;
      }
    }
  }
}

function png({ dark }: Matrix): Buffer {
  const width = (SIZE + 2 * QUIET) * SCALE;
  const isDark = (x: number, y: number): boolean =>
    x >= 0 && y >= 0 && x < SIZE && y < SIZE && dark[y * SIZE + x] === 1;
  const rows = Buffer.alloc((width + 1) * width, 0xff);
  for (let y = 0; y < width; y++) {
    rows[y * (width + 1)] = 0;
    for (let x = 0; x < width; x++)
      if (isDark(Math.floor(x / SCALE) - QUIET, Math.floor(y / SCALE) - QUIET)) rows[y * (width + 1) + 1 + x] = 0;
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(width, 4);
  head[8] = 8; // bits of a sample; the colour type behind it is 0, grey
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk("IHDR", head),
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}
