/**
 * The `limits:` section that both processes' configuration has: what may be used of memory, time and
 * connections. Each default has its reason beside it; LIMITS.md is made from these descriptions.
 */
import { z } from 'zod';
import { amount, durationMs } from './option-kinds.js';
import { related } from './related.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

const options = z.strictObject({
  maxHeaderBytes: amount(1024, 384 * KIB)
    .default(65_536)
    .describe(
      'Header bytes of one request or response. Twice what kube-apiserver and Jenkins send with large tokens.',
    ),
  maxTargetBytes: amount(256, 64 * KIB)
    .default(32_768)
    .describe(
      'Bytes of a request target (path and query). Label selectors of large deployments stay under 16 KiB.',
    ),
  maxStreamsPerSession: amount(1, 1_000_000)
    .default(20_000)
    .describe(
      'Requests at once in one session. Watches count too: 100 accounts with 20 namespaces keep a few thousand.',
    ),
  maxStreams: amount(1, 1_000_000)
    .default(50_000)
    .describe('Requests at once in the whole process. Bounds memory when many sessions are busy.'),
  initialWindowBytes: amount(16_384, 16 * MIB)
    .default(262_144)
    .describe(
      'Bytes that a new stream may send before its reader takes some. A stalled stream costs this much.',
    ),
  maxWindowBytes: amount(16_384, 16 * MIB)
    .default(16_777_216)
    .describe(
      'To how much the window of a fast stream grows: enough for 1 Gbit/s at 130 ms round trip.',
    ),
  sessionBufferBudgetBytes: amount(MIB, 64 * GIB)
    .default(268_435_456)
    .describe('Sum of all windows of one session. Keeps one agent from taking the whole process.'),
  processBufferBudgetBytes: amount(MIB, 64 * GIB)
    .default(536_870_912)
    .describe('Sum of all windows of the process. Set it below the memory limit of the container.'),
  responseHeadTimeoutMs: durationMs(0)
    .default(65_000)
    .describe(
      'Wait for a response head; 0 waits for ever. Above the 60 s after which kube-apiserver ends ordinary requests itself; watches and other long-running verbs are exempt.',
    ),
  agentWaitMs: durationMs(0)
    .default(5_000)
    .describe(
      'How long a request waits for an agent that has just lost its session. Covers a usual reconnect.',
    ),
  drainGraceMs: durationMs(0)
    .default(25_000)
    .describe(
      'How long a stopping process lets requests finish. Below the 30 s that Kubernetes gives a pod.',
    ),
  heartbeatIntervalMs: durationMs(100)
    .default(10_000)
    .describe(
      'Between two heartbeats. Below the 60 s after which common load balancers drop idle links.',
    ),
  heartbeatTimeoutMs: durationMs(200)
    .default(25_000)
    .describe(
      'Silence after which the peer counts as gone. Two lost heartbeats and some time for the third.',
    ),
  connectTimeoutMs: durationMs(100)
    .default(10_000)
    .describe(
      'One attempt of the agent to reach a controller, handshake and hello included. The controller closes connections to its port for agents that have waited this long for their turn, or carry no call for this long.',
    ),
  reconnectMinMs: durationMs(10)
    .default(500)
    .describe('Shortest wait before the agent connects again. Grows and is jittered from there.'),
  reconnectMaxMs: durationMs(10)
    .default(4_000)
    .describe(
      'Longest wait before the agent connects again. Bounds the outage after a long controller stop.',
    ),
  targetConnectTimeoutMs: durationMs(100)
    .default(10_000)
    .describe('TCP and TLS handshake with a target.'),
  targetKeepAliveMs: durationMs(0)
    .default(4_000)
    .describe(
      "How long an idle connection to a target is kept; 0 keeps none. Below every common server's own limit (Node 5 s, Jenkins 30 s), so that no request meets a connection that is being closed.",
    ),
  maxControlBodyBytes: amount(1024, 64 * MIB)
    .default(1_048_576)
    .describe('Body of a control API request. Real ones have a few hundred bytes.'),
  callerIdleTimeoutMs: durationMs(1_000)
    .default(75_000)
    .describe(
      'How long an idle connection of a caller is kept. Above the 60 s of common load balancers, so that they close first.',
    ),
  callerHeadersTimeoutMs: durationMs(1_000)
    .default(30_000)
    .describe(
      'Within which a caller must have sent a whole request head. Guards against slow senders.',
    ),
  callerBodyIdleTimeoutMs: durationMs(0)
    .default(600_000)
    .describe(
      'Silence in the middle of a request body, or of a switched connection whose target takes nothing; 0 allows any. Long, as the upload half of a Jenkins CLI session may be quiet for minutes. An HTTP/1.1 caller that leaves while its target takes nothing is noticed then.',
    ),
});

/** The schema of `limits:`; everything in it may be left out. */
export const limitsSchema = options
  .check(
    related(
      ['heartbeatIntervalMs', 'heartbeatTimeoutMs'],
      (limits) => limits.heartbeatTimeoutMs > limits.heartbeatIntervalMs,
      'heartbeatTimeoutMs must be more than heartbeatIntervalMs, or every session would end at once',
    ),
    related(
      ['initialWindowBytes', 'maxWindowBytes'],
      (limits) => limits.initialWindowBytes <= limits.maxWindowBytes,
      'maxWindowBytes must not be less than initialWindowBytes',
    ),
    related(
      ['maxWindowBytes', 'sessionBufferBudgetBytes'],
      (limits) => limits.maxWindowBytes <= limits.sessionBufferBudgetBytes,
      'sessionBufferBudgetBytes must not be less than maxWindowBytes',
    ),
    related(
      ['sessionBufferBudgetBytes', 'processBufferBudgetBytes'],
      (limits) => limits.sessionBufferBudgetBytes <= limits.processBufferBudgetBytes,
      'processBufferBudgetBytes must not be less than sessionBufferBudgetBytes',
    ),
    related(
      ['maxStreamsPerSession', 'maxStreams'],
      (limits) => limits.maxStreamsPerSession <= limits.maxStreams,
      'maxStreams must not be less than maxStreamsPerSession',
    ),
    related(
      ['reconnectMinMs', 'reconnectMaxMs'],
      (limits) => limits.reconnectMinMs <= limits.reconnectMaxMs,
      'reconnectMaxMs must not be less than reconnectMinMs',
    ),
  )
  .prefault({});

/** Limits of a process; units stand in the names. */
export type Limits = Readonly<z.output<typeof limitsSchema>>;

/** All defaults, for tests and tools. */
export function defaultLimits(): Limits {
  return limitsSchema.parse(undefined);
}
