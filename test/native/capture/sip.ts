import { startNs } from './conversation.ts';
import { changed } from './dns.ts';
import type { UdpDatagram } from './frames.ts';
import type { DecodedSpan } from './otlp.ts';

/** A message from its lines and a body. */
export const sipMessage = (lines: readonly string[], body = ''): Buffer =>
  Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`, 'latin1');

/** What tells the messages of a call apart. */
export interface SipParts {
  readonly method: string;
  readonly branch?: string;
  readonly cseq?: number;
  readonly fromTag?: string;
  readonly toTag?: string;
  readonly callId?: string;
  /** Further Via fields below the topmost. */
  readonly vias?: readonly string[];
  readonly sentBy?: string;
  readonly extra?: readonly string[];
  readonly body?: string;
}

const fields = (parts: SipParts, method: string): string[] => {
  const { branch = `z9hG4bK-${parts.method}`, cseq = 1, fromTag = 'a1', toTag, body = '' } = parts;
  return [
    `Via: SIP/2.0/UDP ${parts.sentBy ?? '198.18.0.1:5060'};branch=${branch};rport`,
    ...(parts.vias ?? []),
    `From: "Alice" <sip:alice@example.com;transport=udp>;tag=${fromTag}`,
    `To: Bob <sip:bob@example.org>${toTag === undefined ? '' : `;tag=${toTag}`}`,
    `Call-ID: ${parts.callId ?? 'call-1@198.18.0.1'}`,
    `CSeq: ${cseq} ${method}`,
    'Max-Forwards: 70',
    ...(parts.extra ?? []),
    `Content-Length: ${body.length}`,
  ];
};

/** A request. */
export const sipRequest = (parts: SipParts): Buffer =>
  sipMessage(
    [
      `${parts.method} sip:bob:secret@example.org;user=ip?x=1 SIP/2.0`,
      ...fields(parts, parts.method),
    ],
    parts.body,
  );

/** The answer to {@link sipRequest} of the same parts. */
export const sipResponse = (status: number, parts: SipParts): Buffer =>
  sipMessage([`SIP/2.0 ${status} Whatever`, ...fields(parts, parts.method)], parts.body);

/** Datagrams between the pod and its peer, 10 ms apart; the pod's port is 5060. */
export const sipFlow = (
  ...payloads: readonly (readonly ['in' | 'out', Uint8Array, Partial<UdpDatagram>?])[]
): UdpDatagram[] =>
  payloads.map(([way, payload, change = {}], at) =>
    changed(
      {
        toPod: way === 'in',
        payload,
        timeNs: startNs + BigInt(at) * 10_000_000n,
        podPort: 5060,
        peerPort: 5060,
      },
      change,
    ),
  );

/** A call from INVITE to the end of BYE, from the peer to the pod. */
export const callOf = (callId: string): UdpDatagram[] => {
  const invite = { method: 'INVITE', callId, body: 'v=0\r\n' };
  const within = { callId, toTag: 'b1' };
  return sipFlow(
    ['in', sipRequest(invite)],
    ['out', sipResponse(100, { method: 'INVITE', callId })],
    ['out', sipResponse(180, { method: 'INVITE', ...within })],
    ['out', sipResponse(200, { method: 'INVITE', ...within, body: 'v=0\r\n' })],
    ['in', sipRequest({ method: 'ACK', ...within })],
    [
      'out',
      sipRequest({ method: 'BYE', callId, fromTag: 'b1', toTag: 'a1', sentBy: '198.18.0.2' }),
    ],
    [
      'in',
      sipResponse(200, { method: 'BYE', callId, fromTag: 'b1', toTag: 'a1', sentBy: '198.18.0.2' }),
    ],
  );
};

/** Name, kind, status and error of a span. */
export const brief = ({ name, kind, attributes: a }: DecodedSpan): string =>
  [name, kind === 2 ? 'SERVER' : 'CLIENT', a['sip.response.status_code'], a['error.type']]
    .filter((part) => part !== undefined)
    .join(' ');

/** The events of a span: ms since the start, name and status. */
export const eventsOf = (span: DecodedSpan | undefined): string[] =>
  (span?.events ?? []).map(({ name, timeNs, attributes }) =>
    `${(timeNs - startNs) / 1_000_000n} ${name} ${attributes['sip.response.status_code'] ?? ''}`.trim(),
  );
