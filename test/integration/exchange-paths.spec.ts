import { databases } from '../support/databases';
import { TwoSides, provenEntry, readSample, claimsOf } from '../support/exchange-fixture';

describe.each(databases())('the exchange on %s', (_name, create) => {
  it('try', async () => {
    const t0 = Date.now();
    const two = await TwoSides.open(create);
    console.log('open', Date.now() - t0);
    const d = await two.sealed();
    console.log(await two.deliver(d).then((o) => o.map((x) => [x.status, x.code])), Date.now() - t0);
    const s2 = readSample('s2');
    const dec = await two.sender.transfers.check(two.sender.handler, await two.draft(two.sampleFiles(two.s1)));
    console.log(dec.outcome);
    two.clock.set('2024-06-01T00:00:00.000Z');
    const id = await two.draft(two.sampleFiles(s2), s2, two.receiver);
    const dec2 = await two.receiver.transfers.check(two.receiver.handler, id);
    console.log(dec2.outcome, new Set(dec2.results.filter(r=>r.result!=='pass').map(r=>r.rule+r.result)));
    await two.close();
  });
});
