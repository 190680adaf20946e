import { FIRST, pictureCodec } from './codecs.js';
import { ErrorCode, HstRtcError } from './errors.js';
import { MediaType } from './ids.js';

/**
 * @typedef {object} Picture size and pace of a published picture
 * @property {number} width
 * @property {number} height
 * @property {number} frameRate
 * @property {number} bitRate in kbit/s; 0 takes the platform's value for size and pace
 * @property {string} codec
 */

/** @type {Readonly<Picture>} */
const CAMERA = Object.freeze({ width: 640, height: 480, frameRate: 15, bitRate: 0, codec: FIRST });
/** @type {Readonly<Picture>} */
const SCREEN = Object.freeze({ width: 1920, height: 1080, frameRate: 15, bitRate: 0, codec: FIRST });

const NUMBERS = /** @type {const} */ (['width', 'height', 'frameRate', 'bitRate']);

/**
 * Fills in what the application left out.
 * @param {number} type
 * @param {unknown} options
 * @returns {Picture}
 */
export function parsePicture(type, options) {
  const picture = { ...(type === MediaType.SCREEN_SHARE ? SCREEN : CAMERA) };
  const given = /** @type {Record<string, unknown>} */ (options ?? {});
  for (const name of NUMBERS) {
    const value = given[name];
    if (value === undefined) continue;
    if (typeof value !== 'number' || !(value >= 0)) {
      throw new HstRtcError(ErrorCode.INVALID_ARGUMENT, `${name} is a number, such as ${picture[name]}`);
    }
    if (value > 0) picture[name] = value;
  }
  if (given.codec !== undefined) {
    const codec = pictureCodec(given.codec);
    if (!codec) throw new HstRtcError(ErrorCode.INVALID_ARGUMENT, 'codec is VP8, H264, VP9 or AV1');
    picture.codec = codec;
  }
  return picture;
}

const FRAME_RATES = [5, 10, 15, 18, 20, 25, 30];
/** The platform's bit rates in kbit/s: for pictures up to an area, one number for each of the frame rates. */
const BIT_RATES = [
  { area: 328 * 240, kbps: [50, 100, 150, 180, 200, 250, 300] },
  { area: 480 * 360, kbps: [87, 173, 261, 314, 346, 434, 521] },
  { area: 640 * 480, kbps: [120, 240, 360, 432, 460, 600, 720] },
  { area: 800 * 600, kbps: [187, 375, 563, 675, 700, 900, 1125] },
  { area: 1280 * 720, kbps: [239, 479, 719, 863, 900, 1100, 1400] },
  { area: 1440 * 900, kbps: [384, 768, 1153, 1383, 1537, 1921, 2305] },
  { area: 1920 * 1080, kbps: [480, 960, 1440, 1728, 1920, 2400, 3000] },
];

/**
 * The bit rate to send a picture with, in kbit/s.
 * @param {Picture} picture
 */
export function bitRateOf({ width, height, frameRate, bitRate }) {
  if (bitRate > 0) return bitRate;
  const row = BIT_RATES.find(({ area }) => area >= width * height) ?? BIT_RATES[BIT_RATES.length - 1];
  const column = FRAME_RATES.findIndex((rate) => rate >= frameRate);
  return row.kbps[column < 0 ? FRAME_RATES.length - 1 : column];
}
