/**
 * One http-proxy hop with kept-alive connections to the target: what a plain reverse proxy costs.
 */
import * as http from 'node:http';
import httpProxy from 'http-proxy';
import { z } from 'zod';
import { portOf, readOptions, report } from './program-options.js';

const { targetPort } = await readOptions(z.object({ targetPort: z.number() }));

const agent = new http.Agent({ keepAlive: true, maxFreeSockets: 1024 });
const target = { host: '127.0.0.1', port: targetPort };
const proxy = httpProxy.createProxyServer({ target, agent });
proxy.on('error', (reason) => report('fault', { text: reason.message }));
const server = http.createServer((request, response) => proxy.web(request, response));
server.keepAliveTimeout = 120_000;
server.listen(0, '127.0.0.1', 1024, () => report('ready', { port: portOf(server) }));
