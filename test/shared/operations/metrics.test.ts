import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { agentName, newSessionId, type Route } from '../../../shared/ids.js';
import { createMetrics, type Metrics } from '../../../shared/operations/metrics.js';
import { MAX_ROUTE_SERIES } from '../../../shared/operations/request-counters.js';

type Facts = Parameters<Metrics['requestFinished']>[0];

const newMetrics = () =>
  createMetrics({ version: '1.2.3', side: 'controller', processMetrics: false });

const route = (agent: string, type = 'jenkins', name = 'ci'): Route => ({
  agent: agentName(agent),
  service: { type, name },
});

const facts = (changes: Partial<Facts> = {}): Facts => ({
  route: route('prod-eu'),
  status: 200,
  ms: 20,
  requestBytes: 10,
  responseBytes: 1000,
  ending: 'complete',
  ...changes,
});

/** The samples whose name begins with `name`, one per line. */
async function samples(metrics: Metrics, name: string): Promise<string[]> {
  const text = await metrics.text();
  return text.split('\n').filter((line) => line.startsWith(name));
}

describe('finished requests', () => {
  it('are counted by route and status, and the count grows from scrape to scrape', async () => {
    const metrics = newMetrics();
    metrics.requestFinished(facts());
    metrics.requestFinished(facts({ status: 503, ending: 'AGENT_NOT_CONNECTED' }));
    metrics.requestFinished(facts({ status: undefined, ending: 'CALLER_LEFT' }));
    await metrics.text();
    metrics.requestFinished(facts());
    const labels = 'agent="prod-eu",type="jenkins",service="ci"';
    assert.deepEqual(await samples(metrics, 'fairlead_requests_total'), [
      `fairlead_requests_total{${labels},status="200"} 2`,
      `fairlead_requests_total{${labels},status="503"} 1`,
      `fairlead_requests_total{${labels},status="none"} 1`,
    ]);
    assert.deepEqual(await samples(metrics, 'fairlead_request_bytes_total'), [
      `fairlead_request_bytes_total{${labels}} 40`,
    ]);
    assert.deepEqual(await samples(metrics, 'fairlead_response_bytes_total'), [
      `fairlead_response_bytes_total{${labels}} 4000`,
    ]);
  });

  it("are counted under v3.5's name by agent and service name", async () => {
    const metrics = newMetrics();
    metrics.requestFinished(facts());
    metrics.requestFinished(facts({ route: route('prod-eu', 'kubernetes') }));
    metrics.requestFinished(facts({ route: undefined }));
    assert.deepEqual(await samples(metrics, 'api_requests_total'), [
      'api_requests_total{route="prod-eu",service="ci"} 2',
    ]);
  });

  it('are counted by error and hop when they failed', async () => {
    const metrics = newMetrics();
    metrics.requestFinished(facts());
    metrics.requestFinished(facts({ ending: 'AGENT_LOST' }));
    metrics.requestFinished(facts({ ending: 'AGENT_LOST', route: undefined }));
    assert.deepEqual(await samples(metrics, 'fairlead_request_failures_total'), [
      'fairlead_request_failures_total{error="AGENT_LOST",hop="link"} 2',
    ]);
  });

  it('are timed in seconds by service type', async () => {
    const metrics = newMetrics();
    metrics.requestFinished(facts({ ms: 20, headMs: 4 }));
    metrics.requestFinished(facts({ ms: 400_000 }));
    const total = await samples(metrics, 'fairlead_request_duration_seconds');
    assert.ok(
      total.includes('fairlead_request_duration_seconds_bucket{type="jenkins",le="0.01"} 0'),
    );
    assert.ok(
      total.includes('fairlead_request_duration_seconds_bucket{type="jenkins",le="0.025"} 1'),
    );
    assert.ok(
      total.includes('fairlead_request_duration_seconds_bucket{type="jenkins",le="300"} 1'),
    );
    assert.ok(total.includes('fairlead_request_duration_seconds_count{type="jenkins"} 2'));
    const head = await samples(metrics, 'fairlead_response_head_seconds');
    assert.ok(head.includes('fairlead_response_head_seconds_bucket{type="jenkins",le="0.005"} 1'));
    assert.ok(head.includes('fairlead_response_head_seconds_count{type="jenkins"} 1'));
  });

  it('make a bounded number of series, whatever names and statuses come', async () => {
    const metrics = newMetrics();
    for (let i = 0; i < MAX_ROUTE_SERIES + 500; i++) {
      metrics.requestFinished(facts({ route: route(`a${i}`, `t${i}`, `s${i}`) }));
    }
    for (let status = 100; status < 999; status++) {
      metrics.requestFinished(facts({ route: route('a0', 't0', 's0'), status }));
    }
    const counted = await samples(metrics, 'fairlead_requests_total');
    assert.ok(counted.length <= MAX_ROUTE_SERIES + 30, String(counted.length));
    assert.ok(
      counted.includes(
        'fairlead_requests_total{agent="(other)",type="(other)",service="(other)",status="200"} 500',
      ),
    );
    assert.equal(counted.filter((line) => line.includes('status="other"')).length, 1);
    const types = await samples(metrics, 'fairlead_request_duration_seconds_count');
    assert.ok(types.length <= MAX_ROUTE_SERIES + 1, String(types.length));
  });

  it('keep routes apart whose names would run together', async () => {
    const metrics = newMetrics();
    metrics.requestFinished(facts({ route: route('a/b', 'c', 'd') }));
    metrics.requestFinished(facts({ route: route('a', 'b/c', 'd') }));
    assert.equal((await samples(metrics, 'fairlead_requests_total')).length, 2);
  });
});

