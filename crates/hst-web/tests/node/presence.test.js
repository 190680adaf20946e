import assert from 'node:assert/strict';
import { test } from 'node:test';

import { OutcomeUnknown } from '../../sdk/errors.js';
import { Presence } from '../../sdk/presence.js';

/** A directory in pages of two users, whose answers can be lost. */
function directory(users) {
  const house = { users, asked: [], losses: 0, told: [] };
  const request = async ({ online: { after = '' } }) => {
    house.asked.push(after);
    if (house.losses > 0 && house.asked.length > 1) {
      house.losses -= 1;
      throw new OutcomeUnknown('lost');
    }
    const behind = Object.keys(house.users)
      .sort()
      .filter((user) => user > after);
    const page = behind.slice(0, 2).map((user) => ({
      user,
      terminals: house.users[user].map((text) => ({ terminal: text.split(':')[0], state: text.split(':')[1] })),
    }));
    return { users: page, total: Object.keys(house.users).length, more: behind.length > 2 };
  };
  house.presence = new Presence('me', request, ({ userId, mutexType, state, customState }) => {
    house.told.push([userId, mutexType, state, customState]);
  });
  return house;
}

const FIVE = () => ({ a: ['web:'], b: ['web:', 'ios:busy'], c: ['web:'], d: ['web:'], me: ['web:'] });
const shapeOf = ({ pageInfo, userInfo }) => [
  pageInfo.curPage,
  pageInfo.totalPages,
  userInfo.map(({ userId }) => userId),
];
const settled = () => new Promise(setImmediate);

test('a callback gets all pages, and nothing comes twice as an event', async () => {
  const house = directory(FIVE());
  const pages = [];
  await house.presence.list((page) => pages.push(page));
  assert.deepEqual(pages.map(shapeOf), [
    [1, 2, ['a', 'b']],
    [2, 3, ['c', 'd']],
    [3, 3, ['me']],
  ]);
  assert.deepEqual(pages[0].userInfo[1].onlineInfo[1], {
    mutexType: 'ios',
    customState: 'busy',
    state: 1,
    extendInfo: '',
  });
  assert.deepEqual(house.told, []);
});

test('without a callback the first page is the result, and the others are told as events', async () => {
  const house = directory(FIVE());
  assert.deepEqual(shapeOf(await house.presence.first()), [1, 2, ['a', 'b']]);
  await settled();
  assert.deepEqual(house.told, [
    ['c', 'web', 1, ''],
    ['d', 'web', 1, ''],
  ]);
});

test('a change is told once, and never one of the user himself', async () => {
  const house = directory(FIVE());
  await house.presence.list(() => {});
  house.presence.handle([
    { user: 'a', online: true, terminal: 'web' },
    { user: 'a', online: true, terminal: 'web', state: 'busy' },
    { user: 'a', online: false, terminal: 'ios' },
    { user: 'e', online: true, terminal: 'web' },
    { user: 'me', online: true, terminal: 'ios' },
    { user: 'a', online: false, terminal: 'web' },
  ]);
  assert.deepEqual(house.told, [
    ['a', 'web', 1, 'busy'],
    ['e', 'web', 1, ''],
    ['a', 'web', 0, ''],
  ]);
});

test('after events were lost exactly the differences are told', async () => {
  const house = directory(FIVE());
  house.presence.refresh();
  await settled();
  assert.deepEqual(house.asked, [], 'nobody watches');
  await house.presence.list(() => {});
  house.users = { aa: ['web:'], b: ['web:'], c: ['web:away'], e: ['web:'], me: ['web:'] };
  house.presence.refresh();
  for (let turn = 0; turn < 10; turn += 1) await settled();
  assert.deepEqual(house.told, [
    ['a', 'web', 0, ''],
    ['b', 'ios', 0, 'busy'],
    ['aa', 'web', 1, ''],
    ['d', 'web', 0, ''],
    ['c', 'web', 1, 'away'],
    ['e', 'web', 1, ''],
  ]);
});

test('when a session is lost between pages the rest comes as events', async () => {
  const house = directory(FIVE());
  house.losses = 1;
  const pages = [];
  await house.presence.list((page) => pages.push(page));
  assert.deepEqual(house.asked, ['', 'b', '', 'b', 'd']);
  assert.deepEqual(pages.map(shapeOf), [[1, 2, ['a', 'b']]]);
  assert.deepEqual(
    house.told.map(([user]) => user),
    ['c', 'd'],
  );
});
