import { FrameCryptor } from './cryptor.js';
import { GroupKey } from './group_key.js';

/**
 * @typedef {import('./sealing.js').Kind} Kind
 * @typedef {{ userId: string, mediaType: number, mediaId: string }} Media
 *
 * A key of a group: bytes or a passphrase, and how often it is ratcheted before it is used.
 * @typedef {{ id: number, key: Uint8Array<ArrayBuffer> | string, steps: number }} Key
 *
 * @typedef {object} Order what the engine asks of this worker
 * @property {{ group: string, user: string, isExchanged: boolean }} [enter] a group is joined; nothing of the one before is known any more
 * @property {Key} [key] to be used from now on
 * @property {string} [of] whose key that is, where each member has his own
 * @property {true} [ratchet]
 * @property {string} [forget] whose keys are of no use any more
 */

/** The group that is joined. */
let group = '';
/** Of that group. @type {Promise<FrameCryptor>} */
let cryptor = new Promise(() => {});
/** What the lines that receive carry, by their numbers. @type {Map<number, Media>} */
const carried = new Map();
/** One order is carried out after the other. @type {Promise<unknown>} */
let orders = Promise.resolve();

/**
 * @param {Order} order
 * @returns {Promise<number | null>} the number of the key in use
 */
async function obey({ enter, key, of, ratchet, forget }) {
  if (enter && key) {
    group = enter.group;
    const { user, isExchanged } = enter;
    // Frames wait until the key is there.
    cryptor = turn(isExchanged ? FrameCryptor.inExchange(group, user) : new FrameCryptor(group, user), key);
  } else if (key) {
    await turn(await cryptor, key, of);
  } else if (ratchet) {
    await (await cryptor).ratchet();
  } else if (forget) {
    (await cryptor).forget(forget);
  }
  return (await cryptor).keyId;
}

/**
 * @param {FrameCryptor} cryptor
 * @param {Key} next
 * @param {string} [of]
 */
async function turn(cryptor, { id, key, steps }, of) {
  let groupKey = await GroupKey.of(key, group);
  for (let step = 0; step < steps; step += 1) groupKey = await groupKey.ratcheted();
  if (of) cryptor.setKeyOf(of, id, groupKey);
  else cryptor.setKey(id, groupKey);
  return cryptor;
}

/**
 * Encrypts each frame of a line. What cannot be encrypted is not sent.
 * @param {Kind} kind
 */
function sealing(kind) {
  return async (/** @type {any} */ frame, /** @type {TransformStreamDefaultController} */ line) => {
    const sealed = await (await cryptor).seal(kind, new Uint8Array(frame.data));
    if (!sealed) return;
    frame.data = sealed.buffer;
    line.enqueue(frame);
  };
}

/**
 * Decrypts each frame of a line, and tells when that begins to succeed or to fail. What cannot be decrypted is not shown.
 * @param {Kind} kind
 * @param {number} number of the line
 * @param {any} transformer
 */
function opening(kind, number, transformer) {
  /** What came last, and how it went with that. @type {{ media?: Media, decrypted?: boolean }} */
  let last = {};
  const tell = (/** @type {Media} */ media, /** @type {boolean} */ decrypted) => {
    if (last.media !== media || last.decrypted !== decrypted) postMessage({ told: { ...media, decrypted } });
    last = { media, decrypted };
  };
  return async (/** @type {any} */ frame, /** @type {TransformStreamDefaultController} */ line) => {
    const media = carried.get(number);
    if (!media) return;
    const opened = await (await cryptor).open(media.userId, kind, new Uint8Array(frame.data));
    // It was shown when it came for the first time.
    if (opened === 'replayed') return;
    if (typeof opened === 'string') return tell(media, false);
    // Pictures between the last one that was shown and this one are missing.
    if (last.decrypted === false && frame.type === 'delta') transformer.sendKeyFrameRequest().catch(() => {});
    tell(media, true);
    frame.data = opened.buffer;
    line.enqueue(frame);
  };
}

Object.assign(globalThis, {
  onmessage: (/** @type {MessageEvent<any>} */ { data: { line, media, call, ...order } }) => {
    if (line) return carried.set(line, media);
    const done = orders.then(() => obey(order));
    orders = done.catch(() => {});
    done.then(
      (keyId) => postMessage({ call, keyId }),
      (error) => postMessage({ call, error: String(error) }),
    );
  },
  onrtctransform: (/** @type {any} */ { transformer }) => {
    const { line, way, kind } = transformer.options;
    const transform = way === 'send' ? sealing(kind) : opening(kind, line, transformer);
    const { readable, writable } = transformer;
    // It ends with the line.
    readable.pipeThrough(new TransformStream({ transform })).pipeTo(writable).catch(() => {});
  },
});
postMessage({ ready: true });
