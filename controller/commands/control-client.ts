/**
 * The HTTPS client with which commands call the control API. It checks the server against the given CA,
 * shows the control certificate, and turns every outcome but success into an error that says what to do.
 */
import { Agent, request as httpsRequest } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { TunnelError } from '../../shared/errors.js';
import type { ControlConnection } from './control-connection.js';
import { connectionFault } from './connection-fault.js';
import { replyFault } from './reply-fault.js';

/** A whole answer of the control API. */
export interface ControlReply {
  readonly status: number;
  readonly text: string;
}

/** Issuing a certificate takes milliseconds; what takes this long will not come. */
const REPLY_TIMEOUT_MS = 15_000;
/** Statistics of ten thousand agents stay below this. */
const MAX_REPLY_BYTES = 32 * 1024 * 1024;

/** A client of one controller; keeps its connection until closed. */
export class ControlClient {
  private readonly agent: Agent;

  constructor(private readonly connection: ControlConnection) {
    this.agent = new Agent({
      keepAlive: true,
      ca: connection.caPem,
      cert: connection.certPem,
      key: connection.keyPem,
      minVersion: 'TLSv1.2',
      // the CA file may hold an intermediate certificate without its root
      allowPartialTrustChain: true,
    });
  }

  /** POSTs a JSON request and returns the parsed JSON answer. */
  async postForJson(path: string, body: object): Promise<unknown> {
    return this.parsed(await this.postForText(path, body));
  }

  /** POSTs a JSON request and returns the answer as text (YAML). */
  async postForText(path: string, body: object): Promise<string> {
    return this.exchange('POST', path, JSON.stringify(body));
  }

  /** GETs a JSON answer. */
  async getJson(path: string): Promise<unknown> {
    return this.parsed(await this.exchange('GET', path, undefined));
  }

  /** Closes the kept connection. */
  close(): void {
    this.agent.destroy();
  }

  private parsed(text: string): unknown {
    try {
      return JSON.parse(text) as unknown;
    } catch (cause) {
      throw new TunnelError(
        'CONFIG_INVALID',
        `${this.connection.url.origin} answered something that is not JSON\nis that the control API (port 9003) of a controller?`,
        { cause },
      );
    }
  }

  private async exchange(method: string, path: string, body: string | undefined): Promise<string> {
    let reply: ControlReply;
    try {
      reply = await this.send(method, path, body);
    } catch (reason) {
      throw await connectionFault(reason, this.connection);
    }
    if (reply.status !== 200) throw replyFault(reply, this.connection, path);
    return reply.text;
  }

  private send(method: string, path: string, body: string | undefined): Promise<ControlReply> {
    return new Promise((resolve, reject) => {
      const request = httpsRequest(new URL(path, this.connection.url), {
        method,
        agent: this.agent,
        signal: AbortSignal.timeout(REPLY_TIMEOUT_MS),
        ...(body === undefined ? {} : { headers: { 'Content-Type': 'application/json' } }),
      });
      request.once('error', reject);
      request.once('response', (response) => void wholeReply(response).then(resolve, reject));
      request.end(body);
    });
  }
}

async function wholeReply(response: IncomingMessage): Promise<ControlReply> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_REPLY_BYTES) throw new Error('the answer is too long');
    chunks.push(chunk);
  }
  return { status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() };
}
