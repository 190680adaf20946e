import assert from 'node:assert/strict';
import { test } from 'node:test';

import { browse } from './browser.js';
import { dice, forSeeds } from './time.js';

const SECOND = 1_000;
const LOGIN = { appId: 'app', token: 'token', userId: 'me', extendInfo: 'Me' };

/** An engine, and what its application hears. */
async function house(random = dice(1)) {
  const world = await browse(random);
  const { clock, server, HstRtcEngine } = world;
  const engine = new HstRtcEngine();
  const heard = [];
  for (const name of EVENTS) engine.on(name, (payload) => heard.push([name, payload]));
  engine.on('onPublishMedia', (media) => engine.startReceiveMedia(media.userId, media.mediaType, media.mediaId));
  /** Lets a call end. */
  const end = async (promise, ms = SECOND) => {
    const outcome = promise.then(
      (value) => value ?? 0,
      ({ code }) => ({ code }),
    );
    await clock.pass(ms);
    return outcome;
  };
  const wire = () => [...server.wires][0];
  const session = () => [...server.sessions.values()][0];
  const names = () => heard.splice(0).map(([name]) => name);
  await end(engine.init('http://server'));
  assert.equal(await end(engine.login(LOGIN)), 0);
  return { ...world, engine, heard, names, end, wire, session };
}

const EVENTS = [
  'onGroupUserList',
  'onUserJoinGroup',
  'onUserLeaveGroup',
  'onPublishMedia',
  'onUnPublishMedia',
  'onMediaMuted',
  'onGroupLocked',
  'onRecvGroupMsg',
  'onRecvUserMsg',
  'onServerMessage',
  'onOnlineUserState',
  'onCommingInvite',
  'onInviteReply',
  'onInviteEnded',
  'onTokenExpiring',
  'onReconnecting',
  'onReconnected',
  'onDiscontinuity',
  'onGroupRemoved',
  'onUserForceLogout',
  'onKickOut',
  'onWebSocketClosed',
  'onError',
];

test('a lost connection is told, the group goes on, and media keep their peer', async () => {
  const { clock, server, engine, heard, end, wire, session, peers } = await house();
  server.town.enter('ann');
  await end(engine.joinGroup('g'));
  await end(engine.startPublishMedia(2, null));
  heard.length = 0;
  wire().cut();
  const sent = engine.sendGroupMsg({ msg: 'hello' });
  server.town.publish('ann', 'cam');
  assert.equal(await end(sent), 0);
  const media = { userId: 'ann', mediaType: 2, mediaId: 'cam', mediaName: '' };
  assert.deepEqual(heard, [
    ['onReconnecting', undefined],
    ['onReconnected', undefined],
    ['onPublishMedia', media],
  ]);
  await clock.pass(SECOND);
  assert.deepEqual([...session().received], ['ann/cam']);
  assert.equal(peers.length, 1);
  engine.destroy();
});

