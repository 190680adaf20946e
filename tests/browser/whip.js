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

// What has come so far: frames that were decoded, and the energy of the sound.
window.figures = async () => {
  const lines = [...(await pc.getStats()).values()].filter(({ type }) => type === 'inbound-rtp');
  const of = (name) => lines.reduce((sum, line) => sum + (line[name] ?? 0), 0);
  return { frames: of('framesDecoded'), energy: of('totalAudioEnergy') };
};
const resource = new URL(response.headers.get('location'), url);
window.end = async () => (await fetch(resource, { method: 'DELETE', headers: { authorization } })).status;
