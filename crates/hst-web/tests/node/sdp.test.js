import assert from 'node:assert/strict';
import { test } from 'node:test';

import { beginWith } from '../../sdk/sdp.js';

const ANSWER = [
  'v=0',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111',
  'a=recvonly',
  'a=rtpmap:111 opus/48000/2',
  'm=video 9 UDP/TLS/RTP/SAVPF 96 97 102',
  'a=recvonly',
  'a=rtpmap:96 VP8/90000',
  'a=rtpmap:97 rtx/90000',
  'a=fmtp:97 apt=96',
  'a=rtpmap:102 H264/90000',
  'a=fmtp:102 packetization-mode=1',
  'm=video 9 UDP/TLS/RTP/SAVPF 96',
  'a=sendonly',
  'a=rtpmap:96 VP8/90000',
  '',
].join('\r\n');

test('a browser is told how fast to begin, for the pictures that it sends', () => {
  const expected = ANSWER.replace('VP8/90000', 'VP8/90000\r\na=fmtp:96 x-google-start-bitrate=640').replace(
    'packetization-mode=1',
    'packetization-mode=1;x-google-start-bitrate=640',
  );
  assert.equal(beginWith(ANSWER, 639.6), expected);
  assert.equal(beginWith('v=0\r\n', 640), 'v=0\r\n');
});
