import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Roster } from '../../sdk/roster.js';

const camera = (user, more = {}) => ({ user, type: 2, media: 'cam', ...more });
const media = (userId, more = {}) => ({ userId, mediaType: 2, mediaId: 'cam', mediaName: '', ...more });
const muted = (userId, isMuted) => ['onMediaMuted', { userId, mediaType: 2, mediaId: 'cam', muted: isMuted }];

test('who knows nothing is told of everybody, then of all media', () => {
  const told = new Roster().begin({
    members: ['a', 'b'],
    total: 2,
    media: [camera('a', { name: 'desk' }), camera('b')],
  });
  assert.deepEqual(told, [
    ['onGroupUserList', ['a', 'b']],
    ['onPublishMedia', media('a', { mediaName: 'desk' })],
    ['onPublishMedia', media('b')],
  ]);
});

test('a later snapshot tells exactly what is different, and a user leaves behind his media', () => {
  const roster = new Roster();
  roster.begin({ members: ['a', 'b', 'c'], total: 3, media: [camera('a'), camera('b')] });
  const now = { members: ['b', 'c', 'd'], total: 3, media: [camera('b', { muted: true }), camera('d')], locked: true };
  assert.deepEqual(roster.renew(now), [
    ['onUnPublishMedia', media('a')],
    ['onUserLeaveGroup', 'a'],
    ['onUserJoinGroup', 'd'],
    muted('b', true),
    ['onPublishMedia', media('d')],
    ['onGroupLocked', { locked: true }],
  ]);
  assert.deepEqual(roster.renew(now), []);
});

test('nobody comes twice, and only who is there leaves', () => {
  const roster = new Roster();
  roster.begin({ members: ['a'], total: 1, media: [] });
  assert.deepEqual(roster.handle('member_joined', { user: 'a' }), []);
  assert.deepEqual(roster.handle('member_left', { user: 'b' }), []);
  assert.deepEqual(roster.handle('unpublished', camera('a')), []);
  assert.deepEqual(roster.handle('member_left', { user: 'a' }), [['onUserLeaveGroup', 'a']]);
  assert.deepEqual(roster.handle('no_such_event', {}), []);
});

test('in a large group who came and went is told one by one when all are named, and always how many there are', () => {
  const roster = new Roster();
  const told = roster.begin({ members: ['a', 'b'], total: 300, media: [] });
  assert.deepEqual(told[1], ['onGroupUserCount', { total: 301, complete: false }]);
  // b is known and leaves; of y the application has never heard.
  assert.deepEqual(roster.handle('members', { joined: ['x'], left: ['b', 'y'], total: 300, complete: true }), [
    ['onUserLeaveGroup', 'b'],
    ['onUserJoinGroup', 'x'],
    ['onGroupUserCount', { total: 300, complete: true }],
  ]);
  assert.deepEqual(roster.handle('members', { total: 900, complete: false }), [
    ['onGroupUserCount', { total: 900, complete: false }],
  ]);
});

test('an incomplete snapshot says nothing about those behind its last name', () => {
  const roster = new Roster();
  roster.begin({ members: ['a', 'b', 'x'], total: 3, media: [] });
  assert.deepEqual(roster.renew({ members: ['a', 'c'], total: 300, media: [] }), [
    ['onUserLeaveGroup', 'b'],
    ['onUserJoinGroup', 'c'],
    ['onGroupUserCount', { total: 301, complete: false }],
  ]);
  assert.deepEqual(roster.handle('member_left', { user: 'x' }), [['onUserLeaveGroup', 'x']]);
});

test('a silenced media is told of when it comes and when that changes, and so is one of one’s own', () => {
  const roster = new Roster();
  roster.begin({ members: ['a'], total: 1, media: [] });
  assert.deepEqual(roster.handle('published', camera('a', { muted: true })), [
    ['onPublishMedia', media('a')],
    muted('a', true),
  ]);
  assert.deepEqual(roster.handle('muted', camera('a', { muted: true })), []);
  assert.deepEqual(roster.handle('muted', camera('a')), [muted('a', false)]);
  assert.deepEqual(roster.handle('muted', camera('self', { muted: true })), [muted('self', true)]);
});
