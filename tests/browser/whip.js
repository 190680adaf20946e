// Publishes by WHIP or plays by WHEP with nothing but what a browser has.
const [url, token, plays] = args;
const pc = (window.pc = new RTCPeerConnection());
if (plays) {
  const media = new MediaStream();
  for (const kind of ['audio', 'video']) {
    pc.addTransceiver(kind, { direction: 'recvonly' });
    const element = document.body.appendChild(document.createElement(kind));
    element.autoplay = true;
    element.srcObject = media;
  }
  pc.ontrack = ({ track }) => media.addTrack(track);
} else {
  const camera = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 320, height: 180 } });
  camera.getTracks().forEach((track) => pc.addTransceiver(track, { direction: 'sendonly' }));
}
await pc.setLocalDescription();
const authorization = `Bearer ${token}`;
const headers = { authorization, 'content-type': 'application/sdp' };
const response = await fetch(url, { method: 'POST', headers, body: pc.localDescription.sdp });
const answer = await response.text();
if (response.status !== 201) throw new Error(answer);
await pc.setRemoteDescription({ type: 'answer', sdp: answer });

// What has come so far: frames that were decoded, the energy of the sound, and of packets that protect pictures (FlexFEC) how many,
// their bytes, and whether their source is known.
window.figures = async () => {
  const lines = [...(await pc.getStats()).values()].filter(({ type }) => type === 'inbound-rtp');
  const sum = (lines, name) => lines.reduce((sum, line) => sum + (line[name] ?? 0), 0);
  const pictures = lines.filter(({ kind }) => kind === 'video');
  return {
    frames: sum(lines, 'framesDecoded'),
    energy: sum(lines, 'totalAudioEnergy'),
    protecting: sum(pictures, 'fecPacketsReceived'),
    bytes: sum(pictures, 'fecBytesReceived'),
    useless: sum(pictures, 'fecPacketsDiscarded'),
    isKnown: pictures.some(({ fecSsrc }) => fecSsrc),
  };
};
const resource = new URL(response.headers.get('location'), url);
window.end = async () => (await fetch(resource, { method: 'DELETE', headers: { authorization } })).status;
