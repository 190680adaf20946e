import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Calls } from '../../sdk/calls.js';
import { VirtualClock } from './time.js';

/** Two users with a server between them, which knows invites and messages only. */
function town() {
  const heard = { ann: [], ben: [] };
  const asked = [];
  const users = {};
  const clock = new VirtualClock();
  let refuse = () => null;
  const request = (from) => async (command) => {
    const [[name, fields]] = Object.entries(command);
    asked.push([from, name]);
    const code = refuse(name);
    if (code) throw Object.assign(new Error(name), { code, serverCode: code });
    const other = from === 'ann' ? 'ben' : 'ann';
    if (name === 'invite') {
      const offline = fields.users.filter((user) => !(user in users));
      const { invite, group, extend_info } = fields;
      if (offline.length === 0) users[other].handle('invited', { invite: invite + 7, group, from, extend_info });
      return { offline };
    }
    if (name === 'answer_invite') {
      const outcome = fields.accept ? 'accepted' : 'rejected';
      users[other].handle('invite_answered', { invite: fields.invite - 7, user: from, outcome });
    } else if (name === 'cancel_invite') {
      users[other].handle('invite_ended', { invite: fields.invite + 7, why: 'cancelled' });
    } else {
      users[other].handle('user_message', { from, body: fields.body });
    }
    return {};
  };
  for (const name of ['ann', 'ben']) users[name] = new Calls(request(name), (...event) => heard[name].push(event), clock);
  return { ...users, clock, heard, asked, refuse: (judge) => (refuse = judge) };
}

const CALL = { seqId: 1000, groupId: 'g', calleeType: 4, calleeId: 'ben', extendInfo: 'hi' };
const codeOf = (promise) =>
  promise.then(
    () => 0,
    ({ code }) => code,
  );

test('a call rings, is accepted, and is finished by its caller', async () => {
  const { ann, ben, heard } = town();
  const { callId } = await ann.make(CALL);
  assert.match(callId, /^[A-Za-z][A-Za-z0-9_-]*$/);
  const ringing = { seqId: 1000, callId, groupId: 'g', callerId: 'ann', extendInfo: 'hi' };
  assert.deepEqual(heard.ben.splice(0), [['onIncommingCall', ringing]]);
  await ben.reply({ seqId: 1000, callId, groupId: 'g', result: 0 });
  assert.deepEqual(heard.ann.splice(0), [['onCallResult', { callId, result: 0 }]]);
  await ann.end(callId);
  assert.deepEqual(heard.ann, [
    ['onCallResult', { callId, result: 4 }],
    ['onCallRelease', { callId }],
  ]);
  assert.deepEqual(heard.ben, [
    ['onFinishCall', { callId }],
    ['onCallRelease', { callId }],
  ]);
  // An application that finishes what it was told is finished says nothing to the other one.
  await ben.end(callId);
  assert.equal(heard.ann.length, 2);
});

test('a call is finished by its callee', async () => {
  const { ann, ben, heard } = town();
  const { callId } = await ann.make(CALL);
  await ben.reply({ callId, result: 0 });
  heard.ann.length = 0;
  await ben.end(callId);
  assert.deepEqual(heard.ann, [
    ['onCallResult', { callId, result: 5 }],
    ['onCallFinished', { callId }],
    ['onCallRelease', { callId }],
  ]);
});

test('a call is rejected, also by an application that does not say which', async () => {
  for (const reply of [{ result: 1 }, { seqId: undefined, callId: undefined, result: 1 }]) {
    const { ann, ben, heard } = town();
    const { callId } = await ann.make(CALL);
    await ben.reply(reply);
    assert.deepEqual(heard.ann, [
      ['onCallResult', { callId, result: 1 }],
      ['onCallRelease', { callId }],
    ]);
    assert.equal(await codeOf(ben.reply({ callId, result: 0 })), 1000110);
  }
});

test('a call that rings is cancelled by its caller, and rejected by an impatient callee', async () => {
  const { ann, ben, heard } = town();
  const { callId } = await ann.make(CALL);
  await ann.end(callId);
  assert.deepEqual(heard.ann.splice(0), [
    ['onCallResult', { callId, result: 3 }],
    ['onCallRelease', { callId }],
  ]);
  assert.deepEqual(heard.ben.splice(0).slice(1), [
    ['onCancelCall', { callId }],
    ['onCallRelease', { callId }],
  ]);
  const other = await ann.make(CALL);
  await ben.end(other.callId);
  assert.deepEqual(heard.ann[0], ['onCallResult', { callId: other.callId, result: 1 }]);
});

