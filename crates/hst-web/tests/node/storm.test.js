import assert from 'node:assert/strict';
import { test } from 'node:test';

import { browse } from './browser.js';
import { forSeeds } from './time.js';

const SECOND = 1_000;
const STEPS = 300;
const NAMES = ['ann', 'ben', 'cas', 'dee', 'eva', 'fin', 'gil', 'hal'];

/** What an application knows by the engine's events alone. It refuses to hear anything twice or out of place. */
class View {
  users = new Set();
  media = new Set();
  online = new Map();
  messages = [];
  gaps = 0;
  ends = [];

  constructor(engine) {
    engine.on('onGroupUserList', (users) => users.forEach((user) => add(this.users, user)));
    engine.on('onUserJoinGroup', (user) => add(this.users, user));
    engine.on('onUserLeaveGroup', (user) => remove(this.users, user));
    engine.on('onPublishMedia', (media) => {
      add(this.media, keyOf(media));
      engine.startReceiveMedia(media.userId, media.mediaType, media.mediaId);
    });
    engine.on('onUnPublishMedia', (media) => remove(this.media, keyOf(media)));
    engine.on('onOnlineUserState', ({ userId, mutexType, state, customState }) => {
      const key = `${userId}/${mutexType}`;
      if (state === 1) assert.notEqual(this.online.get(key), customState, `${key} came online twice`);
      else assert.ok(this.online.has(key), `${key} went offline and was not online`);
      if (state === 1) this.online.set(key, customState);
      else this.online.delete(key);
    });
    engine.on('onRecvGroupMsg', ({ msg }) => this.messages.push(msg));
    engine.on('onDiscontinuity', () => (this.gaps += 1));
    engine.on('onWebSocketClosed', (why) => this.ends.push(why));
    engine.on('onGroupRemoved', (why) => this.ends.push(why));
  }

  showPage({ userInfo }) {
    for (const { userId, onlineInfo } of userInfo) {
      for (const { mutexType, customState } of onlineInfo) this.online.set(`${userId}/${mutexType}`, customState);
    }
  }
}

const keyOf = ({ userId, mediaId }) => `${userId}/${mediaId}`;
const add = (set, one) => set.add(one, assert.ok(!set.has(one), `${one} came twice`));
const remove = (set, one) => assert.ok(set.delete(one), `${one} went and was not there`);

/** Something happens to the others. */
function happen(town, random) {
  const user = NAMES[Math.floor(random() * NAMES.length)];
  const media = ['cam', 'desk'][Math.floor(random() * 2)];
  const published = town.members.get(user);
  const dart = random();
  if (dart < 0.4) town.setOnline(user, random() < 0.5 ? 'web' : 'ios', [null, '', 'busy'][Math.floor(random() * 3)]);
  else if (!published) town.enter(user);
  else if (dart < 0.55) town.leave(user);
  else if (published.has(media)) town.unpublish(user, media);
  else town.publish(user, media);
}

test('whatever is lost and cut, an application’s picture of the group and of who is online comes out right', async () => {
  let missed = 0;
  let logins = 0;
  await forSeeds(10, async (random) => {
    const { clock, server, faults, HstRtcEngine } = await browse(random);
    const { town } = server;
    const engine = new HstRtcEngine();
    const view = new View(engine);
    engine.on('onDiscontinuity', ({ reason }) => (reason === 'login' ? (logins += 1) : (missed += 1)));
    server.maxKept = 8;
    for (let index = 0; index < 20; index += 1) happen(town, random);
    engine.init('http://server');
    await clock.pass(SECOND);
    engine.login({ appId: 'app', token: 'token', userId: 'me' });
    await clock.pass(SECOND);
    engine.getOnlineUsers((page) => view.showPage(page));
    engine.joinGroup('g');
    await clock.pass(SECOND);
    engine.startPublishMedia(2, null);

    const sent = [];
    let told = 0;
    for (let step = 0; step < STEPS; step += 1) {
      await clock.pass(random() * 2 * SECOND);
      const dart = random();
      if (dart < 0.2) {
        const number = sent.length;
        sent.push({ state: 'open' });
        engine.sendGroupMsg({ msg: number }).then(
          () => (sent[number].state = 'done'),
          ({ code }) => (sent[number].state = code),
        );
      } else if (dart < 0.7) happen(town, random);
      else if (dart < 0.8) server.tell({ message: { from: 'ann', seq: told, body: told++ } });
      else if (dart < 0.9) [...server.wires][0]?.cut();
      else if (dart < 0.92) [...server.wires][0]?.block();
      else if (dart < 0.95) server.accepts = random() < 0.5 ? false : null;
      else if (dart < 0.98) server.accepts = true;
      else if (dart < 0.99) server.tell({ ended: { code: 30, message: 'later', retry_after: 500 } });
      else await clock.pass(70 * SECOND);
    }
    server.accepts = true;
    await clock.pass(60 * SECOND);

    assert.deepEqual(faults, []);
    assert.deepEqual(view.ends, []);
    assert.deepEqual([...view.users].sort(), [...town.members.keys()].sort());
    const { media } = town.snapshot();
    const published = media.map(({ user, media }) => `${user}/${media}`).sort();
    assert.deepEqual([...view.media].sort(), published);
    const [session] = server.sessions.values();
    assert.deepEqual([...session.received].sort(), published);
    assert.deepEqual([...session.published], ['appdef_vid']);
    const online = [...town.online].flatMap(([user, all]) =>
      [...all].map(([terminal, s]) => [`${user}/${terminal}`, s]),
    );
    assert.deepEqual(Object.fromEntries(view.online), Object.fromEntries(online));

    const done = server.done.filter(([name]) => name === 'message').map(([, { body }]) => body);
    assert.deepEqual(
      done,
      [...new Set(done)].sort((a, b) => a - b),
      'once and in order',
    );
    for (const [number, { state }] of sent.entries()) {
      assert.ok(state === 302 || (state === 'done' && done.includes(number)), `message ${number} is ${state}`);
    }
    const heard = view.messages;
    assert.deepEqual(
      heard,
      [...new Set(heard)].sort((a, b) => a - b),
      'once and in order',
    );
    if (view.gaps === 0) assert.equal(heard.length, told);
    engine.destroy();
    await clock.pass(5 * SECOND);
    assert.equal(server.sessions.size, 0);
  });
  assert.ok(missed > 10 && logins > 10, `${missed} times frames were lost, ${logins} times the session`);
});
