/**
 * Resolves the connection options of a client command (options, else environment), reads their files
 * and checks them, so that mistakes are told before anything is sent.
 */
import { readCaCertificate } from '../../shared/certificates/ca-certificate.js';
import { readPemPair } from '../../shared/certificates/pem-pair.js';
import type { CommandIo } from './command-io.js';
import { CONNECTION_OPTIONS, type ConnectionOptions } from './connection-options.js';
import { usageError } from './usage-error.js';

/** A controller and the files that speak for both sides, read and checked. */
export interface ControlConnection {
  readonly url: URL;
  readonly caFile: string;
  readonly certFile: string;
  readonly caPem: string;
  readonly certPem: string;
  readonly keyPem: string;
}

/**
 * Resolves the options and reads their files. Throws CONFIG_INVALID that names every missing option,
 * CERTIFICATE_INVALID for files that are missing, wrong, outdated or do not belong together.
 */
export function controlConnection(options: ConnectionOptions, io: CommandIo): ControlConnection {
  const { controller, ca, cert, key } = resolved(options, io);
  const url = controlUrl(controller);
  const nowMs = io.clock.now();
  const { caPem } = readCaCertificate({ file: ca }, nowMs);
  const { certPem, keyPem } = readPemPair({ certFile: cert, keyFile: key }, nowMs);
  return { url, caFile: ca, certFile: cert, caPem, certPem, keyPem };
}

function resolved(
  options: ConnectionOptions,
  io: CommandIo,
): Required<Record<keyof ConnectionOptions, string>> {
  const found = { controller: '', ca: '', cert: '', key: '' };
  const missing: string[] = [];
  for (const { name, variable } of CONNECTION_OPTIONS) {
    // An empty variable is how scripts unset one.
    found[name] = options[name] ?? io.env[variable] ?? '';
    if (found[name] === '') missing.push(`--${name} (or ${variable})`);
  }
  if (missing.length === 0) return found;
  throw usageError(
    `missing ${missing.length === 1 ? 'option' : 'options'}: ${missing.join(', ')}`,
    '"fairlead ca init" makes ca-cert.pem, control-cert.pem and control-key.pem; ISD keeps them in the secrets ca-secret and oes-control-secret',
  );
}

function controlUrl(text: string): URL {
  const example = 'give one like https://controller.example.com:9003';
  const whole = text.includes('://') ? text : `https://${text}`;
  if (!URL.canParse(whole)) throw usageError(`"${text}" is not a URL`, example);
  const url = new URL(whole);
  if (url.protocol !== 'https:') {
    throw usageError(`the control API speaks HTTPS only, not ${url.protocol}//`, example);
  }
  if (url.username !== '' || url.password !== '') {
    throw usageError('the controller URL must not contain a user or password', example);
  }
  return url;
}
