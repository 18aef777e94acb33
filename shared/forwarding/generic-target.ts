/**
 * Any HTTP server as a target, made of the `config` of a generic service: URL, CA, client certificate,
 * credentials from the configuration, from files or from Kubernetes Secrets.
 */
import type { NamedText } from '../certificates/pem-text.js';
import { nearWord } from '../config/near-word.js';
import { SecretValue } from '../config/secret-value.js';
import type { CredentialsConfig, GenericServiceConfig } from '../config/services-config.js';
import { decodeBase64 } from './base64-text.js';
import {
  fileCredentialSource,
  inlineCredentialSource,
  secretCredentialSource,
} from './credential-source.js';
import type { CredentialPart, CredentialSource } from './credential-source.js';
import { endpointAt, parseServerUrl } from './server-address.js';
import { CREDENTIAL_TYPES, credentialFromTexts } from './target-credential.js';
import type { CredentialType } from './target-credential.js';
import { readTargetFile, targetFault } from './target-file.js';
import type { PlanParts, PlanTarget } from './target-plan.js';
import { targetTlsSettings } from './target-tls-settings.js';
import type { ClientCertificateTexts } from './target-tls-settings.js';

/** How a generic service is planned. */
export function genericPlanner(config: GenericServiceConfig, parts: PlanParts): PlanTarget {
  return async () => {
    if (config.url === undefined) throw targetFault('config.url is missing');
    const address = parseServerUrl(config.url, 'config.url');
    const tls = targetTlsSettings(
      {
        ca: await targetCa(config),
        clientCertificate: await clientCertificate(config, parts),
        serverName: config.serverName,
        isVerified: !config.insecure,
      },
      parts.clock.now(),
    );
    const type = credentialType(config.credentials);
    return {
      endpoint: endpointAt(address, tls),
      credentialId: 'configured', // the configuration of a target never changes; its files may
      createCredentialSource: () => credentialSource(type, config.credentials, parts),
      warnings: warningsOf(config, type, address.isTls),
    };
  };
}

function warningsOf(config: GenericServiceConfig, type: CredentialType, isTls: boolean): string[] {
  const warnings: string[] = [];
  if (config.insecure && isTls) {
    warnings.push(
      'config.insecure is set: the server is not verified, and whoever is on the way can read the credential; give caFile instead',
    );
  }
  const { username, password, token, usernameFile, passwordFile, tokenFile } = config.credentials;
  const texts = [username, password, token, usernameFile, passwordFile, tokenFile];
  if (type === 'none' && texts.some((text) => text !== undefined)) {
    warnings.push(
      'config.credentials has no type, so nothing of it is sent; set type: basic, bearer or token',
    );
  }
  return warnings;
}

async function targetCa(config: GenericServiceConfig): Promise<NamedText | undefined> {
  const { caFile, caCert64 } = config;
  if (caFile !== undefined && caCert64 !== undefined) {
    throw targetFault('config.caFile and config.caCert64 exclude each other; remove one');
  }
  if (caFile !== undefined) {
    return {
      text: await readTargetFile(caFile, 'CA file'),
      name: `CA file ${JSON.stringify(caFile)}`,
    };
  }
  if (caCert64 === undefined) return undefined;
  return { text: decoded(caCert64, 'config.caCert64'), name: 'config.caCert64' };
}

