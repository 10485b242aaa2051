import { readdirSync, readFileSync } from 'node:fs';

import test from 'ava';

import { gapsOf, readPackets, segmentsOfTurns } from './conversation.ts';
import { sipFlow, sipMessage } from './sip.ts';

const folder = new URL('rfc4475/', import.meta.url);
const bytesOf = (name: string): Buffer => readFileSync(new URL(`${name}.dat`, folder));

/** What a message gives: a request's span, an answer that nobody asked for, or nothing but a count. */
type Verdict =
  | {
      readonly request: string;
      readonly callId: string;
      readonly to?: string;
      readonly from?: string;
    }
  | 'answer'
  | 'malformed';

/*
 * RFC 4475 by section. Requests that an element may answer with an error of its own are requests; malformed is what leaves
 * open where the message ends or which transaction it is of, and a first line that is none.
 */
const verdicts: Readonly<Record<string, Verdict>> = {
  // 3.1.1 Valid messages
  wsinv: {
    request: 'INVITE',
    callId: 'wsinv.ndaksdj@192.0.2.1',
    to: 'sip:vivekg@chair-dnrc.example.com',
    from: 'sip:jdrosen@example.com',
  },
  intmeth: {
    request: "SIP !interesting-Method0123456789_*+`.%indeed'~",
    callId: `intmeth.word%ZK-!.*_+'@word\`~)(><:\\/"][?}{`,
    to: "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/@example.com",
    from: 'sip:mundane@example.com',
  },
  esc01: {
    request: 'INVITE',
    callId: 'esc01.239409asdfakjkn23onasd0-3234',
    to: 'sip:%75se%72@example.com',
    from: 'sip:I%20have%20spaces@example.net',
  },
  escnull: {
    request: 'REGISTER',
    callId: 'escnull.39203ndfvkjdasfkq3w4otrq0adsfdfnavd',
    to: 'sip:null-%00-null@example.com',
  },
  esc02: {
    request: 'SIP RE%47IST%45R',
    callId: 'esc02.asdfnqwo34rq23i34jrjasdcnl23nrlknsdf',
    to: 'sip:resource@example.com',
  },
  lwsdisp: {
    request: 'OPTIONS',
    callId: 'lwsdisp.1234abcd@funky.example.com',
    from: 'sip:caller@example.com',
  },
  longreq: {
    request: 'INVITE',
    callId: `longreq.one${'really'.repeat(20)}longcallid`,
    to: 'sip:user@example.com:6000',
  },
  dblreq: { request: 'REGISTER', callId: 'dblreq.0ha0isndaksdj99sdfafnl3lk233412' },
  semiuri: { request: 'OPTIONS', callId: 'semiuri.0ha0isndaksdj' },
  transports: { request: 'OPTIONS', callId: 'transports.kijh4akdnaqjkwendsasfdj' },
  mpart01: { request: 'MESSAGE', callId: '3d9485ad0c49859b@Zmx1ZmZ5LW1hYy0xNi5sb2NhbA..' },
  unreason: 'answer',
  noreason: 'answer',
  // 3.1.2 Invalid messages
  badinv01: 'malformed',
  clerr: 'malformed',
  ncl: 'malformed',
  scalar02: 'malformed',
  scalarlg: 'malformed',
  quotbal: 'malformed',
  ltgtruri: 'malformed',
  lwsruri: 'malformed',
  lwsstart: 'malformed',
  trws: 'malformed',
  escruri: { request: 'INVITE', callId: 'escruri.23940-asdfhj-aje3br-234q098w-fawerh2q-h4n5' },
  baddate: { request: 'INVITE', callId: 'baddate.239423mnsadf3j23lj42--sedfnm234' },
  regbadct: { request: 'REGISTER', callId: 'regbadct.k345asrl3fdbv@10.0.0.1' },
  badaspec: {
    request: 'OPTIONS',
    callId: 'badaspec.sdf0234n2nds0a099u23h3hnnw009cdkne3',
    to: 'sip:t.watson@example.org',
  },
  baddn: {
    request: 'OPTIONS',
    callId: 'baddn.31415@c.example.com',
    from: 'sip:a.g.bell@example.com',
  },
  badvers: 'malformed',
  mismatch01: 'malformed',
  mismatch02: 'malformed',
  bigcode: 'malformed',
  // 3.2 Transaction layer
  badbranch: { request: 'OPTIONS', callId: 'badbranch.sadonfo23i420jv0as0derf3j3n' },
  // 3.3 Application layer
  insuf: 'malformed',
  unkscm: { request: 'OPTIONS', callId: 'unkscm.nasdfasser0q239nwsdfasdkl34' },
  novelsc: { request: 'OPTIONS', callId: 'novelsc.asdfasser0q239nwsdfasdkl34' },
  unksm2: {
    request: 'REGISTER',
    callId: 'unksm2.daksdj@hyphenated-host.example.com',
    to: 'isbn:2983792873',
  },
  bext01: { request: 'OPTIONS', callId: 'bext01.0ha0isndaksdj' },
  invut: { request: 'INVITE', callId: 'invut.0ha0isndaksdjadsfij34n23d' },
  regaut01: { request: 'REGISTER', callId: 'regaut01.0ha0isndaksdj' },
  multi01: 'malformed',
  mcl01: 'malformed',
  bcast: 'answer',
  zeromf: { request: 'OPTIONS', callId: 'zeromf.jfasdlfnm2o2l43r5u0asdfas' },
  cparam01: { request: 'REGISTER', callId: 'cparam01.70710@saturn.example.com' },
  cparam02: { request: 'REGISTER', callId: 'cparam02.70710@saturn.example.com' },
  regescrt: { request: 'REGISTER', callId: 'regescrt.k345asrl3fdbv@192.0.2.1' },
  sdp01: { request: 'INVITE', callId: 'sdp01.ndaksdj9342dasdd' },
  // 3.4 Backward compatibility
  inv2543: {
    request: 'INVITE',
    callId: 'inv2543.1717@ift.client.example.com',
    from: 'sip:REDACTED@ift.client.example.net',
    to: 'sip:REDACTED@ss1.example.net',
  },
};

