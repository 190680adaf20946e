// Hides the server's UDP candidates, as a network that lets no UDP through does.
const { setRemoteDescription } = RTCPeerConnection.prototype;
RTCPeerConnection.prototype.setRemoteDescription = function ({ type, sdp }) {
  return setRemoteDescription.call(this, { type, sdp: sdp.replaceAll(/a=candidate:\S+ 1 udp .*\r\n/g, '') });
};

// What the media go over.
window.protocols = async () => {
  const stats = [...(await peers.at(-1).getStats()).values()];
  const chosen = stats.find(({ type }) => type === 'transport')?.selectedCandidatePairId;
  const pair = stats.find(({ id }) => id === chosen);
  const of = (id) => stats.find((it) => it.id === id);
  return [of(pair?.localCandidateId)?.protocol, of(pair?.remoteCandidateId)?.protocol, of(pair?.localCandidateId)?.relayProtocol];
};
