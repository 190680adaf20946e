import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseInvite, parseInviteCancel, parseInviteReply } from '../../sdk/invites.js';
import { parseGroupMessage, parsePage, parseUserMessage } from '../../sdk/messages.js';
import { parseKick, parseMute } from '../../sdk/requests.js';

const LIMITS = { group: 'g', maxMessage: 20 };
const codeOf = (run) => {
  try {
    run();
    return 0;
  } catch ({ code }) {
    return code;
  }
};

test('a message to the group goes to all, to some, or to all but some', () => {
  const users = ['a', 'b'];
  assert.deepEqual(parseGroupMessage({ msg: 1 }, LIMITS, null), { body: 1 });
  assert.deepEqual(parseGroupMessage({ groupId: 'g', msg: null, lossy: true }, LIMITS, null), {
    body: null,
    class: 'lossy',
  });
  assert.deepEqual(parseGroupMessage({ msg: 1, whiteList: users }, LIMITS, 'whiteList').to, { only: users });
  assert.deepEqual(parseGroupMessage({ msg: 1, blackList: users }, LIMITS, 'blackList').to, { except: users });
});

test('a list under the wrong name is refused, and never left out', () => {
  assert.equal(
    codeOf(() => parseGroupMessage({ msg: 1, whiteList: ['a'] }, LIMITS, 'blackList')),
    1,
  );
  assert.equal(
    codeOf(() => parseGroupMessage({ msg: 1, blackList: ['a'] }, LIMITS, 'whiteList')),
    1,
  );
  assert.equal(
    codeOf(() => parseGroupMessage({ msg: 1, whiteList: ['a'] }, LIMITS, null)),
    1,
  );
  assert.equal(
    codeOf(() => parseGroupMessage({ msg: 1 }, LIMITS, 'whiteList')),
    1,
  );
});

test('a message has a value, a size, a group and at most 128 users', () => {
  const many = Array.from({ length: 129 }, (_, index) => `u${index}`);
  const loop = {};
  loop.loop = loop;
  for (const msg of [undefined, loop, 1n, 'ü'.repeat(10)]) {
    assert.equal(
      codeOf(() => parseGroupMessage({ msg }, LIMITS, null)),
      1,
    );
  }
  assert.equal(
    codeOf(() => parseGroupMessage({ groupId: 'other', msg: 1 }, LIMITS, null)),
    31,
  );
  assert.equal(
    codeOf(() => parseGroupMessage({ msg: 1, whiteList: many }, LIMITS, 'whiteList')),
    1,
  );
  assert.equal(
    codeOf(() => parseGroupMessage({ msg: 1, whiteList: many.slice(1) }, LIMITS, 'whiteList')),
    0,
  );
  assert.equal(
    codeOf(() => parseGroupMessage(undefined, LIMITS, null)),
    1,
  );
  assert.deepEqual(parseUserMessage({ dstUserId: 'a', msg: 'hi' }, 20), { user: 'a', body: 'hi' });
  assert.equal(
    codeOf(() => parseUserMessage({ msg: 'hi' }, 20)),
    1000006,
  );
});

test('the invited are named as texts or as objects', () => {
  const wire = { invite: 1, group: 'g', users: ['a', 'b'] };
  assert.deepEqual(parseInvite({ seqId: 1, groupId: 'g', calleeInfo: ['a', { userId: 'b' }], extendInfo: '' }), wire);
  assert.deepEqual(parseInviteCancel({ seqId: 1, calleeInfo: [{ userId: 'a' }] }), { invite: 1, users: ['a'] });
  assert.deepEqual(parseInviteCancel({ seqId: 1 }), { invite: 1 });
  for (const calleeInfo of [undefined, 'a', [null], [{}]]) {
    assert.notEqual(
      codeOf(() => parseInvite({ seqId: 1, groupId: 'g', calleeInfo })),
      0,
    );
  }
});

test('an invite is accepted with 0 and rejected with 1, and with nothing else', () => {
  assert.deepEqual(parseInviteReply({ seqId: 9, operation: 0 }), { invite: 9, accept: true });
  assert.deepEqual(parseInviteReply({ seqId: 9, operation: 1, extendInfo: { a: 1 } }), {
    invite: 9,
    accept: false,
    extend_info: { a: 1 },
  });
  assert.deepEqual(parseInviteReply({ seqId: '9', operation: '0' }), { invite: 9, accept: true });
  for (const options of [{ seqId: 9 }, { seqId: 9, operation: '' }, { seqId: 9, operation: true }, { seqId: 'x', operation: 0 }, null]) {
    assert.equal(
      codeOf(() => parseInviteReply(options)),
      1,
    );
  }
});

test('pages and moderation take what they say', () => {
  assert.deepEqual(parsePage('before', undefined), { limit: 500 });
  assert.deepEqual(parsePage('before', { before: 7, limit: 9000 }), { before: 7, limit: 500 });
  assert.equal(
    codeOf(() => parsePage('after', { limit: 0 })),
    1,
  );
  assert.deepEqual(parseKick({ userId: 'a' }), { user: 'a' });
  assert.deepEqual(parseKick({ userId: 'a', banSeconds: 60 }), { user: 'a', ban: 60 });
  assert.equal(
    codeOf(() => parseKick({ userId: 'a', banSeconds: -1 })),
    1,
  );
  assert.equal(
    codeOf(() => parseMute({ userId: 'a', mediaType: 2, mediaId: 'cam' })),
    1,
  );
});
