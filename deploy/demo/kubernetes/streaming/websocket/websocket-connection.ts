/**
 * The server side of a WebSocket (RFC 6455): handshake, messages, pings, closing. Messages are pulled
 * one after the other, so that a slow consumer slows the sender down.
 * Used by exec, attach and port-forward and by Jenkins' echo.
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { TransportWriter } from '../transport-writer.js';
import { OPCODE, webSocketFrame, WebSocketError, WebSocketFrameReader } from './websocket-frame.js';

/** A whole message. */
export interface WebSocketMessage {
  readonly isText: boolean;
  readonly data: Buffer;
}

const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
const ACCEPT_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** Subprotocols that a handshake offers, in order. */
export function offeredProtocols(request: IncomingMessage): string[] {
  return (request.headers['sec-websocket-protocol'] ?? '')
    .split(',')
    .map((protocol) => protocol.trim())
    .filter((protocol) => protocol !== '');
}

/** True for a request that asks for a WebSocket. */
export function isWebSocketRequest(request: IncomingMessage): boolean {
  return /\bwebsocket\b/i.test(request.headers.upgrade ?? '');
}

/**
 * Answers the handshake with 101 and takes the socket over.
 * @param head bytes that came with the request
 * @param protocol the subprotocol chosen, undefined for none
 */
export function acceptWebSocket(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  protocol?: string,
): WebSocketConnection {
  const key = request.headers['sec-websocket-key'] ?? '';
  const accept = createHash('sha1')
    .update(key + ACCEPT_GUID)
    .digest('base64');
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${accept}`,
    ...(protocol === undefined ? [] : [`Sec-WebSocket-Protocol: ${protocol}`]),
  ];
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  if (head.length > 0) socket.unshift(head);
  return new WebSocketConnection(socket);
}

/** One open WebSocket. */
export class WebSocketConnection {
  #hasSentClose = false;
  readonly #writer: TransportWriter;

  constructor(private readonly socket: Duplex) {
    this.#writer = new TransportWriter(socket);
    socket.on('error', () => undefined); // seen as the end of messages()
  }

  /** Sends a message; resolves when the socket takes more. */
  async send(message: WebSocketMessage): Promise<void> {
    await this.#write(message.isText ? OPCODE.text : OPCODE.binary, message.data);
  }

  /** Messages in order; ends when the peer closes or is gone, closes the socket on a breach. */
  async *messages(): AsyncGenerator<WebSocketMessage, void, undefined> {
    const reader = new WebSocketFrameReader(MAX_MESSAGE_BYTES);
    let fragments: Buffer[] = [];
    let isText = false;
    try {
      for await (const chunk of this.socket.iterator({ destroyOnReturn: false })) {
        // The socket has no encoding set, so its chunks are buffers.
        for (const frame of reader.push(chunk as Buffer)) {
          if (frame.opcode === OPCODE.close) {
            await this.close(1000);
            return;
          }
          if (frame.opcode === OPCODE.ping) await this.#write(OPCODE.pong, frame.payload);
          if (frame.opcode > OPCODE.binary) continue;
          if (frame.opcode !== OPCODE.continuation) isText = frame.opcode === OPCODE.text;
          fragments.push(frame.payload);
          if (!frame.isFinal) continue;
          const data = fragments.length === 1 ? frame.payload : Buffer.concat(fragments);
          fragments = [];
          yield { isText, data };
        }
      }
      this.socket.end(); // the peer is gone without a close frame
    } catch (error) {
      if (error instanceof WebSocketError) await this.close(error.closeCode, error.message);
      else this.socket.destroy();
    }
  }

  /** Sends a close frame once and ends our side. */
  async close(code: number, reason = ''): Promise<void> {
    if (this.#hasSentClose || this.socket.destroyed) return;
    this.#hasSentClose = true;
    const payload = Buffer.alloc(2);
    payload.writeUInt16BE(code);
    const frame = webSocketFrame(OPCODE.close, Buffer.concat([payload, Buffer.from(reason)]));
    if (!this.socket.writableEnded) this.socket.end(frame);
    this.socket.resume(); // whatever still comes is of no interest
    await Promise.resolve();
  }

  /** Breaks the connection off. */
  destroy(): void {
    this.socket.destroy();
  }

  async #write(opcode: number, payload: Buffer): Promise<void> {
    if (!this.#hasSentClose) await this.#writer.write(webSocketFrame(opcode, payload));
  }
}
