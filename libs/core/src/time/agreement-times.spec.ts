import { randomBytes } from 'node:crypto';
import {
  type Agreement,
  agreementFileBytes,
  agreementSignatureTimes,
  answerTimestampRequest,
  Certificate,
  createDemonstrationAuthority,
  type DemonstrationAuthority,
  digestOf,
  parseAgreement,
  readTimestampResponse,
  Signer,
  signAgreement,
  timestampRequest,
  withSignature,
} from '@jieqiao/core';
import { makeAgreement, makeParty, type Party, sealedAt, validity } from '../../../../test/support/sealed-exchange';

describe('when the parties of an agreement signed', () => {
  let parties: [Party, Party];
  let authority: DemonstrationAuthority;

  beforeAll(async () => {
    parties = [
      await makeParty('pinghu.330482', '平湖市综合行政执法局'),
      await makeParty('jinshan.310116', '上海市金山区城市管理行政执法局'),
    ];
    authority = await createDemonstrationAuthority('pinghu.330482', validity);
  });

  const stamp = (text: string, by = authority): string => {
    const signer = Signer.fromPem(by.authority.privateKeyPem, by.authority.certificatePem);
    const request = timestampRequest(digestOf(Buffer.from(text)), randomBytes(8));
    const token = readTimestampResponse(
      answerTimestampRequest(request, { signer, now: sealedAt, serial: randomBytes(8) }),
    );
    return token.toString('base64');
  };

  /** Signed by both; the first party's signature with a token over `stamped`. */
  function agreement(stampOf: (jws: string) => string, rootPem: string | null = authority.rootPem): Agreement {
    const certificate = rootPem && Certificate.parse(rootPem).raw.toString('base64');
    const timeAuthorities = certificate ? [{ name: '演示时间戳', certificate, demonstration: true }] : undefined;
    const { content } = makeAgreement(parties, timeAuthorities ? { timeAuthorities } : {});
    const jws = parties.map((party) => signAgreement(content, party.seal)) as [string, string];
    let file = withSignature({ agreement: content, signatures: [] }, parties[0].node, jws[0], stampOf(jws[0]));
    file = withSignature(file, parties[1].node, jws[1]);
    return parseAgreement(agreementFileBytes(file));
  }

  const told = (of: Agreement) =>
    Object.fromEntries(
      agreementSignatureTimes(of).map(({ signature, timestamp, problem }) => [
        signature.node,
        timestamp ? `${timestamp.time.toISOString()} ${timestamp.authority}` : (problem?.params.reason ?? null),
      ]),
    );

  it('a good token tells', () => {
    expect(told(agreement(stamp))).toEqual({
      'pinghu.330482': `${sealedAt.toISOString()} 演示时间戳`,
      'jinshan.310116': null,
    });
  });

  it.each<[string, (jws: string) => string, string]>([
    ['over another signature', (jws) => stamp(`${jws}x`), 'imprint'],
    ['that is none', () => 'AAAA', 'structure'],
  ])('a token %s tells why not, and the signature stands', (_, stampOf, reason) => {
    expect(told(agreement(stampOf))['pinghu.330482']).toBe(reason);
  });

  it('an authority that the agreement does not name tells nothing', async () => {
    const other = await createDemonstrationAuthority('jinshan.310116', validity);
    expect(told(agreement((jws) => stamp(jws, other)))['pinghu.330482']).toBe('UNKNOWN_ISSUER');
    expect(told(agreement((jws) => stamp(jws), null))['pinghu.330482']).toBe('UNKNOWN_ISSUER');
  });
});
