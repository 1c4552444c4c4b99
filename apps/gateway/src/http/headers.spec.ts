import type { FastifyRequest } from 'fastify';
import {
  contentDisposition,
  decodeCursor,
  encodeCursor,
  idempotencyKey,
  ifMatch,
  preferredWaitMs,
  requiredIfMatch,
} from './headers';

const request = (headers: Record<string, string>) => ({ headers }) as unknown as FastifyRequest;

describe('headers', () => {
  it.each([
    ['"3"', 3],
    [' "0" ', 0],
    ['W/"3"', -1],
    ['3', -1],
    ['*', -1],
    ['"3", "4"', -1],
    ['"3e1"', -1],
  ])('If-Match %s', (header, version) => {
    expect(ifMatch(request({ 'if-match': header }))).toBe(version);
  });

  it('If-Match absent', () => {
    expect(ifMatch(request({}))).toBeUndefined();
    expect(() => requiredIfMatch(request({}))).toThrow(expect.objectContaining({ code: 'PRECONDITION_REQUIRED' }));
  });

  it.each([
    ['wait=5', 5_000],
    ['respond-async, wait=10', 10_000],
    ['handling=lenient; wait="7"', 7_000],
    ['WAIT = 3', 3_000],
    ['wait=99999', 60_000],
    ['wait=-1', 0],
    ['wait=5s', 0],
    ['await=5', 0],
    ['', 0],
  ])('Prefer: %s', (header, ms) => {
    expect(preferredWaitMs(request({ prefer: header }))).toBe(ms);
  });

  it('Idempotency-Key, quoted or bare', () => {
    expect(idempotencyKey(request({ 'idempotency-key': '"8e03978e-40d5"' }))).toBe('8e03978e-40d5');
    expect(idempotencyKey(request({ 'idempotency-key': 'abc' }))).toBe('abc');
    for (const wrong of ['a b', 'x'.repeat(129), '"', 'é']) {
      expect(() => idempotencyKey(request({ 'idempotency-key': wrong }))).toThrow(
        expect.objectContaining({ code: 'VALIDATION_FAILED' }),
      );
    }
    expect(() => idempotencyKey(request({}))).toThrow(expect.objectContaining({ code: 'IDEMPOTENCY_KEY_REQUIRED' }));
  });

  it('a cursor is an id and nothing else', () => {
    const id = '01900000-0000-7000-8000-0000000000ff';
    expect(encodeCursor(id)).toHaveLength(22);
    expect(decodeCursor(encodeCursor(id))).toBe(id);
    for (const wrong of ['', 'abc', `${encodeCursor(id)}A`, `${encodeCursor(id).slice(0, 21)}x`]) {
      expect(() => decodeCursor(wrong)).toThrow(expect.objectContaining({ code: 'VALIDATION_FAILED' }));
    }
  });

  it('a file name cannot leave its header', () => {
    expect(contentDisposition('a"b\\c%\r\nSet-Cookie: x')).toBe(
      `attachment; filename="a_b_c___Set-Cookie: x"; filename*=UTF-8''a%22b%5Cc%25%0D%0ASet-Cookie%3A%20x`,
    );
    expect(contentDisposition("照片(1)'.jpg")).toContain("filename*=UTF-8''%E7%85%A7%E7%89%87%281%29%27.jpg");
  });
});
