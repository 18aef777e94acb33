/**
 * One configured service on its way to a usable target: the target if it is ready, or what is wrong
 * with it. Says so in the log, once for each new fault. Used by service-catalog.ts.
 */
import type { OutgoingService } from '../config/services-config.js';
import { assertNever, TunnelError } from '../errors.js';
import { serviceText } from '../ids.js';
import type { Log } from '../log.js';
import { LogField } from '../log.js';
import { genericPlanner } from './generic-target.js';
import { kubernetesPlanner } from './kubernetes-target.js';
import { LiveTarget } from './live-target.js';
import type { PlanParts } from './target-plan.js';
import type { Target } from './target.js';

const STILL_PREPARED = 'it is still being prepared';

/** A target and its faults. */
export class PreparedTarget {
  /** Undefined for services of a type that is not supported. */
  readonly #target: LiveTarget | undefined;
  readonly #serviceText: string;
  readonly #log: Log;
  #fault: string;
  #refreshing: Promise<void> | undefined;

  constructor(service: OutgoingService, parts: Omit<PlanParts, 'onCredentialFailure'>, log: Log) {
    this.#serviceText = serviceText(service);
    this.#log = log;
    this.#target = this.#newTarget(service, parts);
    this.#fault =
      this.#target === undefined
        ? `services of type ${service.type} are not supported`
        : STILL_PREPARED;
    if (this.#target === undefined) this.#warn(this.#fault);
  }

  /** The target if it can be used; once it can, it always can. */
  get target(): Target | undefined {
    return this.#target?.isReady === true ? this.#target : undefined;
  }

  /** What is wrong now; also set for a usable target whose new state is faulty. */
  get fault(): string {
    return this.#fault;
  }

  /** Looks at the configuration's files anew. Never rejects. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  #newTarget(
    service: OutgoingService,
    parts: Omit<PlanParts, 'onCredentialFailure'>,
  ): LiveTarget | undefined {
    const onCredentialFailure = (err: unknown) =>
      this.#warn('the credential of a target could not be renewed, the old one is used', err);
    const all: PlanParts = { ...parts, onCredentialFailure };
    const ref = { type: service.type, name: service.name };
    const warn = (text: string) => this.#warn(text);
    switch (service.kind) {
      case 'kubernetes':
        return new LiveTarget('kubernetes', ref, kubernetesPlanner(service.config, all), warn);
      case 'generic':
        return new LiveTarget('generic', ref, genericPlanner(service.config, all), warn);
      case 'unsupported':
        return undefined;
      default:
        return assertNever(service);
    }
  }

  async #refresh(): Promise<void> {
    if (this.#target === undefined) return;
    const wasReady = this.#target.isReady;
    try {
      await this.#target.refresh();
      this.#setFault('', wasReady, undefined);
    } catch (reason) {
      const text = reason instanceof TunnelError ? reason.message : 'internal fault, see the log';
      this.#setFault(text, wasReady, reason);
    }
  }

  #setFault(fault: string, wasReady: boolean, err: unknown): void {
    if (fault === this.#fault) return;
    const isRepaired = fault === '' && this.#fault !== STILL_PREPARED;
    this.#fault = fault;
    const fields = { [LogField.service]: this.#serviceText };
    if (isRepaired) this.#log.info(fields, 'the service is in order again');
    if (fault === '') return;
    const consequence = wasReady ? 'the old state stays in use' : 'the service cannot be used';
    this.#log.error({ ...fields, [LogField.err]: err }, `${consequence}: ${fault}`);
  }

  #warn(text: string, err?: unknown): void {
    const fields = { [LogField.service]: this.#serviceText };
    this.#log.warn(err === undefined ? fields : { ...fields, [LogField.err]: err }, text);
  }
}