test('after a new login everything is there again, and exactly what has changed is told', async () => {
  const { clock, server, engine, heard, end, wire, session, peers } = await house();
  const { town } = server;
  for (const user of ['ann', 'ben', 'cas']) town.enter(user);
  for (const user of ['ann', 'ben']) town.publish(user, 'cam');
  for (const user of ['ann', 'ben', 'me']) town.setOnline(user, 'web', '');
  await end(engine.getOnlineUsers());
  await end(engine.setCustomState('busy'));
  await end(engine.joinGroup('g'));
  await end(engine.startPublishMedia(2, null));
  const before = session();
  heard.length = 0;

  server.accepts = false;
  wire().cut();
  await clock.pass(61 * SECOND);
  town.leave('ann');
  town.enter('dee');
  town.publish('cas', 'cam');
  town.setOnline('ann', 'web', null);
  town.setOnline('dee', 'web', 'new');
  server.accepts = true;
  await clock.pass(15 * SECOND);

  const media = (userId) => ({ userId, mediaType: 2, mediaId: 'cam', mediaName: '' });
  const presence = (userId, state, customState) => ({ userId, mutexType: 'web', state, customState, extendInfo: '' });
  assert.deepEqual(
    heard.filter(([name]) => name !== 'onOnlineUserState'),
    [
      ['onReconnecting', undefined],
      ['onReconnected', undefined],
      ['onDiscontinuity', { reason: 'login' }],
      ['onUnPublishMedia', media('ann')],
      ['onUserLeaveGroup', 'ann'],
      ['onUserJoinGroup', 'dee'],
      ['onPublishMedia', media('cas')],
    ],
  );
  assert.deepEqual(
    heard.filter(([name]) => name === 'onOnlineUserState').map(([, one]) => one),
    [presence('ann', 0, ''), presence('dee', 1, 'new')],
  );
  const now = session();
  assert.notEqual(now, before);
  assert.ok(now.isInGroup);
  assert.deepEqual([...now.published], ['appdef_vid']);
  assert.deepEqual([...now.received].sort(), ['ben/cam', 'cas/cam']);
  assert.equal(now.state, 'busy');
  assert.equal(peers.length, 2);
  assert.equal(peers[0].connectionState, 'closed');
  const offers = server.done.filter(([name]) => name === 'offer').map(([, { generation }]) => generation);
  assert.ok(offers.at(-1) > offers[0]);
  engine.destroy();
});

test('that the session is a new one is told once, when the group has taken the user back', async () => {
  const again = { ended: { code: 30, message: 'later' } };
  const told = async ({ joins, onReconnected }) => {
    const { clock, server, engine, session, end } = await house();
    if (joins) await end(engine.joinGroup('g'));
    const inGroup = [];
    engine.on('onDiscontinuity', () => inGroup.push(session().isInGroup));
    engine.on('onReconnected', () => onReconnected?.(engine));
    server.tell(again);
    await clock.pass(5 * SECOND);
    engine.destroy();
    return inGroup;
  };
  assert.deepEqual(await told({ joins: true }), [true]);
  // Who leaves meanwhile has missed what there was, too; and who is in no group waits for none.
  assert.deepEqual(await told({ joins: true, onReconnected: (engine) => engine.leaveGroup() }), [false]);
  assert.deepEqual(await told({ joins: false }), [false]);
});

test('when the group does not take the user back, it is over', async () => {
  const { clock, server, engine, names, end } = await house();
  await end(engine.joinGroup('g'));
  names();
  server.refuse = (name) => (name === 'join' ? 1000102 : null);
  server.tell({ ended: { code: 30, message: 'later' } });
  await clock.pass(5 * SECOND);
  assert.deepEqual(names(), ['onReconnecting', 'onReconnected', 'onDiscontinuity', 'onGroupRemoved']);
  server.refuse = () => null;
  assert.equal(await end(engine.joinGroup('g')), 0);
  engine.destroy();
});

test('who is removed is logged in and in no group', async () => {
  const { clock, server, engine, heard, names, end } = await house();
  await end(engine.joinGroup('g'));
  names();
  server.tell({ removed: { code: 1000104, message: 'out' } });
  await clock.pass(SECOND);
  assert.deepEqual(heard.splice(0), [['onGroupRemoved', { code: 1000104, message: 'out' }]]);
  assert.deepEqual(await end(engine.leaveGroup()), { code: 31 });
  assert.equal(await end(engine.joinGroup('g')), 0);
  // The end of the group may be among the frames that are lost.
  names();
  server.maxKept = 2;
  [...server.wires][0].cut();
  server.tell({ removed: { code: 1000104, message: 'out' } });
  for (let index = 0; index < 3; index += 1) server.tell({ server_message: { body: index } });
  await clock.pass(2 * SECOND);
  assert.deepEqual(names(), ['onReconnecting', 'onReconnected', 'onDiscontinuity', 'onGroupRemoved']);
  engine.destroy();
});

