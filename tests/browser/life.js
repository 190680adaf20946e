// Two engines in one page: `engine` lives its life, and `witness` stays in the group. The events of both are kept.
window.events = { engine: [], witness: [] };
window.is = (name, event) => events[name].some(([other]) => other === event);

const NAMES = ['onGroupUserList', 'onUserJoinGroup', 'onUserLeaveGroup', 'onPublishMedia', 'onUnPublishMedia', 'onRecvGroupMsg'];
for (const name of ['engine', 'witness']) {
  window[name] = new HstRtcEngine();
  for (const event of NAMES) window[name].on(event, (what) => events[name].push([event, what.userId ?? what]));
}

window.login = (userId) => window[userId].login({ ...credentials, userId });
await witness.init();
await login('witness');
await witness.joinGroup('life');

// Publishes the camera, and keeps the track that it gives.
window.preview = document.createElement('video');
window.publish = async () => {
  const { VIDEO } = engine.MediaType;
  await engine.startPublishMedia(VIDEO, null, { width: 320, height: 180, frameRate: 15 });
  await engine.setMediaRender('engine', VIDEO, null, preview);
  [window.track] = preview.srcObject.getVideoTracks();
};
