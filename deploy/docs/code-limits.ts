/**
 * The bounds that stand in the code instead of the configuration, for LIMITS.md: values that both ends
 * must agree on, and values that nobody has had a reason to change. Only what they are for is said here;
 * the page takes the values from the source.
 */

/** One bound. */
export interface CodeLimit {
  /** Name of the constant. */
  readonly name: string;
  readonly file: string;
  readonly guards: string;
  readonly whenReached: string;
}

const TRANSPORT_GONE = 'The connection is closed.';
const VIOLATION =
  'The session is closed with `PROTOCOL_VIOLATION`; other sessions are not affected.';

/** In the order of a request's path. */
export const CODE_LIMITS: readonly CodeLimit[] = [
  // callers
  {
    name: 'MAX_CALLER_STREAMS',
    file: 'shared/intake/http2-sessions.ts',
    guards: 'HTTP/2 streams at once on one connection of a caller.',
    whenReached: 'The caller waits, or opens another connection.',
  },
  {
    name: 'CLOSED_STREAM_LOOK_MS',
    file: 'shared/intake/http2-sessions.ts',
    guards: 'Between two looks at whether an HTTP/2 stream of a caller is closed and not gone.',
    whenReached: 'It is ended once its caller answers a ping: what was written before has arrived.',
  },
  {
    name: 'MAX_ABORTED_STREAMS',
    file: 'shared/intake/http2-sessions.ts',
    guards: 'HTTP/2 streams of one connection broken off within 30 s (rapid reset).',
    whenReached: 'The connection takes no more streams and ends with those that are open.',
  },
  {
    name: 'ABORTED_WITHIN_MS',
    file: 'shared/intake/http2-sessions.ts',
    guards: 'Time in which those are counted.',
    whenReached: 'The count starts anew.',
  },
  {
    name: 'H2_STREAM_WINDOW_BYTES',
    file: 'shared/intake/http2-sessions.ts',
    guards: 'Upload bytes under way on one HTTP/2 stream of a caller.',
    whenReached: 'The caller pauses until some have moved on.',
  },
  {
    name: 'H2_CONNECTION_WINDOW_BYTES',
    file: 'shared/intake/http2-sessions.ts',
    guards: 'Upload bytes under way on one HTTP/2 connection of a caller.',
    whenReached: 'The caller pauses until some have moved on.',
  },
  {
    name: 'MAX_KNOWN',
    file: 'shared/intake/client-certificate.ts',
    guards: 'Client certificates that are kept read, for callers that come again.',
    whenReached: 'The one that has been there longest is read anew when it comes again.',
  },
  {
    name: 'LISTEN_BACKLOG',
    file: 'shared/http/listen.ts',
    guards: 'Connections of a port that wait in the kernel.',
    whenReached: 'The kernel takes no more; peers try again after a second.',
  },
  {
    name: 'TLS_HANDSHAKE_TIMEOUT_MS',
    file: 'shared/intake/caller-listener.ts',
    guards: 'TLS handshake of a caller.',
    whenReached: TRANSPORT_GONE,
  },
  {
    name: 'TCP_KEEPALIVE_MS',
    file: 'shared/intake/caller-listener.ts',
    guards: 'Silence on a connection of a caller after which TCP asks whether the caller is there.',
    whenReached: 'A caller that does not answer has left: its requests are ended.',
  },
  {
    name: 'DISCARD_MS',
    file: 'shared/intake/http1-exchange.ts',
    guards: 'How long the rest of a request body is read when the response is complete already.',
    whenReached: TRANSPORT_GONE,
  },
  {
    name: 'LINGER_MS',
    file: 'shared/intake/broken-request.ts',
    guards: 'How long the sender of something that is not a request may go on after the answer.',
    whenReached: TRANSPORT_GONE,
  },
  {
    name: 'LINGER_MS',
    file: 'shared/intake/upgrade-exchange.ts',
    guards:
      'How long a caller whose change of protocol was refused may take to close its connection.',
    whenReached: TRANSPORT_GONE,
  },
  {
    name: 'EARLY_BYTES',
    file: 'shared/intake/upgrade-exchange.ts',
    guards: 'Bytes of a caller that wait for the answer to its change of protocol.',
    whenReached: 'The rest waits in its connection.',
  },
  {
    name: 'LAST_BYTES_MS',
    file: 'shared/intake/tunnel-exchange.ts',
    guards:
      'How long a target may take for the last bytes of a switched connection both sides ended.',
    whenReached: 'The stream is reset; the target connection is broken.',
  },
  {
    name: 'BODY_BEGIN_MS',
    file: 'shared/forwarding/stream-handler.ts',
    guards: 'How long a request head waits at the agent for the first bytes of its body.',
    whenReached: 'The head goes to the target without them.',
  },
  {
    name: 'HEAD_TIMEOUT_SLACK_MS',
    file: 'shared/intake/tunnel-exchange.ts',
    guards: 'How much longer than `responseHeadTimeoutMs` the listening end waits.',
    whenReached: '504 `TARGET_SILENT`.',
  },
  {
    name: 'ANSWER_TIMEOUT_MS',
    file: 'shared/intake/tunnel-exchange.ts',
    guards: 'How long a caller may take for an error answer of ours.',
    whenReached: TRANSPORT_GONE,
  },
  {
    name: 'MAX_INFORMATIONAL',
    file: 'shared/intake/tunnel-exchange.ts',
    guards: 'Informational responses (1xx) passed on to one caller per request.',
    whenReached: 'Further ones are dropped.',
  },
  {
    name: 'MAX_TOKEN_LENGTH',
    file: 'controller/tokens/signed-token.ts',
    guards: 'Characters of a token.',
    whenReached: '401 `CREDENTIAL_REFUSED`.',
  },
  {
    name: 'CLOCK_SKEW_SECONDS',
    file: 'controller/tokens/signed-token.ts',
    guards: 'How far in the future a token may have been issued, by another controller.',
    whenReached: '401 `CREDENTIAL_REFUSED`.',
  },
  {
    name: 'DEFAULT_MAX_REMEMBERED',
    file: 'controller/tokens/verify-token.ts',
    guards: 'Verified tokens kept in memory.',
    whenReached: 'The least recently used is verified again at its next use.',
  },
  {
    name: 'MAX_KEY_BYTES',
    file: 'controller/tokens/key-set.ts',
    guards: 'Bytes of one token key file.',
    whenReached: 'The controller does not start: `CONFIG_INVALID`.',
  },
  // choosing a session
  {
    name: 'EXPECTED_BACK_MS',
    file: 'controller/agents/agent-registry.ts',
    guards: 'How long an agent that left is expected back: its callers wait (`agentWaitMs`).',
    whenReached: '503 `AGENT_NOT_CONNECTED` at once and without `Retry-After`.',
  },
  {
    name: 'MAX_REMEMBERED',
    file: 'controller/agents/agent-registry.ts',
    guards: 'Names of agents remembered for "last seen".',
    whenReached: 'The oldest is forgotten.',
  },
  // the link
  {
    name: 'maxBatchBytes',
    file: 'shared/protocol/frame.ts',
    guards: 'Bytes of one gRPC message.',
    whenReached: 'The message is refused before it is read; the session is closed.',
  },
  {
    name: 'maxDataBytes',
    file: 'shared/protocol/frame.ts',
    guards: 'Bytes of one data frame.',
    whenReached: 'Senders cut larger pieces.',
  },
  {
    name: 'maxHeaderCount',
    file: 'shared/protocol/frame.ts',
    guards: 'Headers of one request or response.',
    whenReached: 'Request: 431 `HEADERS_TOO_LARGE`. From a peer: ' + VIOLATION,
  },
  {
    name: 'maxHeadBytes',
    file: 'shared/protocol/frame.ts',
    guards: 'Bytes of one head or list of trailers.',
    whenReached:
      'Request: 431 `HEADERS_TOO_LARGE`. Response: the request fails, the session goes on.',
  },
  {
    name: 'maxListItems',
    file: 'shared/protocol/frame.ts',
    guards: 'Services, namespaces, capabilities or annotations in one list of a peer.',
    whenReached: VIOLATION,
  },
  {
    name: 'maxWindowBytes',
    file: 'shared/protocol/frame.ts',
    guards: 'Credit that a stream may hold.',
    whenReached: VIOLATION,
  },
  {
    name: 'LINK_WINDOW_BYTES',
    file: 'shared/protocol/frame.ts',
    guards:
      'HTTP/2 window of the gRPC connection between agent and controller, both ways; 64 KiB until the agent is known.',
    whenReached: 'The sender pauses.',
  },
  {
    name: 'SEND_BUFFER_BYTES',
    file: 'shared/protocol/tunnel-stream.ts',
    guards: 'Bytes that wait in one stream to be sent.',
    whenReached: 'The source is paused until half of them have left.',
  },
  {
    name: 'TURN_BYTES',
    file: 'shared/protocol/fair-writer.ts',
    guards:
      'What one stream may send before the next has its turn, the header of the frame not counted.',
    whenReached: 'The stream goes to the end of the line.',
  },
  {
    name: 'MAX_TURN_PIECES',
    file: 'shared/protocol/fair-writer.ts',
    guards: 'Pieces, as its source gave them, that it may send in one turn.',
    whenReached: 'The stream goes to the end of the line.',
  },
  {
    name: 'LIGHT_BYTES',
    file: 'shared/protocol/fair-writer.ts',
    guards: 'A stream with no more than this waiting goes before bulk.',
    whenReached: 'It takes turns with the others.',
  },
  {
    name: 'PIECE_BYTES',
    file: 'shared/protocol/fair-writer.ts',
    guards: 'What each of those pieces takes of a gRPC message besides its bytes.',
    whenReached: 'A message of tiny pieces takes no further turn although it has few bytes.',
  },
  {
    name: 'BATCH_BYTES',
    file: 'shared/protocol/fair-writer.ts',
    guards:
      'Data after which a gRPC message takes no further turn; with the last turns 225 KiB at most.',
    whenReached: 'The rest goes into the next one.',
  },
  {
    name: 'URGENT_BYTES',
    file: 'shared/protocol/fair-writer.ts',
    guards: 'Small frames in one gRPC message.',
    whenReached: 'The rest goes into the next one.',
  },
  {
    name: 'LINK_BYTES',
    file: 'shared/protocol/fair-writer.ts',
    guards: 'Bytes handed to the transport and not yet taken by it.',
    whenReached: 'Nothing is sent until it has taken some.',
  },
  {
    name: 'HEADS_WAIT_MS',
    file: 'shared/protocol/fair-writer.ts',
    guards:
      'How long heads of requests and responses that come together wait for more to share a message.',
    whenReached: 'The message is sent.',
  },
  {
    name: 'HEADS_WAIT_BYTES',
    file: 'shared/protocol/fair-writer.ts',
    guards: 'Small frames that wait so.',
    whenReached: 'The message is sent.',
  },
  {
    name: 'MEASURE_MS',
    file: 'shared/protocol/flow-window.ts',
    guards: 'How long a stream on a shorter path is watched, at least, before its window changes.',
    whenReached: 'The window grows, stays, or shrinks by a quarter.',
  },
  {
    name: 'AT_ONCE_MS',
    file: 'shared/protocol/flow-window.ts',
    guards:
      'After the first byte of a stream: what is consumed within it says nothing of the speed.',
    whenReached: 'What is consumed later is measured.',
  },
  {
    name: 'TURNS_MS',
    file: 'shared/protocol/flow-window.ts',
    guards: 'Round trip that windows are sized by, on shorter paths, while no streams are opened.',
    whenReached: 'A window that takes twice as long grows no further.',
  },
  {
    name: 'NEWCOMERS_MS',
    file: 'shared/protocol/flow-window.ts',
    guards: 'How long streams that were opened make others likely.',
    whenReached: 'Windows are sized by `TURNS_MS` again.',
  },
  {
    name: 'SMALL_QUEUE_BYTES',
    file: 'shared/protocol/flow-window.ts',
    guards: 'What a window may let in beside streams that come and go, however short the path.',
    whenReached: 'It grows no further, and shrinks to it, if it takes more than four round trips.',
  },
  {
    name: 'PERIOD_MS',
    file: 'shared/protocol/path-rtt.ts',
    guards: 'How long the shortest round trip counts for the path, up to twice as long.',
    whenReached: 'The shortest one since then counts.',
  },
  {
    name: 'SMALL_WINDOW_BYTES',
    file: 'shared/protocol/buffer-budget.ts',
    guards: 'First window of a stream when a quarter of a budget is taken.',
    whenReached: 'See `sessionBufferBudgetBytes`.',
  },
  {
    name: 'SMALLER_WINDOW_BYTES',
    file: 'shared/protocol/buffer-budget.ts',
    guards: 'First window of a stream when half of a budget is taken.',
    whenReached: 'See `sessionBufferBudgetBytes`.',
  },
  {
    name: 'SMALLEST_WINDOW_BYTES',
    file: 'shared/protocol/buffer-budget.ts',
    guards: 'First window of a stream when three quarters of a budget are taken.',
    whenReached: 'See `sessionBufferBudgetBytes`.',
  },
  {
    name: 'MAX_SESSION_FRAMES',
    file: 'shared/protocol/tunnel-session.ts',
    guards: 'Frames for the session itself between two heartbeats.',
    whenReached: VIOLATION,
  },
  {
    name: 'MAX_STRAY_FRAMES',
    file: 'shared/protocol/multiplexer.ts',
    guards: 'Frames for streams that are over, between two heartbeats.',
    whenReached: VIOLATION,
  },
  {
    name: 'MAX_UNREAD_BYTES',
    file: 'shared/protocol/multiplexer.ts',
    guards: 'Answers that wait for a peer which goes on opening streams.',
    whenReached: VIOLATION,
  },
  {
    name: 'MAX_TEXT_LENGTH',
    file: 'shared/protocol/tunnel-session.ts',
    guards: 'Characters of a reason for the end of a session, as logged.',
    whenReached: 'It is cut.',
  },
  {
    name: 'MAX_TEXT_LENGTH',
    file: 'shared/protocol/tunnel-stream.ts',
    guards: 'Characters of an error text of a peer, as passed on.',
    whenReached: 'It is cut.',
  },
  {
    name: 'LINGER_MS',
    file: 'shared/protocol/tunnel-rpc.ts',
    guards: 'How long the last message of a session may take to leave.',
    whenReached: TRANSPORT_GONE,
  },
  {
    name: 'DIAL_AGAIN_MS',
    file: 'agent/controller-link/first-to-serve.ts',
    guards: 'From one dial of an agent to the next while none has an outcome.',
    whenReached: 'Another dial begins, to the next address; the first that serves is taken.',
  },
  {
    name: 'MAX_DIALS',
    file: 'agent/controller-link/first-to-serve.ts',
    guards: 'Dials of an agent at once.',
    whenReached: 'The next begins when one of them has failed.',
  },
  {
    name: 'MAX_WAITING',
    file: 'controller/agents/accept-queue.ts',
    guards: 'Accepted connections of agents that wait for their turn.',
    whenReached: 'The oldest is closed.',
  },
  {
    name: 'ACCEPT_MS',
    file: 'controller/agents/accept-queue.ts',
    guards: 'How long connections of agents are only accepted while others come.',
    whenReached: 'The newest so far is served.',
  },
  {
    name: 'LOST_WRITE_LOOK_MS',
    file: 'shared/http/break-on-lost-write.ts',
    guards: 'Between two looks at whether an HTTP/2 connection over TLS has lost a write.',
    whenReached: 'The connection is broken if the look before saw the same write lost.',
  },
  {
    name: 'HANDSHAKE_TIMEOUT_MS',
    file: 'controller/agents/tunnel-server.ts',
    guards: 'TLS handshake of an agent.',
    whenReached: TRANSPORT_GONE,
  },
  {
    name: 'MAX_REASON_CHARS',
    file: 'controller/agents/grpc-server-http2.ts',
    guards: 'Characters of the reason for which the gRPC layer refused a call, as logged.',
    whenReached: 'It is cut.',
  },
  {
    name: 'CALL_END_MS',
    file: 'controller/agents/agent-connection.ts',
    guards: 'How long an agent may take to end the call of a session that is over.',
    whenReached: 'Its connection is closed.',
  },
  {
    name: 'MAX_CALLS_PER_CONNECTION',
    file: 'controller/agents/tunnel-server.ts',
    guards: 'gRPC calls on one connection of an agent at a time.',
    whenReached: 'The peer waits.',
  },
  {
    name: 'KEEPALIVE_TIME_MS',
    file: 'controller/agents/tunnel-server.ts',
    guards: 'Between two HTTP/2 pings of the controller, besides the heartbeats.',
    whenReached: 'The next one is sent.',
  },
  {
    name: 'KEEPALIVE_TIMEOUT_MS',
    file: 'controller/agents/tunnel-server.ts',
    guards: 'Wait for their answer.',
    whenReached: TRANSPORT_GONE,
  },
  {
    name: 'KEEPALIVE_TIME_MS',
    file: 'agent/controller-link/controller-dial.ts',
    guards: 'Between two HTTP/2 pings of the agent, besides the heartbeats.',
    whenReached: 'The next one is sent.',
  },
  {
    name: 'KEEPALIVE_TIMEOUT_MS',
    file: 'agent/controller-link/controller-dial.ts',
    guards: 'Wait for their answer.',
    whenReached: TRANSPORT_GONE,
  },
  {
    name: 'LASTED_MS',
    file: 'agent/controller-link/stay-connected.ts',
    guards: 'A session that lasted this long resets the wait between attempts.',
    whenReached: 'The next wait starts at `reconnectMinMs` again.',
  },
  // targets and their credentials
  {
    name: 'TARGET_KEEPALIVE_MS',
    file: 'shared/forwarding/target-pool.ts',
    guards: 'Silence on a connection to a target after which TCP asks whether the target is there.',
    whenReached: 'A target that does not answer has gone: its requests are ended.',
  },
  {
    name: 'READ_BYTES',
    file: 'shared/forwarding/read-buffer.ts',
    guards: 'Bytes of one read from a plain connection to a target; one buffer for all of them.',
    whenReached: 'The rest is read next.',
  },
  {
    name: 'REFRESH_INTERVAL_MS',
    file: 'shared/forwarding/service-catalog.ts',
    guards: 'Between two looks at the files that targets are made of.',
    whenReached: 'They are read again; changed ones are used from then on.',
  },
  {
    name: 'PREPARE_TIMEOUT_MS',
    file: 'shared/forwarding/service-catalog.ts',
    guards: 'How long a start waits for services that are slow to prepare.',
    whenReached: 'It goes on without them; they are announced when they are ready.',
  },
  {
    name: 'MAX_FILE_BYTES',
    file: 'shared/forwarding/target-file.ts',
    guards: 'Bytes of a token, certificate or kubeconfig file.',
    whenReached: '502 `SERVICE_NOT_CONFIGURED`, or the old content stays in use.',
  },
  {
    name: 'FILE_MAX_AGE_MS',
    file: 'shared/forwarding/target-file.ts',
    guards: 'Age of a credential that was read from a file.',
    whenReached: 'The file is read again.',
  },
  {
    name: 'MAX_AGE_MS',
    file: 'shared/forwarding/kubernetes-secrets.ts',
    guards: 'Age of a Kubernetes Secret that was read.',
    whenReached: 'It is read again.',
  },
  {
    name: 'READ_TIMEOUT_MS',
    file: 'shared/forwarding/kubernetes-secrets.ts',
    guards: 'Reading a Kubernetes Secret.',
    whenReached: 'The old one stays in use; without one 502 `TARGET_CREDENTIAL_FAILED`.',
  },
  {
    name: 'MAX_ANSWER_BYTES',
    file: 'shared/forwarding/kubernetes-secrets.ts',
    guards: 'Bytes of the answer that holds a Secret.',
    whenReached: 'As `READ_TIMEOUT_MS`.',
  },
  {
    name: 'RUN_TIMEOUT_MS',
    file: 'shared/forwarding/exec-credential.ts',
    guards: 'One run of an exec plugin.',
    whenReached: 'It is killed; 502 `TARGET_CREDENTIAL_FAILED` unless an older credential is good.',
  },
  {
    name: 'MAX_OUTPUT_BYTES',
    file: 'shared/forwarding/exec-credential.ts',
    guards: 'Output of an exec plugin.',
    whenReached: 'As `RUN_TIMEOUT_MS`.',
  },
  {
    name: 'RENEW_AHEAD_MS',
    file: 'shared/forwarding/refreshed-value.ts',
    guards:
      'How long before its end a credential is renewed (at half its life if that is shorter).',
    whenReached: 'It is fetched again.',
  },
  {
    name: 'MIN_REFUSED_AGE_MS',
    file: 'shared/forwarding/refreshed-value.ts',
    guards: 'A 401 of the target makes a credential older than this stale.',
    whenReached: 'It is fetched again before the next request.',
  },
  {
    name: 'PATIENCE_MS',
    file: 'shared/forwarding/refreshed-value.ts',
    guards: 'How long a request waits for a slow renewal while the old credential is good.',
    whenReached: 'The old one is sent.',
  },
  {
    name: 'MAX_INFORMATIONAL',
    file: 'shared/forwarding/response-head.ts',
    guards: 'Informational responses (1xx) taken from a target per request.',
    whenReached: 'Further ones are dropped.',
  },
  // control API and operations
  {
    name: 'REQUEST_TIMEOUT_MS',
    file: 'controller/control-api/control-listener.ts',
    guards: 'A whole request to the control API.',
    whenReached: TRANSPORT_GONE,
  },
  {
    name: 'HEADERS_TIMEOUT_MS',
    file: 'controller/control-api/control-listener.ts',
    guards: 'Its head.',
    whenReached: TRANSPORT_GONE,
  },
  {
    name: 'HANDSHAKE_TIMEOUT_MS',
    file: 'controller/control-api/control-listener.ts',
    guards: 'TLS handshake of an operator.',
    whenReached: TRANSPORT_GONE,
  },
  {
    name: 'KEEP_ALIVE_TIMEOUT_MS',
    file: 'controller/control-api/control-listener.ts',
    guards: 'Idle connections to the control API.',
    whenReached: TRANSPORT_GONE,
  },
  {
    name: 'MAX_CONNECTIONS',
    file: 'shared/operations/operations-listener.ts',
    guards: 'Connections to the port for metrics and health.',
    whenReached: 'Further ones are closed at once.',
  },
  {
    name: 'requestTimeout',
    file: 'shared/operations/operations-listener.ts',
    guards: 'A whole request to that port, ms.',
    whenReached: TRANSPORT_GONE,
  },
  {
    name: 'MAX_ROUTE_SERIES',
    file: 'shared/operations/request-counters.ts',
    guards: 'Routes with metrics of their own.',
    whenReached: 'Further ones are counted together, labelled `(other)`.',
  },
  {
    name: 'MAX_STATUSES',
    file: 'shared/operations/request-counters.ts',
    guards: 'Distinct statuses per route in metrics.',
    whenReached: 'Further ones are counted as `other`.',
  },
  {
    name: 'MAX_REASONS',
    file: 'shared/operations/metrics.ts',
    guards: 'Distinct reasons for which links end, in metrics.',
    whenReached: 'Further ones are counted as `other`.',
  },
  {
    name: 'MAX_WAITING_BYTES',
    file: 'shared/log.ts',
    guards: 'Log lines that wait for a slow reader of stdout.',
    whenReached: 'Lines are dropped; their number is logged.',
  },
  {
    name: 'FLUSH_TIMEOUT_MS',
    file: 'shared/log.ts',
    guards: 'How long the end of a process waits for its last log lines.',
    whenReached: 'The process ends.',
  },
  {
    name: 'LAST_WORDS_MS',
    file: 'controller/controller.ts',
    guards:
      'How long answers to requests that the end of the controller broke off may take to leave.',
    whenReached: 'Their connections are closed.',
  },
  // certificates and configuration
  {
    name: 'LEAF_VALIDITY_DAYS',
    file: 'controller/certificates/authority.ts',
    guards: 'Life of issued certificates; never beyond that of the CA.',
    whenReached: 'Server certificate: renewed before, without a restart. Others: issue new ones.',
  },
  {
    name: 'CA_VALIDITY_DAYS',
    file: 'controller/certificates/make-authority.ts',
    guards: 'Life of a CA made by `fairlead ca init`.',
    whenReached: 'The controller does not start, and nobody trusts anything issued from it.',
  },
  {
    name: 'CA_END_WARNING_DAYS',
    file: 'controller/certificates/authority.ts',
    guards: 'A CA that ends sooner than this is warned about at the start.',
    whenReached: 'A warning in the log.',
  },
  {
    name: 'CHECK_INTERVAL_MS',
    file: 'controller/certificates/server-certificate.ts',
    guards: 'Between two looks whether the server certificate is due for renewal.',
    whenReached: 'It is looked at.',
  },
  {
    name: 'LAST_DAYS_MS',
    file: 'controller/certificates/server-certificate.ts',
    guards: 'Rest of its life at which the server certificate is renewed at the latest.',
    whenReached: 'It is renewed; new connections use the new one.',
  },
  {
    name: 'MAX_NAME_BYTES',
    file: 'controller/rendering/name-rules.ts',
    guards: 'Bytes of agent and service names in control API requests.',
    whenReached: '400 `CONTROL_REQUEST_INVALID`.',
  },
  {
    name: 'MAX_FILE_BYTES',
    file: 'shared/config/read-config.ts',
    guards: 'Bytes of a configuration file.',
    whenReached: 'The process does not start: `CONFIG_INVALID`.',
  },
  {
    name: 'LOOK_INTERVAL_MS',
    file: 'shared/config/file-watch.ts',
    guards: 'Between two looks at the files of the configuration.',
    whenReached: 'They are looked at; changed ones are read again.',
  },
  {
    name: 'MAX_ALIASES',
    file: 'shared/config/yaml-source.ts',
    guards: 'Expansions of YAML aliases in a configuration file.',
    whenReached: 'The process does not start: `CONFIG_INVALID`.',
  },
  // the log
  {
    name: 'GATHER_MS',
    file: 'shared/operations/gathered-lines.ts',
    guards: 'How long a log line waits for others before they are written together.',
    whenReached: 'They are written.',
  },
  {
    name: 'GATHER_BYTES',
    file: 'shared/operations/gathered-lines.ts',
    guards: 'Bytes of lines that wait so.',
    whenReached: 'They are written at once.',
  },
  // memory
  {
    name: 'LOOK_MS',
    file: 'shared/operations/idle-collection.ts',
    guards: 'Between two looks at whether the process has fallen idle after a load.',
    whenReached: 'It is looked at.',
  },
  {
    name: 'WORTH_BYTES',
    file: 'shared/operations/idle-collection.ts',
    guards:
      'What an idle process uses more than after the last collection (and a quarter more), or held for streams and holds no longer.',
    whenReached:
      'V8 collects what is young, and then all the rest: at once where buffers are left or were held, else after `LONG_IDLE_MS`.',
  },
  {
    name: 'WORTH_UNDER_LOAD_BYTES',
    file: 'shared/operations/idle-collection.ts',
    guards: 'What a process that does not fall idle held for streams and holds no longer.',
    whenReached: 'V8 collects everything: requests wait for some tens of milliseconds, once.',
  },
  {
    name: 'LONG_IDLE_MS',
    file: 'shared/operations/idle-collection.ts',
    guards:
      'How long a process has to be idle until growth of the heap alone is worth a full collection.',
    whenReached: 'V8 collects everything: the first requests after it cost more.',
  },
];
