/**
 * A control API for tests: a real CA, real certificates of every purpose, everything else in memory.
 */
import { createPublicKey, X509Certificate } from 'node:crypto';
import { Writable } from 'node:stream';
import type {
  CertificateAuthority,
  IssuedCertificate,
} from '../../../controller/certificates/authority.js';
import { buildCertificate } from '../../../controller/certificates/x509-builder.js';
import type { ConnectedAgent } from '../../../controller/agents/connected-agent.js';
import { createAuditLog } from '../../../controller/control-api/audit-log.js';
import { ControlApi } from '../../../controller/control-api/control-api.js';
import type { ControlApiParts } from '../../../controller/control-api/control-api-parts.js';
import type { ControlResponse } from '../../../controller/control-api/control-response.js';
import type { ClientCertificate } from '../../../controller/control-api/operator-auth.js';
import { systemClock, type Clock } from '../../../shared/clock.js';
import { agentName, routeText } from '../../../shared/ids.js';
import { createLog, type Log } from '../../../shared/log.js';
import { caKey, DAY_MS, testCa, type TestCa } from '../certificates/test-authority.js';
import { certificateAuthorityFromPem } from '../../../controller/certificates/authority.js';

/** Lines of a JSON log, parsed. */
export interface CapturedLog {
  readonly log: Log;
  readonly lines: Record<string, unknown>[];
  readonly text: () => string;
}

/** A log that keeps what it is told. */
export function capturedLog(): CapturedLog {
  const texts: string[] = [];
  const lines: Record<string, unknown>[] = [];
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      texts.push(chunk.toString());
      lines.push(JSON.parse(chunk.toString()) as Record<string, unknown>); // pino writes whole lines
      done();
    },
  });
  const { log } = createLog({
    level: 'debug',
    format: 'json',
    destination: { write: (text) => void sink.write(text) },
    writes: 'at-once',
  });
  return { log, lines, text: () => texts.join('') };
}

export interface ControlFixture {
  readonly ca: TestCa;
  readonly authority: CertificateAuthority;
  readonly api: ControlApi;
  readonly captured: CapturedLog;
  readonly agents: ConnectedAgent[];
  /** A control certificate, as TLS would show it. */
  readonly operator: ClientCertificate;
  readonly operatorPair: IssuedCertificate;
  /** POSTs (GETs without a body) to `/api/v1/<endpoint>` as the operator. */
  call(endpoint: string, body?: unknown): Promise<ControlResponse>;
}

/** Builds one; `overrides` replaces parts. */
export async function controlFixture(
  overrides: Partial<ControlApiParts> & { readonly clock?: Clock } = {},
): Promise<ControlFixture> {
  const ca = testCa({ name: 'Control test CA' });
  const authority = certificateAuthorityFromPem(ca, systemClock);
  const captured = capturedLog();
  const agents: ConnectedAgent[] = [];
  const api = new ControlApi(
    {
      certificates: authority,
      tokens: { issueServiceToken: (route) => `token-for-${routeText(route)}` },
      agents: { list: () => agents },
      addresses: {
        agentHostname: 'agents.example.com',
        agentPort: 1234,
        serviceHostname: 'services.example.com',
        servicePort: 9002,
        controlHostname: 'control.example.com',
        controlPort: 9003,
      },
      version: 'v9.8.7',
      audit: createAuditLog(captured.log),
      clock: systemClock,
      ...overrides,
    },
    captured.log,
  );
  const operatorPair = await authority.issue({ purpose: 'control', name: 'oes' });
  const operator = trusted(operatorPair.certPem);
  const call = (endpoint: string, body?: unknown): Promise<ControlResponse> =>
    api.handle({
      method: body === undefined ? 'GET' : 'POST',
      target: `/api/v1/${endpoint}`,
      remoteAddress: '192.0.2.7',
      client: operator,
      readBody: () => Promise.resolve(typeof body === 'string' ? body : JSON.stringify(body)),
    });
  return { ca, authority, api, captured, agents, operator, operatorPair, call };
}

/** A certificate that TLS found to be of our CA. */
export function trusted(certPem: string): ClientCertificate {
  return { certificate: new X509Certificate(certPem), chainError: undefined };
}

/** A control pair as v3.5's make-ca writes it: RSA, JSON in the OU, no SAN, both key usages. */
export function v35ControlPair(ca: TestCa): { certPem: string; keyPem: string } {
  const key = caKey('rsa-2048');
  const certificate = buildCertificate(
    {
      subject: [
        { name: 'organizationName', value: 'OpsMx Tunnel Certificate: -oes-' },
        { name: 'organizationalUnitName', value: '{"name":"oes","purpose":"control"}' },
        { name: 'commonName', value: 'OpsMx Tunnel Certificate: -oes-' },
      ],
      publicKey: createPublicKey(key),
      validity: { notBefore: Date.now() - DAY_MS, notAfter: Date.now() + DAY_MS },
      extensions: [
        { name: 'keyUsage', critical: true, digitalSignature: true },
        { name: 'extKeyUsage', clientAuth: true, serverAuth: true },
      ],
    },
    ca,
  );
  return {
    certPem: certificate.toString(),
    keyPem: key.export({ type: 'pkcs1', format: 'pem' }).toString(),
  };
}

/** A connected agent with everything set. */
export function connectedAgent(overrides: Partial<ConnectedAgent> = {}): ConnectedAgent {
  return {
    name: agentName('prod-eu'),
    // A session id of a fixed text; ids.ts makes random ones only.
    session: 'session-1' as ConnectedAgent['session'],
    state: 'serving',
    version: '1.2.3',
    hostname: 'pod-1',
    remoteAddress: '192.0.2.1:5000',
    services: [
      {
        type: 'kubernetes',
        name: 'prod',
        configured: true,
        annotations: { description: 'main' },
        namespaces: ['a', 'b'],
        accountId: '',
        assumeRole: '',
      },
    ],
    annotations: { region: 'eu' },
    connectedAt: 1_700_000_000_000,
    lastPing: 1_700_000_010_000,
    lastUse: undefined,
    rttMs: 12.5,
    openStreams: 3,
    ...overrides,
  };
}

/** The cause in v3.5's error envelope; fails when the body is anything else. */
export function causeOf(answer: ControlResponse): string {
  const prefix = '{"error":{"message":"Unable to process request: ';
  if (!answer.body.startsWith(prefix)) throw new Error(`no error envelope: ${answer.body}`);
  const { error } = JSON.parse(answer.body) as { error: { message: string } };
  return error.message.slice('Unable to process request: '.length);
}
