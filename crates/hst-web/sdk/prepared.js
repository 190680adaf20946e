import { Peer } from './peer.js';

/** @typedef {{ group: string, peer: Peer }} Prepared the connection for the media of a group that may be joined next */

/**
 * Connects for the media of a group before it is joined. Nothing is carried, and nobody in the group is told.
 * @param {string} group
 * @param {import('./signal.js').Signal} signal
 * @param {RTCIceServer[]} iceServers that everybody may use
 * @returns {Prepared}
 */
export function prepare(group, signal, iceServers) {
  const peer = new Peer({
    iceServers: [...iceServers, ...signal.iceServers],
    // Whether the group is encrypted is decided as it is joined.
    seals: null,
    ask: async ({ generation, sdp }) => (await signal.request({ prepare: { group, generation, sdp } })).sdp,
    // Who joins connects anew where this has not come about.
    onTrouble: () => {},
  });
  peer.prepare();
  return { group, peer };
}