test('who is evicted or kicked out stays away', async () => {
  for (const [code, event] of [
    [1000008, 'onUserForceLogout'],
    [1000104, 'onKickOut'],
  ]) {
    const { clock, server, engine, names, end } = await house();
    server.tell({ ended: { code, message: 'over' } });
    await clock.pass(100 * SECOND);
    assert.deepEqual(names(), [event, 'onWebSocketClosed', 'onError']);
    assert.equal(server.wires.size, 0);
    assert.deepEqual(await end(engine.joinGroup('g')), { code: 35 });
    engine.destroy();
  }
});

test('a group whose answer was lost is joined all the same', async () => {
  for (const maxKept of [Infinity, 0]) {
    const { clock, server, engine, end, wire, session } = await house();
    const joined = end(engine.joinGroup('g'), 0);
    // The request arrives, and its answer does not.
    while (!session().isInGroup) await clock.pass(1);
    server.maxKept = maxKept;
    server.tell({ server_message: { body: 1 } });
    wire().cut();
    server.maxKept = Infinity;
    await clock.pass(2 * SECOND);
    assert.equal(await joined, 0);
    assert.ok(session().isInGroup);
    assert.equal(await end(engine.sendGroupMsg({ msg: 1 })), 0);
    engine.destroy();
  }
});

test('who listens for media connects while joining, and receives on the lines of that offer', async () => {
  const { server, engine, heard, end, peers } = await house();
  server.town.enter('ann');
  server.town.publish('ann', 'cam');
  engine.on('onRemoteMediaAdd', (media) => heard.push(['onRemoteMediaAdd', media.userId]));
  const offers = () => server.done.filter(([name]) => name === 'offer').map(([, { lines }]) => lines);
  let offered = null;
  await end(engine.joinGroup('g').then(() => (offered = offers())));
  assert.deepEqual(offered, [[]], 'the offer had left before the answer came');
  assert.deepEqual(offers().slice(1), [[{ mid: '1', receive: { user: 'ann', type: 2, media: 'cam' } }]]);
  assert.deepEqual(heard.at(-1), ['onRemoteMediaAdd', 'ann']);
  assert.equal(peers.length, 1);
  engine.destroy();
});

test('a connection that nobody needs yet may fail in silence, and one that nobody listens for is not made', async () => {
  const { clock, server, engine, heard, end, peers } = await house();
  await end(engine.joinGroup('g'));
  assert.equal(peers.length, 0);
  await end(engine.leaveGroup());

  engine.on('onRemoteMediaAdd', () => {});
  server.refuse = (name) => (name === 'offer' ? 302 : null);
  await end(engine.joinGroup('g'), 60 * SECOND);
  assert.equal(peers.length, 1);
  const errors = () => heard.filter(([name]) => name === 'onError').length;
  assert.equal(errors(), 0);
  await end(engine.startPublishMedia(2, null));
  assert.equal(errors(), 1);
  server.refuse = () => null;
  await clock.pass(10 * SECOND);
  assert.equal(peers.at(-1).connectionState, 'connected');
  engine.destroy();
});