describe('sessions', () => {
  it('are shown by agent under all names with the slowest round trip, and go when the agent does', async () => {
    const metrics = newMetrics();
    const [first, second] = [newSessionId(), newSessionId()];
    const agent = agentName('prod-eu');
    metrics.sessionOpened(agent, first);
    metrics.sessionOpened(agent, first);
    metrics.sessionOpened(agent, second);
    metrics.observeRtt(agent, first, 25);
    metrics.observeRtt(agent, second, 15);
    const shown = async () => [
      ...(await samples(metrics, 'fairlead_session')),
      ...(await samples(metrics, 'agents_connected')),
      ...(await samples(metrics, 'routess_connected')),
    ];
    assert.deepEqual(await shown(), [
      'fairlead_sessions{agent="prod-eu"} 2',
      'fairlead_session_rtt_seconds{agent="prod-eu"} 0.025',
      'agents_connected{agent="prod-eu"} 2',
      'routess_connected{route="prod-eu"} 2',
    ]);
    metrics.sessionClosed(agent, first);
    metrics.sessionClosed(agent, first);
    metrics.observeRtt(agent, first, 30);
    assert.deepEqual(await shown(), [
      'fairlead_sessions{agent="prod-eu"} 1',
      'fairlead_session_rtt_seconds{agent="prod-eu"} 0.015',
      'agents_connected{agent="prod-eu"} 1',
      'routess_connected{route="prod-eu"} 1',
    ]);
    metrics.sessionClosed(agent, second);
    assert.deepEqual(await shown(), []);
  });
});

describe('other numbers', () => {
  it('show open streams, ends of links by reason and when certificates expire', async () => {
    const metrics = newMetrics();
    metrics.streamOpened();
    metrics.streamOpened();
    metrics.streamClosed();
    metrics.linkEnded('HEARTBEAT_LOST');
    metrics.certificateExpires('server', 1_800_000_000_000);
    assert.deepEqual(await samples(metrics, 'fairlead_streams_open'), ['fairlead_streams_open 1']);
    assert.deepEqual(await samples(metrics, 'fairlead_disconnects_total'), [
      'fairlead_disconnects_total{reason="HEARTBEAT_LOST"} 1',
    ]);
    assert.deepEqual(await samples(metrics, 'fairlead_certificate_expiration'), [
      'fairlead_certificate_expiration_timestamp_seconds{certificate="server"} 1800000000',
    ]);
    const node = process.version;
    assert.deepEqual(await samples(metrics, 'fairlead_build_info'), [
      `fairlead_build_info{version="1.2.3",side="controller",node="${node}"} 1`,
    ]);
  });

  it('add up the queued bytes of the sources there are', async () => {
    const metrics = newMetrics();
    const read = () => 5;
    const remove = metrics.queuedBytes(read);
    metrics.queuedBytes(read);
    assert.deepEqual(await samples(metrics, 'fairlead_queued_bytes'), ['fairlead_queued_bytes 10']);
    remove();
    remove();
    assert.deepEqual(await samples(metrics, 'fairlead_queued_bytes'), ['fairlead_queued_bytes 5']);
  });

  it('bound the reasons for which links end', async () => {
    const metrics = newMetrics();
    for (let i = 0; i < 80; i++) metrics.linkEnded(`reason ${i}`);
    const lines = await samples(metrics, 'fairlead_disconnects_total');
    assert.equal(lines.length, 51);
    assert.ok(lines.includes('fairlead_disconnects_total{reason="other"} 30'));
  });

  it('include event-loop lag and memory unless left out', async () => {
    const metrics = createMetrics({ version: '1', side: 'agent' });
    const text = await metrics.text();
    assert.match(text, /^nodejs_eventloop_lag_seconds /m);
    assert.match(text, /^process_resident_memory_bytes /m);
    assert.doesNotMatch(await newMetrics().text(), /nodejs_eventloop_lag/);
  });

  it('belong to one process object, not to the module', async () => {
    newMetrics().streamOpened();
    assert.deepEqual(await samples(newMetrics(), 'fairlead_streams_open'), [
      'fairlead_streams_open 0',
    ]);
  });
});
