// Takes only ways through the relay, and of those only one transport.
const [transport] = args;
const Plain = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Plain {
  constructor({ iceServers, ...more }) {
    const only = (urls) => urls.filter((url) => url.startsWith('turn:') && url.endsWith(`=${transport}`));
    super({ ...more, iceTransportPolicy: 'relay', iceServers: iceServers.map((it) => ({ ...it, urls: only(it.urls) })) });
  }
};
