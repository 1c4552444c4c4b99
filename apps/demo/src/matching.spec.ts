import { mismatches } from './matching';

it.each([
  [{ a: 1 }, { a: 1, b: 2 }, []],
  [{ a: { b: true } }, { a: { b: false } }, ['a.b: false instead of true']],
  [{ a: null }, { a: null }, []],
  [{ a: 1 }, null, [': null instead of {"a":1}']],
  [{ a: 1 }, {}, ['a: nothing instead of 1']],
  [['open', 'answered'], ['open', 'answered'], []],
  [{ m: ['open'] }, { m: ['open', 'open'] }, ['m: ["open","open"] instead of ["open"]']],
  [{ r: [{ id: 2 }] }, { r: [{ id: 1 }, { id: 2, at: 'x' }] }, []],
  [{ r: [{ id: 3 }] }, { r: [{ id: 1 }] }, ['r[0]: nothing like {"id":3}']],
  [{ r: [{ id: 3 }] }, {}, ['r[0]: nothing like {"id":3}']],
])('%j in %j', (expected, actual, problems) => {
  expect(mismatches(expected, actual)).toEqual(problems);
});
