/** A port for callers over TLS that gives its exchanges to a test, with limits that no test reaches. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { SecureContextOptions } from 'node:tls';
import type { CallerExchange } from '../../shared/intake/caller-exchange.js';
import { startCallerListener } from '../../shared/intake/caller-listener.js';
import type { CallerListener } from '../../shared/intake/caller-listener.js';
import { silentLog } from '../../shared/log.js';

/** Open until the test ends. */
export async function startCallerPort(
  context: TestContext,
  tls: SecureContextOptions,
  onExchange: (exchange: CallerExchange) => void,
): Promise<CallerListener> {
  const listener = await startCallerListener({
    port: 0,
    bindAddress: '127.0.0.1',
    what: 'callers',
    option: 'x',
    tls,
    limits: {
      maxHeaderBytes: 65_536,
      maxTargetBytes: 65_536,
      callerIdleTimeoutMs: 600_000,
      callerHeadersTimeoutMs: 600_000,
    },
    log: silentLog(),
    onExchange,
    onFault: (_exchange, error) => assert.fail(error.message),
  });
  context.after(async () => listener.close());
  return listener;
}
