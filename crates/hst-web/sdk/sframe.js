/** AES_128_GCM_SHA256_128, by its number (RFC 9605 section 8.1). */
const CIPHER_SUITE = 4;
/** The bytes of its key and of its nonce. */
export const KEY_SIZE = 16;
const NONCE_SIZE = 12;

const text = new TextEncoder();

/**
 * The header of an encrypted frame (RFC 9605 section 4.3), in as few bytes as there can be.
 * @param {bigint} kid which key
 * @param {bigint} ctr which frame under that key
 */
export function encodeHeader(kid, ctr) {
  const [key, counter] = [field(kid), field(ctr)];
  return concat(Uint8Array.of((key.bits << 4) | counter.bits), key.bytes, counter.bytes);
}

/**
 * The header that a frame begins with; null when it is cut short.
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {{ kid: bigint, ctr: bigint, size: number } | null}
 */
export function decodeHeader(bytes) {
  if (bytes.length === 0) return null;
  let size = 1;
  const [kid, ctr] = [bytes[0] >> 4, bytes[0] & 0x0f].map((bits) => {
    if (bits < 8) return BigInt(bits);
    const start = size;
    size += bits - 7;
    return bytes.subarray(start, size).reduce((number, byte) => (number << 8n) | BigInt(byte), 0n);
  });
  return size <= bytes.length ? { kid, ctr, size } : null;
}

/** A key of SFrame with the salt of its nonces. It encrypts each counter once: whoever calls sees to that. */
export class SframeKey {
  #kid;
  #key;
  #salt;

  /**
   * @param {bigint} kid
   * @param {CryptoKey} key
   * @param {Uint8Array<ArrayBuffer>} salt
   */
  constructor(kid, key, salt) {
    this.#kid = kid;
    this.#key = key;
    this.#salt = salt;
  }

  /**
   * Derives both of a base key (RFC 9605 section 4.4.2).
   * @param {bigint} kid
   * @param {Uint8Array<ArrayBuffer>} baseKey
   */
  static async derive(kid, baseKey) {
    const secret = await secretOf(baseKey);
    const label = (/** @type {string} */ of) => concat(text.encode(of), number(kid, 8), number(CIPHER_SUITE, 2));
    const [key, salt] = await Promise.all([
      hkdf(secret, label('SFrame 1.0 Secret key '), KEY_SIZE),
      hkdf(secret, label('SFrame 1.0 Secret salt '), NONCE_SIZE),
    ]);
    const aes = await crypto.subtle.importKey('raw', key, 'AES-GCM', false, ['encrypt', 'decrypt']);
    return new SframeKey(kid, aes, salt);
  }

  /**
   * Encrypts, with the metadata under the same seal. The header comes first, the tag last.
   * @param {bigint} ctr
   * @param {Uint8Array<ArrayBuffer>} metadata
   * @param {Uint8Array<ArrayBuffer>} plain
   */
  async seal(ctr, metadata, plain) {
    const header = encodeHeader(this.#kid, ctr);
    const sealed = await crypto.subtle.encrypt(this.#cipher(ctr, header, metadata), this.#key, plain);
    return concat(header, new Uint8Array(sealed));
  }

  /**
   * Decrypts what follows a header of this key; null when of header, metadata and body one is not as it was sealed, or
   * the key is another one.
   * @param {bigint} ctr
   * @param {Uint8Array<ArrayBuffer>} metadata
   * @param {Uint8Array<ArrayBuffer>} body
   */
  async open(ctr, metadata, body) {
    const cipher = this.#cipher(ctr, encodeHeader(this.#kid, ctr), metadata);
    try {
      return new Uint8Array(await crypto.subtle.decrypt(cipher, this.#key, body));
    } catch {
      return null;
    }
  }

  /**
   * @param {bigint} ctr
   * @param {Uint8Array<ArrayBuffer>} header
   * @param {Uint8Array<ArrayBuffer>} metadata
   */
  #cipher(ctr, header, metadata) {
    const iv = number(ctr, NONCE_SIZE).map((byte, at) => byte ^ this.#salt[at]);
    return { name: 'AES-GCM', iv, additionalData: concat(header, metadata) };
  }
}

/**
 * A secret of which others can be derived.
 * @param {Uint8Array<ArrayBuffer>} bytes
 */
export function secretOf(bytes) {
  return crypto.subtle.importKey('raw', bytes, 'HKDF', false, ['deriveBits']);
}

/**
 * HKDF-SHA256 (RFC 5869) without a salt.
 * @param {CryptoKey} secret
 * @param {Uint8Array<ArrayBuffer>} info
 * @param {number} size in bytes
 */
export async function hkdf(secret, info, size) {
  const algorithm = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info };
  return new Uint8Array(await crypto.subtle.deriveBits(algorithm, secret, size * 8));
}

/**
 * @param {bigint | number} value
 * @param {number} size in bytes, the highest first
 */
export function number(value, size) {
  const bytes = new Uint8Array(size);
  let rest = BigInt(value);
  for (let at = size - 1; at >= 0; at -= 1, rest >>= 8n) bytes[at] = Number(rest & 0xffn);
  return bytes;
}

/** @param {...Uint8Array<ArrayBuffer>} parts */
export function concat(...parts) {
  const all = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/**
 * One number of a header: itself in three bits, or how many bytes of it follow.
 * @param {bigint} value
 */
function field(value) {
  if (value < 8n) return { bits: Number(value), bytes: new Uint8Array() };
  const size = Math.ceil(value.toString(16).length / 2);
  return { bits: 7 + size, bytes: number(value, size) };
}
