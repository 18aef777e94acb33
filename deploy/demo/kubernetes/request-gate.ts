/**
 * What happens to every request before a handler sees it: authentication, recording, faults.
 * Used for plain requests and for upgrades alike.
 */
import type { IncomingMessage } from 'node:http';
import type { Fault, KubernetesApiOptions, RecordedRequest } from './api-options.js';
import { authenticate } from './http/authentication.js';
import type { RequestRecorder } from './request-recorder.js';

/** A request that was let in, or the reason why not. */
export type Admission =
  | { readonly kind: 'admitted'; readonly user: string }
  | { readonly kind: 'unauthorized' }
  | { readonly kind: 'fault'; readonly fault: Fault };

/** Decides on requests. */
export class RequestGate {
  constructor(
    private readonly options: KubernetesApiOptions,
    private readonly recorder: RequestRecorder<RecordedRequest>,
  ) {}

  /** Records a request and says how to go on. */
  admit(request: IncomingMessage): Admission {
    const user = authenticate(request, {
      tokens: this.options.tokens ?? [],
      acceptsCertificates: this.options.tls?.clientCa !== undefined,
    });
    const recorded: RecordedRequest = {
      method: request.method ?? '',
      rawTarget: request.url ?? '',
      headers: request.rawHeaders,
      httpVersion: request.httpVersion,
      user,
    };
    this.recorder.record(recorded);
    this.options.log?.(recorded);
    if (user === undefined) return { kind: 'unauthorized' };
    const fault = this.options.fault?.(recorded);
    return fault === undefined ? { kind: 'admitted', user } : { kind: 'fault', fault };
  }
}
