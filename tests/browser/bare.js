// Loads the SDK as the classic script that it is, and keeps what the tests look at.
window.credentials = args[0];

// What was said on the console.
window.logs = [];
const { log } = console;
console.log = (...words) => {
  logs.push(words.join(' '));
  log(...words);
};

// The peer connections that the SDK has made.
window.peers = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...values) {
    super(...values);
    peers.push(this);
  }
};

// How a promise ends: 0, or the code of the failure with that of the server, if it was asked.
window.codeOf = (promise) =>
  promise.then(
    () => 0,
    ({ code, serverCode }) => (serverCode === undefined ? code : [code, serverCode]),
  );

await new Promise((loaded, failed) => {
  const script = document.createElement('script');
  Object.assign(script, { src: '/sdk/hst-rtc-engine.js', onload: loaded, onerror: failed });
  document.head.append(script);
});
