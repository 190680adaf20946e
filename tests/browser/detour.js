// Leads the page's media over the detour of a `path` or `link`: a server names its own port, and on one machine whoever
// stands before it has another.
const { setRemoteDescription } = RTCPeerConnection.prototype;
RTCPeerConnection.prototype.setRemoteDescription = function ({ type, sdp }) {
  return setRemoteDescription.call(this, { type, sdp: sdp.replaceAll(...args) });
};
