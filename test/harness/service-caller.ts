/**
 * A caller of a rig's service port as Spinnaker's services are: kept-alive HTTP/1.1 or one HTTP/2
 * connection, a token as credential. Tells how each exchange ended.
 */
import * as http2 from 'node:http2';
import * as https from 'node:https';
import type { IncomingMessage } from 'node:http';
import { serviceToken } from './caller-credentials.js';
import type { FairleadRig } from './fairlead-rig.js';

/** How a call is made. */
export interface CallOptions {
  readonly method?: string;
  readonly body?: string | Buffer;
  /** Ends the call from the caller's side. */
  readonly signal?: AbortSignal;
}

/** A whole answer, or what became of the call. */
export interface Outcome {
  /** Undefined when no head came. */
  readonly status: number | undefined;
  readonly text: string;
  /** Whether the body ended as HTTP says it must. */
  readonly isWhole: boolean;
  /** X-Fairlead-Error. */
  readonly code: string | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly ms: number;
  /** Text of the connection's error. */
  readonly error: string | undefined;
}

/** An answer that has begun. */
export interface Begun {
  readonly status: number;
  /** What has come so far. */
  readonly text: string;
  readonly outcome: Promise<Outcome>;
}

/** Where and as whom to call. */
export interface CallerOptions {
  /** `agent/type/name`; default `prod/generic/web`. */
  readonly route?: string;
  readonly isHttp2?: boolean;
  readonly isKeptAlive?: boolean;
}

/** One caller; close it. */
export class ServiceCaller {
  readonly #rig: FairleadRig;
  readonly #token: string;
  readonly #agent: https.Agent;
  readonly #isHttp2: boolean;
  #session: http2.ClientHttp2Session | undefined;

  constructor(rig: FairleadRig, options: CallerOptions = {}) {
    const { route = 'prod/generic/web', isHttp2 = false, isKeptAlive = true } = options;
    this.#rig = rig;
    this.#isHttp2 = isHttp2;
    this.#token = serviceToken(rig, route);
    this.#agent = new https.Agent({ keepAlive: isKeptAlive, ca: rig.caPem });
  }

  /** Headers that carry the credential. */
  get headers(): Record<string, string> {
    return { authorization: `Bearer ${this.#token}` };
  }

  /** Calls and waits for the end, whatever it is; never rejects. */
  async call(path: string, options: CallOptions = {}): Promise<Outcome> {
    return this.#isHttp2 ? this.#call2(path, options).outcome : this.#call1(path, options).outcome;
  }

  /** Calls and waits for the response head. Rejects when there is none. */
  async begin(path: string, options: CallOptions = {}): Promise<Begun> {
    const call = this.#isHttp2 ? this.#call2(path, options) : this.#call1(path, options);
    const status = await Promise.race([call.head, call.outcome.then(() => undefined)]);
    if (status === undefined) throw new Error(`no head: ${JSON.stringify(await call.outcome)}`);
    return {
      status,
      get text() {
        return call.text();
      },
      outcome: call.outcome,
    };
  }

  close(): void {
    this.#agent.destroy();
    this.#session?.destroy();
  }

  #call1(path: string, { method = 'GET', body, signal }: CallOptions): Call {
    const call = new Call();
    const request = https.request({
      host: '127.0.0.1',
      servername: 'localhost',
      port: this.#rig.ports.services,
      path,
      method,
      agent: this.#agent,
      headers: this.headers,
      ...(signal === undefined ? {} : { signal }),
    });
    request.on('error', (reason) => call.ended({ error: reason.message }));
    request.on('response', (response: IncomingMessage) => {
      call.began(response.statusCode ?? 0, response.headers);
      response.on('data', (bytes: Buffer) => call.got(bytes));
      response.on('error', (reason) => call.ended({ error: reason.message }));
      response.on('close', () => call.ended({ isWhole: response.complete }));
    });
    request.end(body);
    return call;
  }

  #call2(path: string, { method = 'GET', body, signal }: CallOptions): Call {
    const call = new Call();
    const stream = this.#connection().request(
      { ':method': method, ':path': path, ...this.headers },
      { endStream: body === undefined, ...(signal === undefined ? {} : { signal }) },
    );
    let error: string | undefined;
    let isEnded = false;
    stream.on('error', (reason: Error) => (error = reason.message));
    stream.on('response', (headers) => call.began(Number(headers[':status']), headers));
    stream.on('data', (bytes: Buffer) => call.got(bytes));
    stream.on('end', () => (isEnded = true));
    stream.on('close', () => {
      const isWhole = isEnded && stream.rstCode === http2.constants.NGHTTP2_NO_ERROR;
      call.ended({ isWhole, error: error ?? (isWhole ? undefined : `reset ${stream.rstCode}`) });
    });
    if (body !== undefined) stream.end(body);
    return call;
  }

  #connection(): http2.ClientHttp2Session {
    const known = this.#session;
    if (known !== undefined && !known.closed && !known.destroyed) return known;
    const session = http2.connect(`https://127.0.0.1:${this.#rig.ports.services}`, {
      ca: this.#rig.caPem,
    });
    session.on('error', () => undefined); // the streams tell
    this.#session = session;
    return session;
  }
}

/** One exchange under way. */
class Call {
  readonly head: Promise<number>;
  readonly outcome: Promise<Outcome>;
  #beginWith: (status: number) => void = () => undefined;
  #endWith: (outcome: Outcome) => void = () => undefined;
  readonly #startedMs = performance.now();
  #status: number | undefined;
  #headers: Outcome['headers'] = {};
  readonly #parts: Buffer[] = [];

  constructor() {
    this.head = new Promise((resolve) => (this.#beginWith = resolve));
    this.outcome = new Promise((resolve) => (this.#endWith = resolve));
  }

  text(): string {
    return Buffer.concat(this.#parts).toString();
  }

  began(status: number, headers: Outcome['headers']): void {
    this.#status = status;
    this.#headers = headers;
    this.#beginWith(status);
  }

  got(bytes: Buffer): void {
    this.#parts.push(bytes);
  }

  /** The first ending counts. */
  ended({ isWhole = false, error }: { isWhole?: boolean; error?: string | undefined }): void {
    const code = this.#headers['x-fairlead-error'];
    this.#endWith({
      status: this.#status,
      text: this.text(),
      isWhole: isWhole && error === undefined,
      code: typeof code === 'string' ? code : undefined,
      headers: this.#headers,
      ms: performance.now() - this.#startedMs,
      error,
    });
  }
}