test('a call that nobody answers, or whose server has forgotten it, is over', async () => {
  const { ann, ben, heard } = town();
  const { callId } = await ann.make(CALL);
  ann.handle('invite_answered', { invite: 2 ** 40 + 1e6, user: 'ben', outcome: 'timed_out' });
  assert.equal(heard.ann.length, 0, 'this is about another one');
  ann.handleNewSession();
  ben.handleNewSession();
  assert.deepEqual(heard.ann[0], ['onCallResult', { callId, result: 99 }]);
  assert.deepEqual(heard.ben[1], ['onCancelCall', { callId }]);
});

const MINUTE = 60_000;

test('a call goes on for hours, and nothing is said of it afterwards', async () => {
  const { ann, ben, clock, heard, asked } = town();
  const { callId } = await ann.make(CALL);
  await ben.reply({ callId, result: 0 });
  heard.ann.length = heard.ben.length = 0;
  await clock.pass(300 * MINUTE);
  assert.deepEqual(heard, { ann: [], ben: [] });
  await ann.end(callId);
  asked.length = 0;
  await clock.pass(10 * MINUTE);
  assert.deepEqual(asked, []);
});

test('a call whose other end has vanished without a word is over', async () => {
  // His session is over; or he is online again without knowing of the call; or nobody gets through.
  for (const vanish of [(town) => town.refuse(() => 1000107), ({ gone }) => gone.close(), (town) => town.refuse(() => 302)]) {
    for (const isAnn of [true, false]) {
      const house = town();
      const { ann, ben, clock, heard } = house;
      const { callId } = await ann.make(CALL);
      await ben.reply({ callId, result: 0 });
      heard.ann.length = heard.ben.length = 0;
      vanish({ ...house, gone: isAnn ? ann : ben });
      await clock.pass(1.5 * MINUTE);
      const [name, events] = isAnn ? ['onFinishCall', heard.ben] : ['onCallFinished', heard.ann];
      assert.deepEqual(events.slice(-2), [
        [name, { callId }],
        ['onCallRelease', { callId }],
      ]);
      assert.deepEqual(events.slice(0, -2), isAnn ? [] : [['onCallResult', { callId, result: 5 }]]);
    }
  }
});

test('who cannot be called is told apart', async () => {
  const { ann, heard, asked, refuse } = town();
  assert.equal(await codeOf(ann.make({ ...CALL, calleeId: 'cas' })), 1000107);
  for (const calleeType of [1, 2, 3, undefined]) assert.equal(await codeOf(ann.make({ ...CALL, calleeType })), 302);
  assert.equal(await codeOf(ann.make({ ...CALL, calleeId: 'no user' })), 1000006);
  assert.equal(await codeOf(ann.make()), 302);
  assert.equal(asked.length, 1);
  await ann.end('call-of-nobody');
  await ann.end(undefined);
  assert.equal(asked.length, 1);
  // At this end a call is over whatever the other one does.
  const { callId } = await ann.make({ ...CALL, calleeType: '4' });
  refuse(() => 1000110);
  assert.equal(await codeOf(ann.end(callId)), 0);
  assert.equal(heard.ann.at(-1)[0], 'onCallRelease');
});

test('what is not of a call is left to others, and a stranger ends nothing', async () => {
  const { ann, ben, heard } = town();
  assert.equal(ann.handle('invited', { invite: 1, from: 'ben', extend_info: '' }), false);
  assert.equal(ann.handle('invite_answered', { invite: 1, outcome: 'accepted' }), false);
  assert.equal(ann.handle('invite_ended', { invite: 1 }), false);
  for (const body of ['hi', null, { hst_call: 1 }, 7]) assert.equal(ann.handle('user_message', { body }), false);
  for (const id of ['a b', '', null, ['x'], '#x']) {
    ben.handle('invited', { invite: 1, from: 'ann', extend_info: { hst_call: { id } } });
  }
  assert.equal(heard.ben.length, 0);
  const { callId } = await ann.make(CALL);
  heard.ben.length = 0;
  assert.equal(ben.handle('user_message', { from: 'cas', body: { hst_call: { end: callId } } }), true);
  assert.equal(heard.ben.length, 0);
});
