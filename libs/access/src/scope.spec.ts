import { hasCode } from '@jieqiao/core';
import { type Role, roles } from './permissions';
import type { Person } from './person';
import { readingReasons, requireReason, revealReasons } from './reasons';
import { draftScope, type Matter, requireSight, type Sight, sightOf } from './scope';

const someone = (role: Role, over: Partial<Person> = {}): Person => ({
  ...{ id: 'somebody', login: role, name: role, roles: [role], certNo: null, unit: '二中队', qualifiedSince: null },
  ...over,
});
const draft: Matter = { direction: 'out', isSent: false, authorId: 'author', unit: '一中队' };

/** Every role in a unit other than the author's, and the three that differ in it. */
const sights: [Role, draft: Sight, sentOrReceived: Sight, draftOfOwnUnit: Sight][] = [
  ['handler', 'none', 'content', 'content'],
  ['squad-lead', 'none', 'content', 'content'],
  ['legal-reviewer', 'content', 'content', 'content'],
  ['head', 'content', 'content', 'content'],
  ['seal-keeper', 'content', 'content', 'content'],
  ['clerk', 'none', 'content', 'none'],
  ['supervisor', 'for-a-reason', 'for-a-reason', 'for-a-reason'],
  ['administrator', 'none', 'none', 'none'],
  ['security-auditor', 'metadata', 'metadata', 'metadata'],
];

it('speaks of all nine roles', () => {
  expect(sights.map(([role]) => role)).toEqual(Object.keys(roles));
});

describe.each(sights)('%s', (role, ofDraft, ofOthers, ofUnit) => {
  it('sees drafts, what was sent, and what was received', () => {
    const person = someone(role);
    expect(sightOf(person, draft)).toBe(ofDraft);
    expect(sightOf(person, { ...draft, isSent: true })).toBe(ofOthers);
    expect(sightOf(person, { direction: 'in', isSent: true, authorId: null, unit: null })).toBe(ofOthers);
    expect(sightOf(someone(role, { unit: '一中队' }), draft)).toBe(ofUnit);
    expect(sightOf(someone(role, { unit: null }), { ...draft, unit: null })).toBe(ofUnit);
  });

  it('finds in a list what it may see, and no more', () => {
    const scope = draftScope(someone(role));
    if (scope === 'all') expect(ofDraft).not.toBe('none');
    else expect([ofDraft, scope.ofUnit ? 'content' : 'none']).toEqual(['none', ofUnit]);
  });
});

it('an author sees a draft after having changed units, and not as an administrator', () => {
  expect(sightOf(someone('handler', { id: 'author' }), draft)).toBe('content');
  expect(sightOf(someone('administrator', { id: 'author' }), draft)).toBe('none');
});

it('asks for the permission first, then for the object', () => {
  const refused = (work: () => unknown) => {
    try {
      work();
    } catch (error) {
      if (hasCode(error, 'FORBIDDEN')) return error.params.permission;
      throw error;
    }
    return null;
  };
  expect(refused(() => requireSight(someone('administrator'), 'transfer.read', draft))).toBe('transfer.read');
  expect(refused(() => requireSight(someone('handler'), 'transfer.read', draft))).toBe('transfer.read');
  expect(refused(() => requireSight(someone('security-auditor'), 'receipt.read', draft))).toBe('receipt.read');
  expect(requireSight(someone('security-auditor'), 'receipt.read', draft, 'metadata')).toBe('metadata');
  expect(requireSight(someone('supervisor'), 'transfer.read', draft)).toBe('for-a-reason');
});

it('a reason is one of its list', () => {
  const stated = { code: 'file-review', text: '年度案卷评查' };
  expect(requireReason(stated, readingReasons)).toBe(stated);
  for (const wrong of [undefined, { code: 'curiosity', text: 'x' }, { code: 'constructor', text: 'x' }]) {
    expect(() => requireReason(wrong, readingReasons)).toThrow(expect.objectContaining({ code: 'REASON_REQUIRED' }));
  }
  expect(() => requireReason(stated, revealReasons)).toThrow(expect.objectContaining({ code: 'REASON_REQUIRED' }));
});