const isAnswer = (name: string): boolean => bytesOf(name).subarray(0, 8).toString() === 'SIP/2.0 ';

test('each message of RFC 4475 has a verdict', (t) => {
  const names = readdirSync(folder).map((name) => name.replace('.dat', ''));
  t.deepEqual(names.toSorted(), Object.keys(verdicts).toSorted());
  t.is(names.length, 49);
});

/** A sound request that makes the flow one of SIP, and its answer. */
const lines = [
  'Via: SIP/2.0/UDP a;branch=z9hG4bK0',
  'From: <sip:a@b>;tag=1',
  'To: <sip:a@b>',
  'Call-ID: opening',
  'CSeq: 1 OPTIONS',
  'Content-Length: 0',
];
const opening = sipMessage(['OPTIONS sip:a@b SIP/2.0', ...lines]);
const opened = sipMessage(['SIP/2.0 200 OK', ...lines]);

for (const [name, verdict] of Object.entries(verdicts)) {
  test(`${name} over UDP: ${typeof verdict === 'string' ? verdict : verdict.request}`, async (t) => {
    const bytes = bytesOf(name);
    const { spans, ledger } = await readPackets(
      sipFlow(['in', opening], ['out', opened], [isAnswer(name) ? 'out' : 'in', bytes]),
      300_000_000_000n,
    );
    t.deepEqual(gapsOf(ledger), []);
    const [, span] = spans;
    const skipped = ledger.bytes.skipped['malformed'] ?? 0;
    if (typeof verdict !== 'string') {
      const { request, callId, to, from } = verdict;
      const a = span?.attributes ?? {};
      t.is([span?.name, a['sip.request.method_original']].filter(Boolean).join(' '), request);
      t.is(a['sip.call_id'], callId);
      if (to !== undefined) t.is(a['sip.to.uri'], to);
      if (from !== undefined) t.is(a['sip.from.uri'], from);
      t.is(a['error.type'], 'timeout');
      t.is(skipped, 0);
      return;
    }
    t.is(spans.length, 1);
    t.is(skipped, verdict === 'malformed' ? bytes.length : 0);
    // Of another version it is not known to be a request.
    const counted = verdict === 'malformed' && !isAnswer(name) && name !== 'badvers';
    t.deepEqual(
      ledger.requests.lost,
      counted ? { malformed: 1 } : verdict === 'answer' ? { before_attach: 1 } : {},
    );
  });

  test(`${name} over TCP leaves what follows alone or unread`, async (t) => {
    const bytes = bytesOf(name);
    for (const cuts of [[1], [4_000], [7, 90]]) {
      const { spans, ledger } = await readPackets(
        segmentsOfTurns(
          [
            { from: 'client', bytes: opening },
            { from: 'server', bytes: opened },
            { from: isAnswer(name) ? 'server' : 'client', bytes },
            {
              from: 'client',
              bytes: Buffer.from(opening.toString().replaceAll('opening', 'after')),
            },
          ],
          { clientIsn: 1, serverIsn: 2, cuts, podServes: true },
        ),
        300_000_000_000n,
      );
      t.deepEqual(gapsOf(ledger), [], name);
      t.is(spans[0]?.attributes['sip.call_id'], 'opening');
      const stopped = (ledger.bytes.skipped['malformed'] ?? 0) > 0;
      const after = spans.some(({ attributes }) => attributes['sip.call_id'] === 'after');
      // A body that was promised and never came takes the next message for itself.
      t.is(after, !stopped && name !== 'clerr');
    }
  });
}
