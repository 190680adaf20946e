/** @typedef {import('./seals.js').Seals} Seals */

/**
 * The codecs of pictures that an application may ask for, each with whether its layers are in one stream (SVC). Those of AV1
 * are not: Chromium tells them apart only by dependency descriptors, which those who receive do not offer.
 */
const PICTURES = new Map([
  ['VP8', false],
  ['H264', false],
  ['VP9', true],
  ['AV1', false],
]);

/** What pictures are sent in unless it is asked for something else: everybody shows it. */
export const FIRST = 'VP8';

/**
 * Codecs in order of preference. All others stay out of the offer, which grows with each of them and each line. A browser
 * repeats sound in the packets that follow it (RED) only where that is preferred to the plain one.
 */
const CODECS = [
  { mimeType: 'audio/red' },
  { mimeType: 'audio/opus' },
  { mimeType: 'video/VP8' },
  { mimeType: 'video/H264', fmtp: /packetization-mode=1/ },
  { mimeType: 'video/VP9', fmtp: /profile-id=0/ },
  { mimeType: 'video/AV1' },
  { mimeType: 'video/rtx' },
];

/**
 * The name of a codec for pictures, as it is written here; null is none that is known.
 * @param {unknown} name
 */
export function pictureCodec(name) {
  const wanted = typeof name === 'string' ? name.toUpperCase() : '';
  return PICTURES.has(wanted) ? wanted : null;
}

/**
 * Whether the layers of a picture are in one stream.
 * @param {string} codec
 */
export function isLayered(codec) {
  return PICTURES.get(codec) === true;
}

/**
 * The codec that a picture is sent in: the one that is wanted, if this browser can and the group's encryption allows it.
 * @param {string} wanted
 * @param {Seals | null} seals
 */
export function sendable(wanted, seals) {
  const mimeType = `video/${wanted}`.toLowerCase();
  const known = RTCRtpSender.getCapabilities?.('video')?.codecs ?? [];
  const canSend = known.some((codec) => codec.mimeType.toLowerCase() === mimeType);
  return canSend && (seals?.canSeal(mimeType) ?? true) ? wanted : FIRST;
}

/**
 * Has a line offer our codecs alone.
 * @param {RTCRtpTransceiver} transceiver
 * @param {'audio' | 'video'} kind
 * @param {Seals | null} seals
 * @param {string} [only] the codec of its pictures: the server answers in an order of its own, and the first one is sent
 */
export function preferCodecs(transceiver, kind, seals, only) {
  if (!transceiver.setCodecPreferences) return;
  const known = RTCRtpReceiver.getCapabilities(kind)?.codecs ?? [];
  const names = only ? [`video/${only}`, 'video/rtx'] : CODECS.map(({ mimeType }) => mimeType);
  const wanted = CODECS.filter(({ mimeType }) => names.includes(mimeType) && (seals?.canSeal(mimeType) ?? true));
  const preferred = wanted.flatMap(({ mimeType, fmtp }) =>
    known.filter(
      (codec) =>
        codec.mimeType.toLowerCase() === mimeType.toLowerCase() && (!fmtp || fmtp.test(codec.sdpFmtpLine ?? '')),
    ),
  );
  try {
    if (preferred.length > 0) transceiver.setCodecPreferences(preferred);
  } catch {
    // The browser's own order will do.
  }
}
