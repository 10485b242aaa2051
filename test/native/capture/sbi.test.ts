import test from 'ava';

import { readPackets, segmentsOfTurns } from './conversation.ts';
import { HpackEncoder } from './http2.ts';
import { exchangesOf, opening, readTurns } from './http2-conversation.ts';
import type { DecodedSpan } from './otlp.ts';

/** The span of a request over HTTP/2, as the 5G core speaks. */
async function ask(path: string, method = 'GET', podServes = true): Promise<DecodedSpan> {
  const block = new HpackEncoder().encode(
    [
      [':method', method],
      [':scheme', 'http'],
      [':path', path],
      [':authority', 'udm.5gc.mnc093.mcc208.3gppnetwork.org'],
    ],
    'plain',
  );
  const { spans } = await readTurns([...opening, ...exchangesOf([block])], 0, { podServes });
  const [span] = spans;
  if (span === undefined) throw new Error('no span');
  return span;
}

const named: readonly (readonly [method: string, path: string, nf: string, route: string])[] = [
  ['POST', '/nausf-auth/v1/ue-authentications', 'AUSF', '/nausf-auth/v1/ue-authentications'],
  [
    'GET',
    '/nudm-sdm/v2/imsi-208930000000003/am-data?plmn-id=1',
    'UDM',
    '/nudm-sdm/v2/{supi}/am-data',
  ],
  ['GET', '/nudm-sdm/v2/imsi%2D208930000000003/sm-data', 'UDM', '/nudm-sdm/v2/{supi}/sm-data'],
  [
    'GET',
    '/namf-comm/v1/ue-contexts/5g-guti-208930100420000000001',
    'AMF',
    '/namf-comm/v1/ue-contexts/{guti}',
  ],
  ['GET', '/nudm-sdm/v2/nai-joe%40example.org/nssai', 'UDM', '/nudm-sdm/v2/{supi}/nssai'],
  [
    'POST',
    '/nudm-ueau/v1/suci-0-208-93-0000-0-0-0000000003/security-information/generate-auth-data',
    'UDM',
    '/nudm-ueau/v1/{supi}/security-information/generate-auth-data',
  ],
  [
    'POST',
    '/namf-comm/v1/ue-contexts/imsi-208930000000003/n1-n2-messages',
    'AMF',
    '/namf-comm/v1/ue-contexts/{supi}/n1-n2-messages',
  ],
  [
    'POST',
    '/nsmf-pdusession/v1/sm-contexts/urn:uuid:0e1c2d3a/modify',
    'SMF',
    '/nsmf-pdusession/v1/sm-contexts/{id}/modify',
  ],
  [
    'PUT',
    '/nnrf-nfm/v1/nf-instances/8b5a1f6e-5d1e-41ed-9a4f-1f4c6c5f3d10',
    'NRF',
    '/nnrf-nfm/v1/nf-instances/{id}',
  ],
  [
    'GET',
    '/nudr-dr/v2/subscription-data/msisdn-4917212345/20893/provisioned-data',
    'UDR',
    '/nudr-dr/v2/subscription-data/{gpsi}/{id}/provisioned-data',
  ],
  ['GET', '/n5g-eir-eic/v1/equipment-status', '5G-EIR', '/n5g-eir-eic/v1/equipment-status'],
];

for (const [method, path, nf, route] of named)
  test(`a request to the 5G core is named: ${method} ${route}`, async (t) => {
    const span = await ask(path, method);
    const [, service = '', version = ''] = route.split('/');
    t.is(span.name, `${method} ${route}`);
    t.like(span.attributes, {
      'http.route': route,
      'clover.sbi.nf': nf,
      'clover.sbi.service': service,
      'clover.sbi.operation': `${method} ${route.slice(service.length + version.length + 2)}`,
    });
    t.notRegex(JSON.stringify(span.attributes), /\d{9}|joe|4917212345/);
  });

test('a caller’s span has the same path as a template', async (t) => {
  const { name, attributes } = await ask('/nudm-sdm/v2/imsi-208930000000003/am-data', 'GET', false);
  t.is(name, 'GET /nudm-sdm/v2/{supi}/am-data');
  t.is(attributes['url.template'], '/nudm-sdm/v2/{supi}/am-data');
  t.is(attributes['http.route'], undefined);
});

for (const path of [
  '/',
  '/nginx-status/v1',
  '/news-amf/v1/x',
  '/namf-comm',
  '/namf-comm/latest/x',
  '/amf-comm/v1/x',
  '/n-x/v1',
])
  test(`a path that is none of the 5G core names nothing: ${path}`, async (t) => {
    const { name, attributes } = await ask(path);
    t.is(name, 'GET');
    t.is(attributes['clover.sbi.nf'], undefined);
  });

const redacted: Readonly<Record<string, string>> = {
  '/a/imsi-208930000000003/b': '/a/imsi-REDACTED/b',
  '/a/IMSI-208930000000003': '/a/IMSI-REDACTED',
  '/suci-0-208-93-0-0-0-3': '/suci-REDACTED',
  '/msisdn-4917212345': '/msisdn-REDACTED',
  '/extid-joe@example.org/x': '/extid-REDACTED/x',
  '/imeisv-1234567890123456': '/imeisv-REDACTED',
  '/imei-123456789012345,imsi-208930000000003': '/imei-REDACTED',
  '/a/%22imsi-208930000000003%22/b': '/a/%22imsi-REDACTED/b',
  '/a/imsi%2D208930000000003/b': '/a/imsi%2DREDACTED/b',
  '/a/%69msi%2d%32%3089': '/a/%69msi%2dREDACTED',
  '/a%2Fimsi-208930000000003': '/a%2Fimsi-REDACTED',
  '/5g-guti-208930100420000000001/x': '/5g-guti-REDACTED/x',
  '/%imsi-1%2/%2': '/%imsi-REDACTED/%2',
  '/%zzimsi-1/imsi%2D': '/%zzimsi-1/imsi%2D',
  '/imsi-list/nai-/taimsi-1': '/imsi-list/nai-/taimsi-1',
};

for (const [path, expected] of Object.entries(redacted))
  test(`identifiers of subscribers stay on the node: ${path}`, async (t) => {
    t.is((await ask(path)).attributes['url.path'], expected);
  });

test('over HTTP/1 too, and in the names of a query', async (t) => {
  const { spans } = await readPackets(
    segmentsOfTurns(
      [
        {
          from: 'client',
          bytes: Buffer.from(
            'GET /x/imsi-208930000000003?imsi-208930000000003=1&a=imsi-1 HTTP/1.1\r\nHost: a\r\n\r\n',
          ),
        },
        { from: 'server', bytes: Buffer.from('HTTP/1.1 204 No\r\n\r\n') },
      ],
      { clientIsn: 7, serverIsn: 9, cuts: [500] },
    ),
  );
  t.is(spans[0]?.attributes['url.path'], '/x/imsi-REDACTED');
  t.is(spans[0]?.attributes['url.query'], 'imsi-REDACTED=REDACTED&a=REDACTED');
});
