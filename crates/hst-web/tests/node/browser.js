// What the engine needs of a browser, over a virtual clock and a server of ours. Media are names only.

import { VirtualClock } from './time.js';
import { Server } from './server.js';

/**
 * Puts the browser into the globals.
 * @returns {Promise<{ clock: VirtualClock, server: Server, peers: any[], faults: any[], HstRtcEngine: any }>}
 */
export async function browse(random) {
  const clock = new VirtualClock();
  const server = new Server(clock, random);
  const peers = [];
  const globals = {
    setTimeout: (run, ms = 0) => clock.after(ms, run),
    clearTimeout: (cancel) => cancel?.(),
    performance: { now: () => clock.now() },
    // The next task is a real one.
    MessageChannel: class {
      port1 = { onmessage: null, close() {} };
      port2 = { postMessage: () => setImmediate(() => this.port1.onmessage({})) };
    },
    fetch: async () => ({ ok: true, json: async () => ({ code: 0, signal: ['ws://a'] }) }),
    WebSocket: webSocketTo(server),
    MediaStream: class {
      id = 'stream';
      addTrack() {}
      removeTrack() {}
    },
    RTCRtpReceiver: { getCapabilities: () => ({ codecs: [] }) },
    RTCRtpSender: { getCapabilities: () => ({ codecs: [] }) },
    RTCPeerConnection: class extends PeerConnection {
      constructor() {
        super();
        peers.push(this);
      }
    },
    navigator: { mediaDevices: { getUserMedia: async () => ({ getTracks: () => [track()] }) } },
  };
  for (const [name, value] of Object.entries(globals)) {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
  /** What the engine's users are told by the console: above all that a callback of theirs has thrown. */
  const faults = [];
  console.warn = () => {};
  console.error = (...words) => faults.push(words);
  const { HstRtcEngine } = await import('../../sdk/classic.js');
  return { clock, server, peers, faults, HstRtcEngine };
}

function track() {
  return { readyState: 'live', stop: () => {}, contentHint: '', getSettings: () => ({ height: 480 }) };
}

/** @param {Server} server */
function webSocketTo(server) {
  return class {
    #abort = new AbortController();
    #socket = null;

    constructor(url) {
      server.open(url, this.#abort.signal).then(
        (socket) => {
          this.#socket = socket;
          socket.onmessage = (event) => this.onmessage?.(event);
          socket.onclose = (event) => this.onclose?.(event);
          this.onopen?.({});
        },
        () => this.onerror?.({}),
      );
    }

    send(data) {
      this.#socket.send(data);
    }

    close(code) {
      if (this.#socket) this.#socket.close(code);
      else this.#abort.abort();
    }
  };
}

/** Everything that it receives flows, from when it is connected. */
class PeerConnection {
  connectionState = 'new';
  #lines = [];

  addTransceiver(what, { direction }) {
    let packetsReceived = 0;
    const line = {
      mid: null,
      direction,
      currentDirection: null,
      sender: {
        track: what,
        replaceTrack: async () => {},
        getParameters: () => ({ encodings: [] }),
        getStats: async () => new Map(),
      },
      receiver: {
        track: track(),
        getStats: async () => new Map([['in', { type: 'inbound-rtp', packetsReceived: ++packetsReceived }]]),
      },
    };
    this.#lines.push(line);
    return line;
  }

  restartIce() {}

  async createOffer() {
    return { sdp: 'offer' };
  }

  async setLocalDescription() {
    for (const [index, line] of this.#lines.entries()) line.mid = String(index);
  }

  async setRemoteDescription() {
    if (this.connectionState !== 'new') return;
    this.connectionState = 'connected';
    this.onconnectionstatechange?.();
  }

  close() {
    this.connectionState = 'closed';
  }
}
