// Keeps what the engine of `call.js` tells from now on: of its connection, of its group, and the texts of messages.
window.told = { connection: [], group: [], messages: [] };
for (const event of ['onReconnecting', 'onReconnected', 'onDiscontinuity', 'onWebSocketClosed']) {
  engine.on(event, (what) => told.connection.push(what?.reason ? `${event} ${what.reason}` : event));
}
for (const event of ['onUserJoinGroup', 'onUserLeaveGroup', 'onPublishMedia', 'onUnPublishMedia']) {
  engine.on(event, (what) => told.group.push([event, what.userId ?? what]));
}
engine.on('onRecvGroupMsg', ({ msg }) => told.messages.push(msg));
// The first who listens is also told of what happened before.
for (const list of Object.values(told)) list.length = 0;

// Says something, and remembers how it went.
window.outcomes = [];
window.say = (...texts) => {
  for (const msg of texts) codeOf(engine.sendGroupMsg({ msg })).then((code) => outcomes.push(code));
};