test('invites, messages and the rest come under the names of the platform', async () => {
  const { clock, server, engine, heard, end } = await house();
  server.town.setOnline('ann', 'web', '');
  await end(engine.joinGroup('g'));
  heard.length = 0;
  await end(engine.invite({ seqId: 1, groupId: 'g', calleeInfo: ['ann', { userId: 'ben' }], extendInfo: 'come' }));
  server.tell({ invite_answered: { invite: 1, user: 'ann', outcome: 'rejected' } });
  server.tell({ invited: { invite: 9, group: 'h', from: 'ann', from_info: 'Ann', extend_info: { a: 1 } } });
  server.tell({ invite_ended: { invite: 9, why: 'answered_elsewhere' } });
  server.tell({ user_message: { from: 'ann', seq: 4, body: 'hi' } });
  server.tell({ message: { from: 'ann', seq: 5, body: 'all' } });
  server.tell({ server_message: { body: { n: 1 } } });
  server.tell({ token_expiring: { seconds: 30 } });
  server.tell({ muted: { user: 'me', type: 1, media: 'appdef_mic', muted: true } });
  server.tell({ locked: { locked: true } });
  await clock.pass(SECOND);
  assert.deepEqual(heard, [
    ['onInviteReply', { seqId: 1, userId: 'ben', result: 3, extendInfo: '' }],
    ['onInviteReply', { seqId: 1, userId: 'ann', result: 1, extendInfo: '' }],
    ['onCommingInvite', { seqId: 9, groupId: 'h', userId: 'ann', userName: 'Ann', extendInfo: { a: 1 } }],
    ['onInviteEnded', { seqId: 9, reason: 'answered_elsewhere' }],
    ['onRecvUserMsg', { srcUserId: 'ann', msg: 'hi', msgId: 4 }],
    ['onRecvGroupMsg', { srcUserId: 'ann', groupId: 'g', msg: 'all', msgId: 5 }],
    ['onServerMessage', { msg: { n: 1 } }],
    ['onTokenExpiring', { seconds: 30 }],
    ['onMediaMuted', { userId: 'me', mediaType: 1, mediaId: 'appdef_mic', muted: true }],
    ['onGroupLocked', { locked: true }],
  ]);
  server.done.length = 0;
  await end(engine.replyInvite({ seqId: 9, groupId: 'h', operation: 0, extendInfo: '' }));
  await end(engine.cancelInvite({ seqId: 1, groupId: 'g', calleeInfo: ['ann'] }));
  await end(engine.sendUserMsg({ dstUserId: 'ann', msg: 'hi' }));
  await end(engine.sendGroupMsgWithBlackList({ groupId: 'g', blackList: ['ann'], msg: 1 }));
  await end(engine.kickUser({ userId: 'ann', banSeconds: 60 }));
  await end(engine.muteMedia({ userId: 'ann', mediaType: 2, mediaId: 'cam', muted: true }));
  await end(engine.lockGroup(true));
  await end(engine.renewToken('newer'));
  const history = await end(engine.getGroupHistory({ limit: 1 }));
  const users = await end(engine.getGroupUsers());
  assert.deepEqual(server.done, [
    ['answer_invite', { invite: 9, accept: true }],
    ['cancel_invite', { invite: 1, users: ['ann'] }],
    ['user_message', { user: 'ann', body: 'hi' }],
    ['message', { body: 1, to: { except: ['ann'] } }],
    ['kick', { user: 'ann', ban: 60 }],
    ['mute', { user: 'ann', type: 2, media: 'cam', muted: true }],
    ['lock', { locked: true }],
    ['renew', { token: 'newer' }],
    ['history', { limit: 1 }],
    ['roster', { limit: 500 }],
  ]);
  assert.deepEqual(history, [{ srcUserId: 'a', groupId: 'g', msg: 'old', msgId: 7 }]);
  assert.deepEqual(users.userIds, []);
  engine.destroy();
});

test('an Access address may come with a login, and is that of this login only', async () => {
  const { engine, end } = await house();
  engine.destroy();
  const { fetch } = globalThis;
  const asked = [];
  let isReached = false;
  globalThis.fetch = async (url) => {
    asked.push(new URL(url).host);
    if (!isReached) throw new Error('nobody there');
    return fetch(url);
  };
  assert.deepEqual(await end(engine.init('http://home')), { code: 30 });
  // Without an address it is too early to say that there is none.
  assert.notEqual(await end(engine.login(LOGIN)), 0);
  assert.equal(await end(engine.init()), 0);
  assert.notEqual(await end(engine.login(LOGIN)), 0);
  isReached = true;
  asked.length = 0;
  assert.equal(await end(engine.login({ ...LOGIN, accessUrl: 'http://other/server/address' })), 0);
  await end(engine.logout());
  assert.equal(await end(engine.login({ ...LOGIN, accessUrl: 'http://other/server/address' })), 0);
  assert.deepEqual(asked, ['other']);
  await end(engine.logout());
  engine.destroy();
  assert.equal(await end(engine.init('home')), 0);
  asked.length = 0;
  assert.equal(await end(engine.login({ ...LOGIN, accessUrl: null })), 0);
  assert.deepEqual(asked, []);
  engine.destroy();
  globalThis.fetch = fetch;
});