async function clientCertificate(
  config: GenericServiceConfig,
  { secrets }: PlanParts,
): Promise<ClientCertificateTexts | undefined> {
  const { clientCertFile, clientKeyFile, clientCert64, clientKey64, clientCertSecretName } = config;
  const isFromFile = bothOrNone('clientCertFile', clientCertFile, 'clientKeyFile', clientKeyFile);
  const isInline = bothOrNone('clientCert64', clientCert64, 'clientKey64', clientKey64);
  const isFromSecret = clientCertSecretName !== undefined;
  if (Number(isFromFile) + Number(isInline) + Number(isFromSecret) > 1) {
    throw targetFault(
      'config: clientCertFile, clientCert64 and clientCertSecretName exclude each other; keep one',
    );
  }
  if (clientCertFile !== undefined && clientKeyFile !== undefined) {
    return {
      certPem: await readTargetFile(clientCertFile, 'client certificate file'),
      keyPem: await readTargetFile(clientKeyFile, 'client key file'),
      what: 'client',
    };
  }
  if (clientCert64 !== undefined && clientKey64 !== undefined) {
    return {
      certPem: decoded(clientCert64, 'config.clientCert64'),
      keyPem: decoded(clientKey64.reveal(), 'config.clientKey64'),
      what: 'client',
    };
  }
  if (clientCertSecretName === undefined) return undefined;
  const data = await readerOf(secrets, clientCertSecretName).read(clientCertSecretName);
  const what = `Secret "${clientCertSecretName}"`;
  const entry = (key: string): string => {
    const text = data.get(key)?.reveal();
    if (text === undefined) throw targetFault(`${what} has no entry ${key}`);
    return text;
  };
  return { certPem: entry('tls.crt'), keyPem: entry('tls.key'), what: `client (${what})` };
}

function bothOrNone(certKey: string, cert: unknown, keyKey: string, key: unknown): boolean {
  if (cert !== undefined && key === undefined) {
    throw targetFault(`config.${certKey} needs config.${keyKey}`);
  }
  if (cert === undefined && key !== undefined) {
    throw targetFault(`config.${keyKey} needs config.${certKey}`);
  }
  return cert !== undefined;
}

function credentialType({ type = 'none' }: CredentialsConfig): CredentialType {
  const known = CREDENTIAL_TYPES.find((one) => one === type);
  if (known !== undefined) return known;
  const near = nearWord(type, CREDENTIAL_TYPES);
  const hint = near === undefined ? '' : `; did you mean ${near}?`;
  throw targetFault(
    `config.credentials.type is "${type}"; expected ${CREDENTIAL_TYPES.join(', ')}${hint}`,
  );
}

function credentialSource(
  type: CredentialType,
  config: CredentialsConfig,
  parts: PlanParts,
): CredentialSource {
  const { clock, onCredentialFailure: onFailure, secrets } = parts;
  const { secretName } = config;
  if (secretName !== undefined) {
    if (type === 'none') {
      throw targetFault('config.credentials.secretName needs a type: basic, bearer or token');
    }
    return secretCredentialSource(type, secretName, readerOf(secrets, secretName), onFailure);
  }
  if (type === 'none') return inlineCredentialSource({ type });
  const texts = {
    username: part(config, 'username', 'usernameFile'),
    password: part(config, 'password', 'passwordFile'),
    token: part(config, 'token', 'tokenFile'),
  };
  const wanted = type === 'basic' ? { ...texts, token: undefined } : { token: texts.token };
  return Object.values(wanted).some((one) => one !== undefined && !(one instanceof SecretValue))
    ? fileCredentialSource(type, wanted, { clock, onFailure })
    : inlineCredentialSource(credentialFromTexts(type, wanted as Inline, 'config.credentials')); // no file among them
}

type Inline = Parameters<typeof credentialFromTexts>[1];

function part(
  config: CredentialsConfig,
  key: 'username' | 'password' | 'token',
  fileKey: 'usernameFile' | 'passwordFile' | 'tokenFile',
): CredentialPart | undefined {
  const inline = config[key];
  const file = config[fileKey];
  if (inline !== undefined && file !== undefined) {
    throw targetFault(`config.credentials.${key} and ${fileKey} exclude each other; remove one`);
  }
  if (file !== undefined) return { file };
  if (inline === undefined) return undefined;
  return new SecretValue(decoded(inline.reveal(), `config.credentials.${key}`));
}

function readerOf(secrets: PlanParts['secrets'], name: string) {
  if (secrets !== undefined) return secrets;
  throw targetFault(
    `Secret "${name}" cannot be read: this process does not run in a Kubernetes pod`,
  );
}

function decoded(text: string, name: string): string {
  const plain = decodeBase64(text);
  if (plain === undefined) throw targetFault(`${name} is not base64`);
  return plain;
}
