/**
 * @typedef {import('./seals.js').Seals} Seals
 *
 * @typedef {object} Extensible a transceiver, as far as the declarations of TypeScript are behind it
 * @property {() => { uri: string, direction: RTCRtpTransceiverDirection }[]} getHeaderExtensionsToNegotiate
 * @property {(extensions: { uri: string, direction: RTCRtpTransceiverDirection }[]) => void} setHeaderExtensionsToNegotiate
 */

/** The codecs of pictures that an application may ask for. */
const PICTURES = ['VP8', 'H264', 'VP9', 'AV1'];

/** By which senders tell of a stream of AV1 which frames need which: nothing else tells its layers apart. */
const DESCRIPTOR = 'https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension';

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
  return PICTURES.includes(wanted) ? wanted : null;
}

/**
 * Whether the layers of a picture are in one stream (SVC).
 * @param {string} codec
 */
export function isLayered(codec) {
  return codec === 'VP9' || (codec === 'AV1' && canDescribe());
}

/**
 * Has a line for pictures offer dependency descriptors, which browsers leave out of lines that receive.
 * @param {RTCRtpTransceiver} transceiver
 */
export function describeLayers(transceiver) {
  if (!canDescribe()) return;
  const line = /** @type {RTCRtpTransceiver & Extensible} */ (transceiver);
  const extensions = line.getHeaderExtensionsToNegotiate();
  for (const extension of extensions) if (extension.uri === DESCRIPTOR) extension.direction = 'sendrecv';
  line.setHeaderExtensionsToNegotiate(extensions);
}

/** Whether the browser can be told which header extensions to offer. */
function canDescribe() {
  return 'setHeaderExtensionsToNegotiate' in (globalThis.RTCRtpTransceiver?.prototype ?? {});
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
