// An application of the older shape with the classic script: it has to compile against the declarations.
import type {} from 'hst-rtc-engine';

const engine = new window.HstRtcEngine();
engine.on('onUserJoinGroup', (userId) => console.log(userId.length));
engine.on('onWebSocketClosed', ({ code }) => console.log(code.toFixed()));

engine
  .init('https://rtc.example.org')
  .then(() => engine.login({ appId: 'app', token: 'token', userId: 'user1' }))
  .then(() => engine.joinGroup('group1'))
  .then(() => engine.sendUserMsg({ dstUserId: 'user2', msg: 'hello' }))
  .catch((error) => console.log(error.code));

export function goodbye(): void {
  engine.exit();
  engine.destroy();
}
