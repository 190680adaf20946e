import { concat } from './sframe.js';

/**
 * A header of Opus that says 20 ms in two frames, of which the first is longer than any packet (RFC 6716 sections 3.1 and
 * 3.2.5): whoever forwards it takes it for sound, and a decoder without the key refuses it and makes no noise.
 */
const OPUS_PREFIX = Uint8Array.of(0xf3, 0x82, 0xff, 0xff);

/** The uncompressed data chunk of VP8 (RFC 6386 section 9.1), of a keyframe and of others. */
const KEYFRAME_PREFIX = 10;
const VP8_PREFIX = 3;
/** Where a keyframe has its start code, which is the same in all of them. */
const CODE_AT = 3;
const START_CODE = Uint8Array.of(0x9d, 0x01, 0x2a);
/** What stands in its place in an encrypted one: a decoder without the key refuses it and shows no noise. */
const MARK = new TextEncoder().encode('SFr');

/** @typedef {'audio' | 'video'} Kind sound is Opus, pictures are VP8 */

/**
 * Parts a frame into what leads its encrypted form and what is to be encrypted; null if it is of another codec.
 * @param {Kind} kind
 * @param {Uint8Array<ArrayBuffer>} frame
 */
export function split(kind, frame) {
  if (kind === 'audio') return frame.length === 0 ? null : { prefix: OPUS_PREFIX, body: frame };
  const parts = partPicture(frame);
  if (!parts || !hasKeyframe(parts.prefix)) return parts;
  return startsWith(parts.prefix, START_CODE, CODE_AT) ? { ...parts, prefix: put(MARK, parts.prefix) } : null;
}

/**
 * Parts an encrypted frame into its prefix and what is encrypted; null if it is none of this kind.
 * @param {Kind} kind
 * @param {Uint8Array<ArrayBuffer>} sealed
 */
export function splitSealed(kind, sealed) {
  if (kind === 'audio') {
    return startsWith(sealed, OPUS_PREFIX, 0) ? { prefix: OPUS_PREFIX, body: sealed.subarray(OPUS_PREFIX.length) } : null;
  }
  const parts = partPicture(sealed);
  return !parts || !hasKeyframe(parts.prefix) || startsWith(parts.prefix, MARK, CODE_AT) ? parts : null;
}

/**
 * The frame of the prefix of its encrypted form and what was encrypted.
 * @param {Kind} kind
 * @param {Uint8Array<ArrayBuffer>} prefix
 * @param {Uint8Array<ArrayBuffer>} opened
 */
export function join(kind, prefix, opened) {
  if (kind === 'audio') return opened;
  return concat(hasKeyframe(prefix) ? put(START_CODE, prefix) : prefix, opened);
}

/** @param {Uint8Array<ArrayBuffer>} frame */
function partPicture(frame) {
  if (frame.length === 0) return null;
  const size = hasKeyframe(frame) ? KEYFRAME_PREFIX : VP8_PREFIX;
  return frame.length < size ? null : { prefix: frame.subarray(0, size), body: frame.subarray(size) };
}

/**
 * The lowest bit of a picture is the inverse key frame flag.
 * @param {Uint8Array<ArrayBuffer>} frame
 */
function hasKeyframe(frame) {
  return (frame[0] & 1) === 0;
}

/**
 * @param {Uint8Array<ArrayBuffer>} code
 * @param {Uint8Array<ArrayBuffer>} prefix
 */
function put(code, prefix) {
  const other = prefix.slice();
  other.set(code, CODE_AT);
  return other;
}

/**
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {Uint8Array<ArrayBuffer>} code
 * @param {number} at
 */
function startsWith(bytes, code, at) {
  return bytes.length >= at + code.length && code.every((byte, index) => bytes[at + index] === byte);
}
