// Hides the server's UDP candidates, as a network that lets no UDP through does.
const { setRemoteDescription } = RTCPeerConnection.prototype;
RTCPeerConnection.prototype.setRemoteDescription = function ({ type, sdp }) {
  return setRemoteDescription.call(this, { type, sdp: sdp.replaceAll(/a=candidate:\S+ 1 udp .*\r\n/g, '') });
};
